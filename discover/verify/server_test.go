package verify

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startup is how long a real server may take until it listens.
const startup = 20 * time.Second

// spawn runs a server until the test ends and waits until it listens, or, so as
// to leave its log without a connection, until it has said that it is ready. The
// text that comes back is what it has written so far.
func spawn(t *testing.T, at netip.AddrPort, ready, name string, args ...string) func() string {
	t.Helper()
	return spawnAs(t, nil, at, ready, name, args...)
}

// spawnAs is spawn with attributes of the process.
func spawnAs(t *testing.T, attr *syscall.SysProcAttr, at netip.AddrPort, ready, name string, args ...string) func() string {
	t.Helper()
	log := &syncBuffer{}
	cmd := exec.Command(need(t, name), args...)
	cmd.Dir = t.TempDir() // a server that dies leaves its core there
	if attr != nil {
		cmd.Dir = "/" // another user, who may not go into ours
	}
	cmd.SysProcAttr, cmd.WaitDelay = attr, time.Second
	cmd.Stdout, cmd.Stderr = log, log
	if _, err := cmd.StdinPipe(); err != nil { // open until the end: s_server leaves with it
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { cmd.Wait(); close(gone) }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) // so that it takes its children along
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-gone
		}
	})
	listening(t, at, ready, gone, log.String)
	return log.String
}

// listening waits until something accepts connections, or says that it will.
func listening(t *testing.T, at netip.AddrPort, ready string, gone <-chan struct{}, log func() string) {
	t.Helper()
	for deadline := time.Now().Add(startup); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if ready != "" {
			if strings.Contains(log(), ready) {
				return
			}
		} else if c, err := net.DialTimeout("tcp", at.String(), time.Second); err == nil {
			c.Close()
			return
		}
		select {
		case <-gone:
			t.Fatalf("the server at %s ended: %s", at, log())
		default:
		}
	}
	t.Fatalf("nothing listens at %s: %s", at, log())
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// vacant is an endpoint on loopback where nothing listens.
func vacant(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func ask(t *testing.T, p Place, alpn ...string) (shown, error) {
	t.Helper()
	a := Asker{Timeout: 10 * time.Second}
	o, err := a.Ask(context.Background(), &Target{Place: p, ALPN: alpn})
	if err != nil {
		return shown{}, err
	}
	s := shown{leaf: o.Chain[0].String(), version: o.Version, outcome: string(o.Outcome), alpn: o.ALPNChosen, proven: int(o.KeyProven), auth: int(o.ClientAuthRequested)}
	if o.CertsFrom != "verify" || o.Class != "verify" || o.Client.IsValid() {
		t.Errorf("got certs from %q, class %q, client %v, want verify, verify and none", o.CertsFrom, o.Class, o.Client)
	}
	return s, nil
}

// shown is what a look is about.
type shown struct {
	leaf, version, outcome, alpn string
	proven, auth                 int
}

// opensslServer is openssl s_server at a fresh endpoint.
func opensslServer(t *testing.T, id *identity, args ...string) (netip.AddrPort, func() string) {
	t.Helper()
	at := vacant(t)
	log := spawn(t, at, "ACCEPT", "openssl", append([]string{"s_server", "-accept", at.String(), "-cert", id.cert, "-key", id.key, "-msg"}, args...)...)
	return at, log
}

func TestAskOpenSSL(t *testing.T) {
	other := newIdentity(t, "other.example")
	for _, tt := range []struct {
		name string
		id   func(*testing.T, ...string) *identity
		args []string
		alpn []string
		want shown
		fail string // kind of the failure
		log  string // in the server's log
		not  string // not in it
	}{
		{name: "TLS 1.3", want: shown{version: "TLS 1.3", outcome: "established", proven: 2, auth: 1}, log: "warning close_notify", not: "ERROR"},
		{name: "TLS 1.2", args: []string{"-tls1_2"}, want: shown{version: "TLS 1.2", outcome: "established", proven: 2, auth: 1}, log: "warning close_notify", not: "ERROR"},
		{name: "TLS 1.0", args: []string{"-tls1", "-cipher", "ALL:@SECLEVEL=0"}, want: shown{version: "TLS 1.0", outcome: "established", proven: 2, auth: 1}},
		{name: "HelloRetryRequest", args: []string{"-groups", "P-521"}, want: shown{version: "TLS 1.3", outcome: "established", proven: 2, auth: 1}},
		{name: "ALPN", args: []string{"-alpn", "h2"}, alpn: []string{"http/1.1", "h2"}, want: shown{version: "TLS 1.3", outcome: "established", alpn: "h2", proven: 2, auth: 1}},
		// OpenSSL ends the handshake where it wants a certificate, and gets none.
		{name: "client certificate required, TLS 1.2", args: []string{"-tls1_2", "-Verify", "1"}, want: shown{version: "TLS 1.2", outcome: "refused-by-server", auth: 2}, log: "peer did not return a certificate"},
		{name: "client certificate required, TLS 1.3", args: []string{"-Verify", "1"}, want: shown{version: "TLS 1.3", outcome: "established", proven: 2, auth: 2}, log: "peer did not return a certificate"},
		{name: "client certificate asked for", args: []string{"-verify", "1"}, want: shown{version: "TLS 1.3", outcome: "established", proven: 2, auth: 2}, log: "warning close_notify", not: "ERROR"},
		{name: "a certificate that Go refuses, TLS 1.2", id: oddNamed, args: []string{"-tls1_2"}, want: shown{version: "TLS 1.2", outcome: "unknown", auth: 1}},
		{name: "a certificate that Go refuses, AES-128", id: oddNamed, args: []string{"-ciphersuites", "TLS_AES_128_GCM_SHA256"}, want: shown{version: "TLS 1.3", outcome: "unknown", auth: 1}},
		{name: "a certificate that Go refuses, AES-256", id: oddNamed, args: []string{"-ciphersuites", "TLS_AES_256_GCM_SHA384", "-groups", "P-521"}, want: shown{version: "TLS 1.3", outcome: "unknown", auth: 1}},
		{name: "a certificate that Go refuses, ChaCha20", id: oddNamed, args: []string{"-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, want: shown{version: "TLS 1.3", outcome: "unknown", auth: 1}},
		{name: "an alert to our hello", args: []string{"-tls1_2", "-cipher", "PSK-AES128-CBC-SHA"}, fail: Rejected},
		{name: "another name's certificate for SNI", args: []string{"-servername", "other.example", "-cert2", other.cert, "-key2", other.key}, want: shown{version: "TLS 1.3", outcome: "established", proven: 2, auth: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.id == nil {
				tt.id = newIdentity
			}
			id := tt.id(t, "api.shop.example")
			at, log := opensslServer(t, id, tt.args...)
			got, err := ask(t, Place{Hostname: "api.shop.example", Server: at}, tt.alpn...)
			if tt.fail != "" {
				wantFailure(t, err, Handshake, tt.fail)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tt.want.leaf = id.fingerprint().String()
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			for range 40 { // openssl writes when it has seen the end
				if tt.log == "" || strings.Contains(log(), tt.log) {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if !strings.Contains(log(), tt.log) {
				t.Errorf("the server does not say %q:\n%s", tt.log, log())
			}
			if tt.not != "" && strings.Contains(log(), tt.not) {
				t.Errorf("the server says %q:\n%s", tt.not, log())
			}
		})
	}
	t.Run("SNI chooses", func(t *testing.T) {
		id := newIdentity(t, "api.shop.example")
		at, _ := opensslServer(t, id, "-servername", "other.example", "-cert2", other.cert, "-key2", other.key)
		got, err := ask(t, Place{Hostname: "other.example", Server: at})
		if err != nil {
			t.Fatal(err)
		}
		if want := other.fingerprint().String(); got.leaf != want {
			t.Errorf("got leaf %s, want that of other.example, %s", got.leaf, want)
		}
	})
}

func oddNamed(t *testing.T, names ...string) *identity { return odd(t, names[0]) }

func wantFailure(t *testing.T, err error, step Step, kind string) {
	t.Helper()
	f, ok := err.(*Failure)
	if !ok {
		t.Fatalf("got error %v, want a failure to %s: %s", err, step, kind)
	}
	if f.Step != step || f.Kind() != kind {
		t.Errorf("got %s: %s (%v), want %s: %s", f.Step, f.Kind(), f, step, kind)
	}
}

// plainServer speaks by speak to everybody who connects.
func plainServer(t *testing.T, speak func(c net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				speak(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func TestAskFailures(t *testing.T) {
	const patience = 300 * time.Millisecond
	hanging := func(c net.Conn) { c.Read(make([]byte, 1)); c.Read(make([]byte, 1<<20)); c.Read(make([]byte, 1)) }
	says := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			fmt.Fprint(c, text)
			c.(*net.TCPConn).CloseWrite()
			for b := make([]byte, 4096); ; {
				if _, err := c.Read(b); err != nil {
					return
				}
			}
		}
	}
	drip := func(c net.Conn) { // a byte at a time would keep a look with a timeout a read alive
		for range 100 {
			if _, err := c.Write([]byte("2")); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	for _, tt := range []struct {
		name    string
		server  func(net.Conn) // nil: nobody listens
		preface string
		step    Step
		kind    string
	}{
		{"refused", nil, "", Connecting, Refused},
		{"silent", hanging, "", Handshake, TimedOut},
		{"silent before STARTTLS", hanging, "smtp", Starting, TimedOut},
		{"a byte at a time", drip, "smtp", Starting, TimedOut},
		{"closes", says(""), "", Handshake, NoTLS},
		{"speaks HTTP", says("HTTP/1.1 400 Bad Request\r\n\r\n"), "", Handshake, NoTLS},
		{"speaks SSH", says("SSH-2.0-OpenSSH_9.7\r\n"), "", Handshake, NoTLS},
		{"refuses mail", says("554 no service for you\r\n"), "smtp", Starting, NoTLS},
		{"has no STARTTLS", says("220 hello\r\n250-hello\r\n250 SIZE\r\n"), "smtp", Starting, NoTLS},
		{"greets without end", says(strings.Repeat("220-and so on\r\n", 10_000)), "smtp", Starting, NoTLS},
		{"has no TLS in PostgreSQL", says("N"), "postgresql", Starting, NoTLS},
		{"LDAP of a length out of reason", says("0\x84\x7f\xff\xff\xff"), "ldap", Starting, NoTLS},
		{"LDAP refuses", says("0\x0c\x02\x01\x01x\x07\n\x012\x04\x00\x04\x00"), "ldap", Starting, NoTLS},
		{"MySQL without TLS", says("\x2a\x00\x00\x00\x0a5.5\x00AAAABBBBBBBB\x00\xff\xf7\x08\x02\x00\x7f\x80\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00CCC"), "mysql", Starting, NoTLS},
		{"MySQL blocks us", says("\x09\x00\x00\x00\xff\x69\x04blocked"), "mysql", Starting, NoTLS},
		{"IMAP says more behind its consent", says("* OK\r\nblindspot1 OK\r\n* more\r\n"), "imap", Starting, NoTLS},
		{"not spoken", says(""), "rdp", Starting, Failed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := vacant(t)
			if tt.server != nil {
				at = plainServer(t, tt.server)
			}
			a := Asker{Timeout: patience}
			began := time.Now()
			o, err := a.Ask(context.Background(), &Target{Place: Place{Hostname: "a.example", Server: at, Preface: tt.preface}})
			if o != nil {
				t.Errorf("got an observation %+v, want none", o)
			}
			wantFailure(t, err, tt.step, tt.kind)
			if took := time.Since(began); took > 10*patience {
				t.Errorf("took %v, want about %v at most", took, patience)
			}
		})
	}
}

func TestAskEndsWithContext(t *testing.T) {
	at := plainServer(t, func(c net.Conn) { c.Read(make([]byte, 1<<20)); c.Read(make([]byte, 1)) })
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	_, err := (&Asker{Timeout: time.Minute}).Ask(ctx, &Target{Place: Place{Server: at}})
	wantFailure(t, err, Handshake, Stopped)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v after the context ended", took)
	}
}
