package quic_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	quicgo "github.com/quic-go/quic-go"

	"blindspot/tlsparse"
	"blindspot/tlsparse/quic"
)

// secretsOf returns the handshake traffic secrets that a client of crypto/tls
// logged.
func secretsOf(t *testing.T, log string) (client, server []byte) {
	t.Helper()
	for line := range strings.Lines(log) {
		f := strings.Fields(line)
		b, err := hex.DecodeString(f[2])
		if err != nil {
			t.Fatal(err)
		}
		switch f[0] {
		case "CLIENT_HANDSHAKE_TRAFFIC_SECRET":
			client = b
		case "SERVER_HANDSHAKE_TRAFFIC_SECRET":
			server = b
		}
	}
	return client, server
}

// reading follows a connection and unlocks it at a given moment.
type reading struct {
	r              quic.Reader
	c              quic.Conn
	suite          uint16
	client, server []byte
	seen           quic.Seen
	close          quic.Close
	types          map[quic.Side][]uint8 // of the encrypted messages
	certificates   map[quic.Side][]tlsparse.Certificate13
}

func (x *reading) datagram(t *testing.T, b []byte, early bool) {
	t.Helper()
	ev := x.r.Datagram(&x.c, b, 0, quic.Unknown)
	x.note(ev)
	x.messages(t, early)
}

func (x *reading) note(ev quic.Event) {
	x.seen |= ev.Seen
	if ev.Seen&quic.SeenClose != 0 {
		x.close = ev.Close
	}
}

func (x *reading) messages(t *testing.T, early bool) {
	t.Helper()
	for m, ok := x.r.Next(&x.c); ok; m, ok = x.r.Next(&x.c) {
		if !m.Encrypted {
			var answer tlsparse.ServerHello
			if m.Type == tlsparse.TypeServerHello && tlsparse.ParseServerHello(m.Body, &answer) == nil && !answer.HelloRetryRequest {
				x.suite = answer.CipherSuite
				if early {
					x.unlock(t)
				}
			}
			continue
		}
		x.types[m.From] = append(x.types[m.From], m.Type)
		if m.Type == tlsparse.TypeCertificate {
			_, list, err := tlsparse.ParseCertificate13(bytes.Clone(m.Body), nil)
			if err != nil {
				t.Error(err)
			}
			x.certificates[m.From] = list
		}
	}
}

func (x *reading) unlock(t *testing.T) {
	t.Helper()
	ev, err := x.r.Unlock(&x.c, x.suite, x.client, x.server)
	if err != nil {
		t.Fatal(err)
	}
	x.note(ev)
}

// TestUnlock opens handshakes of quic-go with what its client logged: as they
// come, after they are over, backwards, and with every datagram twice.
func TestUnlock(t *testing.T) {
	leaf, device := selfSigned(t, "api.shop.example"), selfSigned(t, "device")
	server := &tls.Config{Certificates: []tls.Certificate{leaf}, NextProtos: []string{"h3"}}
	mutual := server.Clone()
	mutual.ClientAuth = tls.RequireAnyClientCert
	long := server.Clone()
	long.Certificates = []tls.Certificate{{Certificate: [][]byte{leaf.Certificate[0]}, PrivateKey: leaf.PrivateKey}}
	for range 30 {
		long.Certificates[0].Certificate = append(long.Certificates[0].Certificate, selfSigned(t, "filler").Certificate[0])
	}
	tests := []struct {
		name    string
		version quicgo.Version
		server  *tls.Config
		clients int // certificates
		retry   bool
	}{
		{"v1", quicgo.Version1, server, 0, false},
		{"v2", quicgo.Version2, server, 0, false},
		{"retry", quicgo.Version1, server, 0, true},
		{"client certificate", quicgo.Version1, mutual, 1, false},
		{"long chain", quicgo.Version2, long, 0, false},
	}
	orders := map[string]func([]tapped) []tapped{
		"as sent": func(d []tapped) []tapped { return d },
		"twice": func(d []tapped) (out []tapped) {
			for _, x := range d {
				out = append(out, x, x)
			}
			return out
		},
		"swapped": func(d []tapped) []tapped {
			d = slices.Clone(d)
			for i := 2; i+1 < len(d); i += 2 {
				d[i], d[i+1] = d[i+1], d[i]
			}
			return d
		},
	}
	for _, tt := range tests {
		var log bytes.Buffer
		client := &tls.Config{ServerName: "api.shop.example", NextProtos: []string{"h3"}, InsecureSkipVerify: true,
			KeyLogWriter: &log, Certificates: []tls.Certificate{device}}
		datagrams, err := dial(t, client, &quicgo.Config{Versions: []quicgo.Version{tt.version}}, tt.server, tt.retry)
		if err != nil {
			t.Fatal(err)
		}
		for order, arrange := range orders {
			for _, early := range []bool{true, false} {
				x := &reading{types: map[quic.Side][]uint8{}, certificates: map[quic.Side][]tlsparse.Certificate13{}}
				x.r.KeepHandshake = true
				x.client, x.server = secretsOf(t, log.String())
				for _, d := range arrange(datagrams) {
					x.datagram(t, d.b, early)
				}
				if !early {
					x.unlock(t)
					x.messages(t, false)
				}
				x.check(t, tt.name+", "+order, tt.server.Certificates[0].Certificate, tt.clients, device)
				x.r.Release(&x.c)
				if x.r.Buffered() != 0 || x.c.Unlocked() {
					t.Errorf("%s, %s: %d bytes are buffered after Release", tt.name, order, x.r.Buffered())
				}
			}
		}
	}
}

func (x *reading) check(t *testing.T, name string, chain [][]byte, clients int, device tls.Certificate) {
	t.Helper()
	if !x.c.Unlocked() || x.seen&quic.SeenUnsealed == 0 {
		t.Errorf("%s: unlocked %v, seen %v", name, x.c.Unlocked(), x.seen)
	}
	last := func(types []uint8) uint8 {
		if len(types) == 0 {
			return 0
		}
		return types[len(types)-1]
	}
	if s, c := x.types[quic.Server], x.types[quic.Client]; last(s) != tlsparse.TypeFinished || last(c) != tlsparse.TypeFinished || s[0] != tlsparse.TypeEncryptedExtensions {
		t.Errorf("%s: messages %v", name, x.types)
	}
	got := x.certificates[quic.Server]
	if len(got) != len(chain) {
		t.Errorf("%s: %d certificates, want %d; %+v", name, len(got), len(chain), x.r.Stats())
		return
	}
	for i := range got {
		if !bytes.Equal(got[i].Data, chain[i]) {
			t.Errorf("%s: certificate %d is another", name, i)
		}
	}
	if c := x.certificates[quic.Client]; len(c) != clients || clients > 0 && !bytes.Equal(c[0].Data, device.Certificate[0]) {
		t.Errorf("%s: %d certificates of the client, want %d", name, len(c), clients)
	}
}

// TestUnlockAlert: a client that refuses the certificate says so in a Handshake
// packet.
func TestUnlockAlert(t *testing.T) {
	server := &tls.Config{Certificates: []tls.Certificate{selfSigned(t, "api.shop.example")}, NextProtos: []string{"h3"}}
	var log bytes.Buffer
	client := &tls.Config{ServerName: "api.shop.example", NextProtos: []string{"h3"}, KeyLogWriter: &log, RootCAs: x509.NewCertPool()}
	datagrams, err := dial(t, client, &quicgo.Config{}, server, false)
	if err == nil {
		t.Fatal("the client accepted a certificate that nobody vouches for")
	}
	x := &reading{types: map[quic.Side][]uint8{}, certificates: map[quic.Side][]tlsparse.Certificate13{}}
	x.r.KeepHandshake = true
	x.client, x.server = secretsOf(t, log.String())
	for _, d := range datagrams {
		x.datagram(t, d.b, true)
	}
	if alert, ok := x.close.Alert(); !ok || tlsparse.AlertName(alert) != "bad_certificate" || x.close.From != quic.Client {
		t.Errorf("got code %#x from %v, seen %v", x.close.Code, x.close.From, x.seen)
	}
	if len(x.certificates[quic.Server]) != 1 {
		t.Errorf("%d certificates", len(x.certificates[quic.Server]))
	}
}

// TestKeepHandshake: without it nothing is kept, and with it no more than the
// bounds allow.
func TestKeepHandshake(t *testing.T) {
	server := &tls.Config{Certificates: []tls.Certificate{selfSigned(t, "api.shop.example")}, NextProtos: []string{"h3"}}
	client := &tls.Config{ServerName: "api.shop.example", NextProtos: []string{"h3"}, InsecureSkipVerify: true}
	datagrams, err := dial(t, client, &quicgo.Config{}, server, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, keep := range []bool{false, true} {
		r := quic.Reader{KeepHandshake: keep}
		var c quic.Conn
		for range 200 {
			for _, d := range datagrams {
				r.Datagram(&c, d.b, 0, quic.Unknown)
				for _, ok := r.Next(&c); ok; _, ok = r.Next(&c) {
				}
			}
		}
		s := r.Stats()
		if got := r.Buffered(); keep != (got > 0) || got > 70<<10 || keep != (s.SealedLost > 0) {
			t.Errorf("keep %v: %d bytes, %+v", keep, got, s)
		}
		r.Release(&c)
		if r.Buffered() != 0 {
			t.Errorf("%d bytes are buffered after Release", r.Buffered())
		}
	}
}
