package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"blindspot/discover"

	"golang.org/x/sys/unix"
)

// netns is a network of its own, in which only what is started in it speaks.
type netns struct {
	name string
}

func newNetns(t *testing.T, addrs ...string) *netns {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root (CAP_SYS_ADMIN) for a network namespace")
	}
	for _, program := range []string{"ip", "tcpdump"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	n := &netns{name: fmt.Sprintf("bsverify%d", os.Getpid())}
	n.must(t, "ip", "netns", "add", n.name)
	t.Cleanup(func() { exec.Command("ip", "netns", "del", n.name).Run() })
	n.must(t, "ip", "-n", n.name, "link", "set", "lo", "up")
	for _, a := range addrs {
		n.must(t, "ip", "-n", n.name, "addr", "add", a+"/32", "dev", "lo")
	}
	return n
}

func (*netns) must(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Skipf("needs network namespaces (CAP_SYS_ADMIN): %s %q: %v: %s", name, args, err, out)
	}
}

// command runs in the namespace.
func (n *netns) command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", n.name, name}, args...)...)
}

// listen opens a listener in the namespace.
func (n *netns) listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	type answer struct {
		l   net.Listener
		err error
	}
	done := make(chan answer)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with us
		f, err := os.Open("/run/netns/" + n.name)
		if err == nil {
			defer f.Close()
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
		}
		if err != nil {
			done <- answer{err: err}
			return
		}
		l, err := net.Listen("tcp", addr)
		done <- answer{l, err}
	}()
	a := <-done
	if a.err != nil {
		t.Fatal(a.err)
	}
	t.Cleanup(func() { a.l.Close() })
	return a.l
}

// serve speaks by speak to everybody and counts them.
func (n *netns) serve(t *testing.T, addr string, speak func(net.Conn)) (came func() []time.Time) {
	l := n.listen(t, addr)
	var mu sync.Mutex
	var list []time.Time
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			list = append(list, time.Now())
			mu.Unlock()
			go func() {
				defer c.Close()
				speak(c)
			}()
		}
	}()
	return func() []time.Time {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}

// selfSigned serves a certificate of a key of its own, over TLS 1.3 alone.
func selfSigned(t *testing.T, name string, from, to time.Duration, edit func(*tls.Config)) (func(net.Conn), string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.Add(from), NotAfter: now.Add(to),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13}
	if edit != nil {
		edit(cfg)
	}
	return func(c net.Conn) {
		tc := tls.Server(c, cfg)
		if tc.Handshake() == nil {
			tc.Read(make([]byte, 1))
		}
	}, sha256Hex(der)
}

// TestVerifyInNamespace asks backends of one name by themselves, in a network
// where nothing else speaks, and looks at all that was sent.
func TestVerifyInNamespace(t *testing.T) {
	const (
		day  = 24 * time.Hour
		name = "api.shop.example"
	)
	ns := newNetns(t, "10.77.1.11", "10.77.1.12", "10.77.1.13", "10.77.1.14", "10.77.1.15", "10.77.1.16", "203.0.113.5")
	fresh, freshPrint := selfSigned(t, name, -10*day, 80*day, nil)
	stale, stalePrint := selfSigned(t, name, -100*day, -day, nil)
	mutual, mutualPrint := selfSigned(t, "mutual.shop.example", -day, 80*day, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
	ns.serve(t, "10.77.1.11:443", fresh)
	ns.serve(t, "10.77.1.12:443", stale)
	ns.serve(t, "10.77.1.13:443", func(c net.Conn) { time.Sleep(time.Minute) })
	ns.serve(t, "10.77.1.14:443", func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-OpenSSH_9.7\r\n"); c.Read(make([]byte, 1)) })
	ns.serve(t, "10.77.1.16:443", mutual)
	foreign := ns.serve(t, "203.0.113.5:443", func(c net.Conn) {})

	dir := t.TempDir()
	db, traffic := filepath.Join(dir, "t.db"), filepath.Join(dir, "ssl.log")
	var rows bytes.Buffer
	use := func(name, server string) {
		for client := 1; client <= 4; client++ {
			fmt.Fprintf(&rows, `{"ts":%d.5,"uid":"C%d%s","id.orig_h":"10.77.2.%d","id.orig_p":50001,"id.resp_h":%q,"id.resp_p":443,"version":"TLSv13","cipher":"TLS_AES_128_GCM_SHA256","server_name":%q,"resumed":false,"established":true,"ssl_history":"CsiI"}`+"\n",
				time.Now().Add(-time.Hour).Unix(), client, server, client, server, name)
		}
	}
	for i, n := range []string{name, name, "hangs.shop.example", "ssh.shop.example", "refuses.shop.example", "mutual.shop.example"} {
		use(n, fmt.Sprintf("10.77.1.%d", 11+i))
	}
	use("elsewhere.example", "203.0.113.5")
	hosts := filepath.Join(dir, "hosts.txt")
	writeFile(t, traffic, rows.String())
	writeFile(t, hosts, name+"\n")
	labRun(t, "import", "--quiet", "--db", db, "zeek", traffic)

	program := filepath.Join(dir, "blindspot")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	pcap := filepath.Join(dir, "sent.pcap")
	dump := ns.command("tcpdump", "-i", "lo", "-U", "-w", pcap, "-Z", "root")
	ready := &lineWatcher{want: "listening on", found: make(chan struct{})}
	dump.Stderr = ready
	if err := dump.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ready.found:
	case <-time.After(10 * time.Second):
		t.Fatal("tcpdump does not begin")
	}
	verify := ns.command(program, "verify", "--db", db, "--monitored", "hosts:"+hosts, "-o", "json", "--rate", "10", "--timeout", "2s")
	var errs bytes.Buffer
	verify.Stderr = &errs
	began := time.Now()
	out, err := verify.Output()
	took := time.Since(began)
	time.Sleep(200 * time.Millisecond)
	dump.Process.Signal(os.Interrupt)
	dump.Wait()
	if err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	if took < 500*time.Millisecond {
		t.Errorf("took %v for six looks at ten a second", took)
	}

	var looks []struct{ Hostname, Endpoint, Result, Certificate, Detail string }
	if err := json.Unmarshal(out, &looks); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range looks {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", l.Hostname, l.Endpoint, l.Result, l.Certificate)))
	}
	want := []string{
		"api.shop.example 10.77.1.11:443 certificate " + freshPrint,
		"api.shop.example 10.77.1.12:443 certificate " + stalePrint,
		"hangs.shop.example 10.77.1.13:443 timeout",
		"mutual.shop.example 10.77.1.16:443 certificate " + mutualPrint,
		"refuses.shop.example 10.77.1.15:443 refused",
		"ssh.shop.example 10.77.1.14:443 no-tls",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}

	if n := len(foreign()); n != 0 {
		t.Errorf("the server out of scope got %d connections", n)
	}
	syns, err := exec.Command("tcpdump", "-nn", "-r", pcap, "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn or not tcp").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(syns)), "\n")
	if len(lines) != 6 {
		t.Errorf("got %d beginnings of connections and packets of other protocols on the wire, want 6:\n%s", len(lines), syns)
	}
	for _, l := range lines {
		if !strings.Contains(l, "> 10.77.1.1") || !strings.Contains(l, ".443: ") {
			t.Errorf("sent to somebody who is not asked: %s", l)
		}
	}
	checkVerifiedGap(t, labGap(t, "--db", db, "--monitored", "hosts:"+hosts), stalePrint)

	// Asked a moment ago: only those without an answer are asked again.
	if out := labRun(t, "verify", "--db", db, "--monitored", "hosts:"+hosts, "--dry-run", "-o", "csv"); strings.Contains(string(out), name) || strings.Count(string(out), "would-ask") != 3 {
		t.Errorf("after the looks it would ask:\n%s", out)
	}
}

// checkVerifiedGap: the stale backend is found, and how is said.
func checkVerifiedGap(t *testing.T, r *labReport, stale string) {
	t.Helper()
	found := map[string]bool{}
	for _, f := range r.Findings {
		if f.Hostname != "api.shop.example" {
			continue
		}
		found[f.Kind] = true
		if !strings.Contains(f.Detail, "blindspot asked for it itself, last at 20") || !strings.Contains(string(f.Evidence), `"known_by":"verify"`) && !strings.Contains(string(f.Evidence), `"known_by": "verify"`) {
			t.Errorf("%s does not say that it was asked for: %s\n%s", f.Kind, f.Detail, f.Evidence)
		}
		if f.Kind == "expired-certificate" && (f.Certificate != stale || !slices.Equal(f.Endpoints, []string{"10.77.1.12:443"}) || f.Handshakes != 4) {
			t.Errorf("got %+v, want the stale certificate at 10.77.1.12:443", f)
		}
	}
	for _, kind := range []string{"expired-certificate", "split-deployment", "stale-certificate"} {
		if !found[kind] {
			t.Errorf("no %s among the findings of the name", kind)
		}
	}
	if got := r.Summary["verified_handshakes"]; got != float64(12) {
		t.Errorf("got %v handshakes that were asked for, want 12", got)
	}
	if got := r.Summary["handshakes"]; got != float64(24) {
		t.Errorf("got %v handshakes in use, want 24: looks are none", got)
	}
}

// lineWatcher closes found when want was written.
type lineWatcher struct {
	want  string
	found chan struct{}
	all   []byte
	done  bool
}

func (w *lineWatcher) Write(b []byte) (int, error) {
	w.all = append(w.all, b...)
	if !w.done && bytes.Contains(w.all, []byte(w.want)) {
		w.done = true
		close(w.found)
	}
	return len(b), nil
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func sha256Hex(der []byte) string { return discover.FingerprintOf(der).String() }
