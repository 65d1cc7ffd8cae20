package kernel_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/sys/unix"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/capture/kernel"
	"blindspot/capture/ring"
	"blindspot/discover"
	"blindspot/discover/flow"
)

// far is a second network namespace: functions sent to it run there.
type far chan func()

func (f far) do(work func()) {
	done := make(chan struct{})
	f <- func() { defer close(done); work() }
	<-done
}

// namespaces moves the test into a network namespace of its own and joins it to
// a second one. The test's goroutine must not start subtests.
func namespaces(t *testing.T) far {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); errors.Is(err, unix.EPERM) {
		t.Skip("this needs CAP_SYS_ADMIN, to make a network namespace")
	} else if err != nil {
		t.Fatal(err)
	}
	other, tid := make(far), make(chan int)
	go func() {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			panic(err)
		}
		tid <- unix.Gettid()
		for work := range other {
			work()
		}
	}()
	command(t, "ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0")
	command(t, "ip", "link", "set", "far0", "netns", strconv.Itoa(<-tid))
	command(t, "ip", "addr", "add", "10.9.0.1/24", "dev", "near0")
	command(t, "ip", "link", "set", "near0", "addrgenmode", "none", "up")                      // no packets but ours
	_ = exec.Command("ethtool", "-K", "near0", "tso", "off", "gso", "off", "gro", "off").Run() // packets as on a wire
	other.do(func() {
		command(t, "ip", "addr", "add", "10.9.0.2/24", "dev", "far0")
		command(t, "ip", "link", "set", "far0", "addrgenmode", "none", "up")
		_ = exec.Command("ethtool", "-K", "far0", "tso", "off", "gso", "off", "gro", "off").Run()
		command(t, "ip", "link", "set", "lo", "up")
	})
	t.Cleanup(func() { close(other) })
	return other
}

func command(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

// sensor reads an interface until it is stopped.
type sensor struct {
	source capture.Source
	ring   *ring.Ring
	events []string
	stop   context.CancelFunc
	done   chan error
}

// listen starts a sensor on an interface of the namespace at hand, with or
// without cut-off.
func listen(t *testing.T, iface string, withCutoff bool) (*sensor, *kernel.Cutoff) {
	t.Helper()
	cfg := ring.Config{Interface: iface, Retire: 4 * time.Millisecond, Timeout: 20 * time.Millisecond}
	var cutoff *kernel.Cutoff
	if withCutoff {
		var err error
		if cutoff, err = kernel.Load(kernel.Config{Entries: 1 << 14}); err != nil {
			t.Skip(err)
		}
		cfg.Program = cutoff.FDs().Program
	}
	fd, err := ring.Open(cfg)
	if err != nil {
		t.Skip(err)
	}
	r, err := ring.New(fd, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &sensor{source: r, ring: r, done: make(chan error, 1)}
	table := flow.Config{Emit: s.emit}
	if cutoff == nil {
		s.start(flow.NewReader(table, decode.Config{}))
		return s, nil
	}
	tap := kernel.NewTap(r, cutoff, kernel.Config{})
	s.source, table.Useless = tap, tap.Useless
	reader := flow.NewReader(table, decode.Config{})
	reader.Taken = tap.Taken
	s.start(reader)
	return s, cutoff
}

func (s *sensor) start(r *flow.Reader) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() { s.done <- r.Read(ctx, s.source) }()
}

// emit keeps what an event says but for its times.
func (s *sensor) emit(o *discover.Observation) {
	o.Time, o.Ended = time.Time{}, time.Time{}
	s.events = append(s.events, string(discover.AppendEvent(nil, 1, o)))
}

func (s *sensor) finish(t *testing.T) []string {
	t.Helper()
	time.Sleep(300 * time.Millisecond)
	s.stop()
	if err := <-s.done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	slices.Sort(s.events)
	return s.events
}

// TestCutoffLive has clients and servers talk, in ways that could mislead the
// cut-off, before two rings: one with it and one without. Both must tell the
// same events, and the sums must fit to the packet.
func TestCutoffLive(t *testing.T) {
	other := namespaces(t)
	var plain, cutting *sensor
	var cutoff *kernel.Cutoff
	other.do(func() {
		plain, _ = listen(t, "far0", false)
		cutting, cutoff = listen(t, "far0", true)
	})
	certificate := issue(t)
	scenes := []struct {
		name string
		play func(t *testing.T, other far, cert tls.Certificate)
	}{
		{"bulk", playBulk}, {"ports reused", playReuse}, {"STARTTLS, ports reused", playSTARTTLS},
		{"hellos later in a connection", playLater}, {"QUIC", playQUIC}, {"openssl, curl, nginx", playTools},
	}
	for _, s := range scenes {
		before, err := cutoff.Stats()
		if err != nil {
			t.Fatal(err)
		}
		s.play(t, other, certificate)
		time.Sleep(50 * time.Millisecond)
		after, err := cutoff.Stats()
		if err != nil {
			t.Fatal(err)
		}
		passed, cut := after.Passed-before.Passed, after.Cut-before.Cut
		share := float64(passed) / float64(passed+cut)
		t.Logf("%s: %d packets passed, %d were cut off: user space has %.1f %%", s.name, passed, cut, 100*share)
		if s.name == "bulk" && share > 0.05 {
			t.Errorf("of bulk traffic user space has %.1f %%, want at most 5 %%", 100*share)
		}
	}
	want, got := plain.finish(t), cutting.finish(t)
	stats, err := cutoff.Stats()
	if err != nil {
		t.Fatal(err)
	}
	all, kept := plain.ring.Stats(), cutting.ring.Stats()
	t.Logf("%d events; without: %+v", len(want), all)
	t.Logf("with: %+v", kept)
	t.Logf("cut-off: %+v", stats)
	if len(want) < 100 {
		t.Errorf("%d events only", len(want))
	}
	for _, e := range want {
		if !slices.Contains(got, e) {
			t.Errorf("missing with cut-off:\n%s", e)
		}
	}
	for _, e := range got {
		if !slices.Contains(want, e) {
			t.Errorf("only with cut-off:\n%s", e)
		}
	}
	if stats.Passed != kept.Received || stats.Passed+stats.Cut != all.Received {
		t.Errorf("passed %d, cut off %d; the rings received %d and %d", stats.Passed, stats.Cut, kept.Received, all.Received)
	}
	if why := stats.Misses + stats.Stale + stats.SYN + stats.Hello + stats.LongForm + stats.DTLS + stats.Closing + stats.Exempt + stats.Fragments + stats.Unparsed; why != stats.Passed {
		t.Errorf("passed %d, for a reason %d", stats.Passed, why)
	}
}

// issue makes a certificate.
func issue(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cut-off"}, DNSNames: []string{"*.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func name(kind string, i int) string { return fmt.Sprintf("%s%d.example", kind, i) }

func client(server string, version uint16) *tls.Config {
	return &tls.Config{ServerName: server, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}
}

func version(i int) uint16 {
	return []uint16{tls.VersionTLS12, tls.VersionTLS13}[i%2]
}

// serve accepts connections in the other namespace.
func serve(t *testing.T, other far, address string, handle func(net.Conn)) {
	t.Helper()
	other.do(func() {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					handle(c)
				}()
			}
		}()
	})
}

// dial connects, from a port where one is given, which may have been in use a
// moment ago.
func dial(t *testing.T, address string, port int) *net.TCPConn {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		})
	}}
	if port != 0 {
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(10, 9, 0, 1), Port: port}
	}
	c, err := d.Dial("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

// reset closes a connection so that its port is free at once.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	c.Close()
}

// download reads n bytes that the other side sends for one byte.
func download(t *testing.T, c net.Conn, n int64) {
	t.Helper()
	if _, err := c.Write([]byte{'g'}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, c, n); err != nil {
		t.Fatal(err)
	}
}

// upload answers each byte with n.
func upload(c net.Conn, n int) {
	b, block := make([]byte, 1), make([]byte, 32<<10)
	for {
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		for sent := 0; sent < n; sent += len(block) {
			if _, err := c.Write(block[:min(len(block), n-sent)]); err != nil {
				return
			}
		}
	}
}

// playBulk has ten clients download 10 MB each, at some 80 Mbit/s.
func playBulk(t *testing.T, other far, cert tls.Certificate) {
	const block, blocks = 32 << 10, 320
	serve(t, other, "10.9.0.2:4431", func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		for range blocks {
			_, _ = s.Write(make([]byte, block))
			time.Sleep(3 * time.Millisecond)
		}
	})
	var all sync.WaitGroup
	for i := range 10 {
		c := tls.Client(dial(t, "10.9.0.2:4431", 0), client(name("bulk", i), version(i)))
		all.Go(func() {
			if _, err := io.CopyN(io.Discard, c, block*blocks); err != nil {
				t.Error(err)
			}
			c.Close()
		})
	}
	all.Wait()
}

// playReuse comes back from one port before the kernel has read anything of the
// connection before.
func playReuse(t *testing.T, other far, cert tls.Certificate) {
	const size = 64 << 10
	serve(t, other, "10.9.0.2:4432", func(c net.Conn) {
		upload(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}), size)
	})
	for i := range 300 {
		tcp := dial(t, "10.9.0.2:4432", 40000)
		c := tls.Client(tcp, client(name("reuse", i), version(i)))
		download(t, c, size)
		if i%3 == 0 {
			time.Sleep(5 * time.Millisecond) // for some, time to be cut off
			download(t, c, size)
		}
		reset(tcp)
	}
}

// playSTARTTLS has a plaintext preface in front of each hello, which does not
// look like an opener.
func playSTARTTLS(t *testing.T, other far, cert tls.Certificate) {
	const size = 64 << 10
	serve(t, other, "10.9.0.2:2525", func(c net.Conn) {
		fmt.Fprint(c, "220 mail.example ESMTP\r\n")
		answer(c, "EHLO client.example\r\n", "250-mail.example\r\n250 STARTTLS\r\n")
		answer(c, "STARTTLS\r\n", "220 go ahead\r\n")
		upload(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}), size)
	})
	for i := range 100 {
		tcp := dial(t, "10.9.0.2:2525", 40001)
		expect(t, tcp, "220 mail.example ESMTP\r\n")
		fmt.Fprint(tcp, "EHLO client.example\r\n")
		expect(t, tcp, "250-mail.example\r\n250 STARTTLS\r\n")
		fmt.Fprint(tcp, "STARTTLS\r\n")
		expect(t, tcp, "220 go ahead\r\n")
		c := tls.Client(tcp, client(name("mail", i), version(i)))
		download(t, c, size)
		if i%3 == 0 {
			time.Sleep(5 * time.Millisecond)
			download(t, c, size)
		}
		reset(tcp)
	}
}

func answer(c net.Conn, question, text string) {
	b := make([]byte, len(question))
	if _, err := io.ReadFull(c, b); err == nil {
		fmt.Fprint(c, text)
	}
}

func expect(t *testing.T, c net.Conn, text string) {
	t.Helper()
	b := make([]byte, len(text))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != text {
		t.Fatalf("got %q, %v", b, err)
	}
}

// playLater begins TLS several times within one TCP connection, after bulk data
// in the clear.
func playLater(t *testing.T, other far, cert tls.Certificate) {
	const rounds, size = 5, 512 << 10
	serve(t, other, "10.9.0.2:4434", func(c net.Conn) {
		for range rounds {
			block := make([]byte, size)
			if _, err := io.ReadFull(c, block[:1]); err != nil {
				return
			}
			for i := range block {
				block[i] = '.'
			}
			if _, err := c.Write(block); err != nil {
				return
			}
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
			if _, err := io.ReadFull(s, block[:1]); err != nil {
				return
			}
			if _, err := s.Write(block); err != nil {
				return
			}
			if s.CloseWrite() != nil {
				return
			}
			_, _ = io.Copy(io.Discard, s)
			_ = c.SetWriteDeadline(time.Time{})             // which the end of TLS has set
			if _, err := c.Write([]byte{'.'}); err != nil { // what comes now is not read as TLS
				return
			}
		}
	})
	for i := range 10 {
		tcp := dial(t, "10.9.0.2:4434", 0)
		for j := range rounds {
			download(t, tcp, size)
			time.Sleep(8 * time.Millisecond) // time to be cut off
			c := tls.Client(tcp, client(name("later", i*rounds+j), version(i)))
			download(t, c, size)
			if _, err := c.Read(make([]byte, 1)); err != io.EOF {
				t.Fatal(err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			_ = tcp.SetWriteDeadline(time.Time{})
			expect(t, tcp, ".")
			time.Sleep(8 * time.Millisecond)
		}
		reset(tcp)
	}
}

// playQUIC makes connections one after the other between one pair of ports.
func playQUIC(t *testing.T, other far, cert tls.Certificate) {
	const size = 2 << 20
	settings := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"bulk"}, InsecureSkipVerify: true}
	other.do(func() {
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(10, 9, 0, 2), Port: 4433})
		if err != nil {
			t.Error(err)
			return
		}
		l, err := quic.Listen(udp, settings, nil)
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { l.Close(); udp.Close() })
		go func() {
			for {
				c, err := l.Accept(context.Background())
				if err != nil {
					return
				}
				go func() {
					s, err := c.AcceptStream(context.Background())
					if err != nil {
						return
					}
					_, _ = io.ReadFull(s, make([]byte, 1))
					_, _ = s.Write(make([]byte, size))
					s.Close()
				}()
			}
		}()
	})
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(10, 9, 0, 1), Port: 40002})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	transport := &quic.Transport{Conn: udp}
	defer transport.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for i := range 10 {
		mine := settings.Clone()
		mine.ServerName = name("quic", i)
		c, err := transport.Dial(ctx, &net.UDPAddr{IP: net.IPv4(10, 9, 0, 2), Port: 4433}, mine, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.OpenStreamSync(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte{'g'}); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, s); err != nil || n != size {
			t.Fatal(n, err)
		}
		_ = c.CloseWithError(0, "")
	}
}

// playTools has OpenSSL and curl ask NGINX.
func playTools(t *testing.T, other far, cert tls.Certificate) {
	for _, tool := range []string{"nginx", "curl", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("left out: %s is not installed", tool)
			return
		}
	}
	dir := t.TempDir()
	_ = os.Chmod(dir, 0o755)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
	write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	write("bulk", bytes.Repeat([]byte("bulk data\n"), 1<<20))
	write("nginx.conf", []byte(strings.ReplaceAll(`user root; daemon off; worker_processes 1; pid DIR/pid; error_log DIR/error.log;
events {}
http {
  access_log off; client_body_temp_path DIR/a; proxy_temp_path DIR/b; fastcgi_temp_path DIR/c; uwsgi_temp_path DIR/d; scgi_temp_path DIR/e;
  server { listen 10.9.0.2:4435 ssl; ssl_certificate DIR/cert.pem; ssl_certificate_key DIR/key.pem; root DIR; }
}
`, "DIR", dir)))
	var server *exec.Cmd
	other.do(func() {
		server = exec.Command("nginx", "-c", filepath.Join(dir, "nginx.conf"), "-e", filepath.Join(dir, "start.log"))
		if err := server.Start(); err != nil {
			t.Error(err)
		}
	})
	defer func() { _ = server.Process.Signal(syscall.SIGTERM); _ = server.Wait() }()
	for range 100 {
		if exec.Command("openssl", "s_client", "-connect", "10.9.0.2:4435", "-servername", "ready.example").Run() == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	for i := range 12 {
		args := []string{"-sSfk", "--local-port", strconv.Itoa(41000 + i/3), "--resolve", name("curl", i) + ":4435:10.9.0.2", "-o", "/dev/null", "--http1.1",
			"--tls-max", []string{"1.2", "1.3"}[i%2], "https://" + name("curl", i) + ":4435/bulk", "https://" + name("curl", i) + ":4435/bulk"}
		if i%2 == 0 {
			args = append(args[:1], args[3:]...)
		}
		_ = exec.Command("curl", args...).Run() // a port may not be free yet
	}
	for i := range 6 {
		c := exec.Command("openssl", "s_client", "-connect", "10.9.0.2:4435", "-servername", name("openssl", i), "-quiet")
		c.Stdin = strings.NewReader("GET /bulk HTTP/1.0\r\n\r\n")
		_ = c.Run()
	}
}
