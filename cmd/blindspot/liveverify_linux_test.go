package main

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestLiveVerify: beside the sensor, confined as it is, an endpoint in scope
// whose certificate TLS 1.3 hides is asked for it, once; one that is out of scope
// is not. The reports then show the certificate that the server has.
func TestLiveVerify(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the first look, a quarter of a minute")
	}
	w := newWire(t)
	w.ip(t, "link", "set", "lo", "up")
	w.ip(t, "addr", "add", "10.77.1.10/32", "dev", "lo")
	w.ip(t, "addr", "add", "198.51.100.7/32", "dev", "lo")
	const name = "asked.shop.example"
	serve, print := selfSigned(t, name, -time.Hour, 24*time.Hour, nil)
	ours, theirs := w.accept(t, "10.77.1.10:443", serve), w.accept(t, "198.51.100.7:443", serve)

	dir := t.TempDir()
	os.Chmod(dir, 0o777)
	s := w.listenIn(t, dir, "--interface", "lo", "--flush", "200ms", "--verify", "--verify-rate", "20")
	for _, at := range []string{"10.77.1.10:443", "198.51.100.7:443"} {
		if err := w.within(func() error {
			c, err := tls.Dial("tcp", at, &tls.Config{ServerName: name, InsecureSkipVerify: true})
			if err != nil {
				return err
			}
			return c.Close()
		}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "second connection to the server in scope", func() bool { return ours.Load() > 1 })
	await(t, "answer in the store", func() bool { return strings.Contains(s.certificates(t), print) })
	time.Sleep(time.Second)
	s.stop(t)
	if said := s.stderr.String(); !strings.Contains(said, "asking for a certificate") || strings.Contains(said, "no certificate") {
		t.Errorf("said %s", said)
	}
	if a, b := ours.Load(), theirs.Load(); a != 2 || b != 1 {
		t.Errorf("%d connections to the server in scope, want that of the client and one look; %d to the other, want that of the client", a, b)
	}
}

// accept counts the connections to an address in the namespace, and has serve
// answer them.
func (w *wire) accept(t testing.TB, address string, serve func(net.Conn)) *atomic.Int32 {
	t.Helper()
	var n atomic.Int32
	err := w.within(func() error {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				n.Add(1)
				go func() { defer c.Close(); serve(c) }()
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &n
}

// certificates is what "certs -o json" says of a sensor's store.
func (s *liveSensor) certificates(t testing.TB) string {
	t.Helper()
	program := programOf(t)
	out, err := exec.Command(program, "certs", "--quiet", "-o", "json", "--db", s.db).Output()
	if err != nil || !json.Valid(out) {
		t.Fatalf("certs: %v: %s", err, out)
	}
	return string(out)
}
