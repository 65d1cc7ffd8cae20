package keylog_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"blindspot/tlsparse"
	"blindspot/tlsparse/keylog"
)

// tap is one end of a connection that keeps what goes through it.
type tap struct {
	net.Conn
	mu       sync.Mutex
	up, down bytes.Buffer
}

func (c *tap) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.up.Write(b)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	c.down.Write(b[:n])
	c.mu.Unlock()
	return n, err
}

func selfSigned(t *testing.T, key crypto.Signer) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"api.shop.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// applicationData is what both sides say once they may.
var applicationData = bytes.Repeat([]byte("nobody reads this "), 2000)

// talk makes a handshake of crypto/tls with itself, with application data in
// both directions, and returns what each side sent, and the client's key log.
func talk(t *testing.T, client, server *tls.Config) (up, down []byte, keys string) {
	t.Helper()
	var log bytes.Buffer
	client = client.Clone()
	client.KeyLogWriter = &log
	a, b := net.Pipe()
	c := &tap{Conn: a}
	done := make(chan error, 1)
	go func() {
		s := tls.Server(b, server)
		defer b.Close()
		if _, err := io.ReadFull(s, make([]byte, len(applicationData))); err != nil {
			done <- err
			return
		}
		_, err := s.Write(applicationData)
		done <- err
	}()
	conn := tls.Client(c, client)
	_, err := conn.Write(applicationData)
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, len(applicationData)))
	}
	a.Close()
	if serverErr := <-done; err != nil || serverErr != nil {
		t.Fatalf("client: %v; server: %v", err, serverErr)
	}
	return c.up.Bytes(), c.down.Bytes(), log.String()
}

// TestGo opens handshakes of crypto/tls with every suite that it has.
func TestGo(t *testing.T) {
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, rs := selfSigned(t, ecKey), selfSigned(t, rsaKey)
	versions := map[uint16][]*tls.CipherSuite{}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if strings.Contains(s.Name, "RC4") {
			continue // no handshake is worth it
		}
		for _, v := range s.SupportedVersions {
			versions[v] = append(versions[v], s)
		}
	}
	opened := 0
	for version, suites := range versions {
		for _, s := range suites {
			leaf := rs
			if strings.Contains(s.Name, "ECDSA") || version == tls.VersionTLS13 {
				leaf = ec
			}
			server := &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS10, ClientAuth: tls.RequireAnyClientCert, DynamicRecordSizingDisabled: true}
			client := &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, CipherSuites: []uint16{s.ID}, Certificates: []tls.Certificate{ec}}
			server.CipherSuites = client.CipherSuites
			name := tls.VersionName(version) + " " + s.Name
			up, down, keys := talk(t, client, server)
			checkGo(t, name, up, down, keys, leaf.Certificate[0], ec.Certificate[0])
			opened++
			if version == tls.VersionTLS13 {
				break // crypto/tls chooses the suite
			}
		}
	}
	if opened < 20 {
		t.Errorf("%d handshakes", opened)
	}
}

func checkGo(t *testing.T, name string, up, down []byte, keys string, leaf, client []byte) {
	t.Helper()
	var log keylog.Log
	log.Add(name, []byte(keys))
	found := map[string]*opened{}
	openConversation(t, readClear(bytes.Clone(up)), readClear(bytes.Clone(down)), &log, found)
	if len(found) != 1 {
		t.Errorf("%s: not opened", name)
	}
	for _, o := range found {
		if o == nil {
			t.Errorf("%s: not opened", name)
			continue
		}
		if strings.HasPrefix(name, "TLS 1.3") {
			h := &o.hidden
			if !h.Server.Finished || !h.Client.Finished || len(h.Server.Certificates) != 1 || len(h.Client.Certificates) != 1 ||
				!bytes.Equal(h.Server.Certificates[0].Data, leaf) || !bytes.Equal(h.Client.Certificates[0].Data, client) {
				t.Errorf("%s: got %+v, %s", name, h, o.states)
			}
			continue
		}
		finished := 0
		for _, m := range o.messages {
			if m.typ == tlsparse.TypeFinished {
				finished++
			}
			if bytes.Contains(m.body, []byte("nobody")) {
				t.Errorf("%s: application data in a message", name)
			}
		}
		if finished != 2 {
			t.Errorf("%s: %d Finished messages; %s", name, finished, o.states)
		}
	}
}

// TestAlert: a client of Go encrypts the alert with which it refuses a
// certificate.
func TestAlert(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var keys bytes.Buffer
	a, b := net.Pipe()
	c := &tap{Conn: a}
	go func() {
		tls.Server(b, &tls.Config{Certificates: []tls.Certificate{selfSigned(t, key)}}).Handshake()
		b.Close()
	}()
	err = tls.Client(c, &tls.Config{ServerName: "api.shop.example", RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS13, KeyLogWriter: &keys}).Handshake()
	if err == nil {
		t.Fatal("the client accepted a certificate that nobody vouches for")
	}
	a.Close()
	var log keylog.Log
	log.Add("", keys.Bytes())
	up := readClear(c.up.Bytes())
	var hello tlsparse.ClientHello
	tlsparse.ParseClientHello(up.messages[0].body, &hello)
	s, ok := log.Lookup(hello.Random)
	if !ok {
		t.Fatal("no secrets")
	}
	var answer tlsparse.ServerHello
	tlsparse.ParseServerHello(readClear(c.down.Bytes()).messages[0].body, &answer)
	o, err := keylog.NewOpener(s.Client(), answer.CipherSuite, false)
	if err != nil {
		t.Fatal(err)
	}
	o.Flight(up.sealed)
	if got := o.Alerts(); len(got) != 1 || !got[0].Fatal() || tlsparse.AlertName(got[0].Description) != "bad_certificate" {
		t.Errorf("got %v, %v", got, o)
	}
}
