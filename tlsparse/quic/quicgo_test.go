package quic_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"blindspot/tlsparse"
	"blindspot/tlsparse/quic"
)

// tap is a client's socket that keeps what goes through it.
type tap struct {
	net.PacketConn
	mu   sync.Mutex
	seen []tapped
}

type tapped struct {
	from quic.Side
	b    []byte
}

func (p *tap) keep(from quic.Side, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, tapped{from, append([]byte(nil), b...)})
}

func (p *tap) WriteTo(b []byte, to net.Addr) (int, error) {
	p.keep(quic.Client, b)
	return p.PacketConn.WriteTo(b, to)
}

func (p *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.PacketConn.ReadFrom(b)
	if err == nil {
		p.keep(quic.Server, b[:n])
	}
	return n, from, err
}

func (p *tap) datagrams() []tapped {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]tapped(nil), p.seen...)
}

func listenLoopback(t *testing.T) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback UDP here: ", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func selfSigned(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// dial makes one handshake of quic-go with itself, and returns its datagrams as
// the client's socket saw them, and whether it succeeded.
func dial(t *testing.T, client *tls.Config, cfg *quicgo.Config, serverTLS *tls.Config, retry bool) ([]tapped, error) {
	t.Helper()
	t.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	serverConn := listenLoopback(t)
	server := &quicgo.Transport{Conn: serverConn, VerifySourceAddress: func(net.Addr) bool { return retry }}
	defer server.Close()
	ln, err := server.Listen(serverTLS, &quicgo.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan bool, 1)
	go func() {
		for {
			if _, err := ln.Accept(ctx); err != nil {
				return
			}
			select {
			case accepted <- true:
			default:
			}
		}
	}()
	p := &tap{PacketConn: listenLoopback(t)}
	tr := &quicgo.Transport{Conn: p}
	defer tr.Close()
	conn, err := tr.Dial(ctx, serverConn.LocalAddr(), client, cfg)
	if err == nil {
		select { // by then the server has the client's last flight
		case <-accepted:
		case <-ctx.Done():
		}
		conn.CloseWithError(0, "")
	}
	return p.datagrams(), err
}

// TestRealPeer follows handshakes of quic-go: what the library was told to send
// is what is found.
func TestRealPeer(t *testing.T) {
	server := &tls.Config{Certificates: []tls.Certificate{selfSigned(t, "api.shop.example")}, NextProtos: []string{"h3"}}
	p256 := server.Clone()
	p256.CurvePreferences = []tls.CurveID{tls.CurveP256}
	tests := []struct {
		name    string
		version quicgo.Version
		server  *tls.Config
		retry   bool
		hellos  []int // of the client; a Retry can come before the first was whole
		answers int
	}{
		{name: "v1", version: quicgo.Version1, server: server, hellos: []int{1}, answers: 1},
		{name: "v2", version: quicgo.Version2, server: server, hellos: []int{1}, answers: 1},
		{name: "v1 retry", version: quicgo.Version1, server: server, retry: true, hellos: []int{1, 2}, answers: 1},
		{name: "v2 retry", version: quicgo.Version2, server: server, retry: true, hellos: []int{1, 2}, answers: 1},
		{name: "hello retry request", version: quicgo.Version1, server: p256, hellos: []int{2}, answers: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := &tls.Config{ServerName: "api.shop.example", NextProtos: []string{"h3"}, InsecureSkipVerify: true}
			cfg := &quicgo.Config{Versions: []quicgo.Version{tt.version}}
			datagrams, err := dial(t, client, cfg, tt.server, tt.retry)
			if err != nil {
				t.Fatal(err)
			}
			var r quic.Reader
			var c quic.Conn
			var seen quic.Seen
			count := map[uint8]int{}
			for _, d := range datagrams {
				ev := r.Datagram(&c, d.b, 0, quic.Unknown)
				seen |= ev.Seen
				if ev.From != d.from && ev.Seen != quic.SeenOneRTT {
					t.Errorf("%v from %v: taken for one from %v", ev.Seen, d.from, ev.From)
				}
				for m, ok := r.Next(&c); ok; m, ok = r.Next(&c) {
					count[m.Type]++
					checkHello(t, m)
				}
			}
			if !slices.Contains(tt.hellos, count[tlsparse.TypeClientHello]) || count[tlsparse.TypeServerHello] != tt.answers {
				t.Errorf("got messages %v, want %d hellos and %d answers", count, tt.hellos, tt.answers)
			}
			want := quic.SeenInitial | quic.SeenHandshake | quic.SeenOneRTT
			if tt.retry {
				want |= quic.SeenRetry | quic.SeenRestart
			}
			if seen&^quic.SeenClose != want { // the end can come while a side still has Initial keys
				t.Errorf("seen %v, want %v", seen, want)
			}
			if c.Version() != uint32(tt.version) {
				t.Errorf("version %#x, want %#x", c.Version(), tt.version)
			}
		})
	}
}

func checkHello(t *testing.T, m quic.Message) {
	t.Helper()
	if m.Type != tlsparse.TypeClientHello {
		return
	}
	var h tlsparse.ClientHello
	if err := tlsparse.ParseClientHello(m.Body, &h); err != nil {
		t.Error(err)
	}
	if string(h.ServerName) != "api.shop.example" || joinALPN(h.ALPN) != "h3" {
		t.Errorf("hello for %q, %q", h.ServerName, h.ALPN)
	}
}

// TestRealAlert reads the alert with which a server of quic-go refuses a client
// that offers no protocol it speaks.
func TestRealAlert(t *testing.T) {
	server := &tls.Config{Certificates: []tls.Certificate{selfSigned(t, "api.shop.example")}, NextProtos: []string{"h3"}}
	client := &tls.Config{ServerName: "api.shop.example", NextProtos: []string{"doq"}, InsecureSkipVerify: true}
	datagrams, err := dial(t, client, &quicgo.Config{}, server, false)
	if err == nil {
		t.Fatal("the server took a protocol that it does not speak")
	}
	var r quic.Reader
	var c quic.Conn
	for _, d := range datagrams {
		ev := r.Datagram(&c, d.b, 0, quic.Unknown)
		if ev.Seen&quic.SeenClose == 0 {
			continue
		}
		if alert, ok := ev.Close.Alert(); !ok || tlsparse.AlertName(alert) != "no_application_protocol" || ev.Close.From != quic.Server {
			t.Errorf("got code %#x from %v (%q)", ev.Close.Code, ev.Close.From, ev.Close.Reason)
		}
		return
	}
	t.Error("no close was seen")
}
