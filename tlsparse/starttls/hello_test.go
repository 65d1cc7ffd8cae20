package starttls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"testing"

	"blindspot/tlsparse"
)

// hellos returns what a client and a server of TLS 1.3 send first.
var hellos = sync.OnceValues(func() (client, server []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"mail.example.org"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	c, s := net.Pipe()
	cr, sr := &recorder{Conn: c}, &recorder{Conn: s}
	go func() {
		conn := tls.Server(sr, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
		if err := conn.Handshake(); err != nil {
			panic(err)
		}
		s.Close()
	}()
	conn := tls.Client(cr, &tls.Config{InsecureSkipVerify: true, ServerName: "mail.example.org",
		CurvePreferences: []tls.CurveID{tls.X25519}})
	if err := conn.Handshake(); err != nil {
		panic(err)
	}
	c.Close()
	return cr.sent, sr.sent
})

// recorder keeps what is written first.
type recorder struct {
	net.Conn
	sent []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.sent == nil {
		r.sent = append(r.sent, b...)
	}
	return r.Conn.Write(b)
}

func TestHellos(t *testing.T) {
	client, server := hellos()
	if got := tlsparse.ProbeClientHello(client); got != tlsparse.Yes {
		t.Errorf("client: got %v", got)
	}
	if got := tlsparse.ProbeServerHello(server); got != tlsparse.Yes {
		t.Errorf("server: got %v", got)
	}
}
