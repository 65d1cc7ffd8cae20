package keylog

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// rfc8448 returns the vectors of RFC 8448 by "section name".
func rfc8448(t testing.TB) map[string][]byte {
	t.Helper()
	vectors := make(map[string][]byte)
	for _, name := range []string{"../testdata/rfc8448.txt", "testdata/rfc8448.txt"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if f[0] == "#" {
				continue
			}
			b, err := hex.DecodeString(f[2])
			if err != nil {
				t.Fatalf("%s: %s %s: %v", name, f[0], f[1], err)
			}
			vectors[f[0]+" "+f[1]] = b
		}
	}
	return vectors
}

// rfcSection is one handshake of RFC 8448.
type rfcSection struct {
	v         map[string][]byte
	name      string
	earlyData bool
}

func (s rfcSection) get(what string) []byte { return s.v[s.name+" "+what] }

// transcript returns the transcript up to the ServerHello.
func (s rfcSection) transcript() *Transcript {
	t := NewTranscript(0x1301)
	add := func(record []byte) { t.Message(record[5], record[9:]) }
	add(s.get("client-hello"))
	if retry := s.get("hello-retry-request"); retry != nil {
		t.Retry()
		add(retry)
		add(s.get("client-hello-2"))
	}
	add(s.get("server-hello"))
	return t
}

// flights returns what each side sent under its handshake keys.
func (s rfcSection) flights() (server, client []byte) {
	server, client = s.get("server-flight"), s.get("client-flight")
	if client == nil {
		client = s.get("client-finished")
	}
	return server, append(bytes.Clone(s.get("early-data")), client...)
}

func rfcSections(t testing.TB) []rfcSection {
	v := rfc8448(t)
	return []rfcSection{{v, "3", false}, {v, "4", true}, {v, "5", false}, {v, "6", false}, {v, "7", false}}
}

// read opens both flights.
func (s rfcSection) read(t testing.TB) (h *Hidden, server, client *Opener) {
	t.Helper()
	server, err := NewOpener(s.get("server-secret"), 0x1301, false)
	if err != nil {
		t.Fatal(err)
	}
	client, err = NewOpener(s.get("client-secret"), 0x1301, s.earlyData)
	if err != nil {
		t.Fatal(err)
	}
	h = &Hidden{Transcript: s.transcript()}
	fromServer, fromClient := s.flights()
	for _, f := range []struct {
		o      *Opener
		flight []byte
		server bool
	}{{server, fromServer, true}, {client, fromClient, false}} {
		if n := f.o.Flight(f.flight); n != len(f.flight) {
			t.Errorf("section %s: took %d of %d bytes", s.name, n, len(f.flight))
		}
		h.Read(f.server, f.o)
	}
	return h, server, client
}

// TestRFC8448 opens every handshake of the RFC.
func TestRFC8448(t *testing.T) {
	tests := map[string]struct {
		server, client int // certificates
		issuer         string
		unopened       int // the early data, and its end
		asked, early   bool
	}{
		"3": {1, 0, "CN=rsa", 0, false, false},
		"4": {0, 0, "", 2, false, true},
		"5": {1, 0, "CN=rsa", 0, false, false},
		"6": {1, 1, "CN=ecdsa256", 0, true, false},
		"7": {1, 0, "CN=rsa", 0, false, false},
	}
	for _, s := range rfcSections(t) {
		want := tests[s.name]
		h, server, client := s.read(t)
		if server.State() != Ended || client.State() != Ended || client.Stats().Unopened != want.unopened {
			t.Errorf("section %s: server %v, client %v with %+v", s.name, server.State(), client.State(), client.Stats())
		}
		if !h.EncryptedExtensions || h.EarlyDataAccepted != want.early || h.ClientAuthRequested != want.asked ||
			h.ECHRejected || len(h.ALPN) > 0 || h.Malformed != 0 || !h.Server.Finished || !h.Client.Finished {
			t.Errorf("section %s: got %+v", s.name, h)
		}
		if len(h.Server.Certificates) != want.server || len(h.Client.Certificates) != want.client {
			t.Errorf("section %s: %d and %d certificates, want %d and %d", s.name,
				len(h.Server.Certificates), len(h.Client.Certificates), want.server, want.client)
			continue
		}
		if want.server > 0 {
			leaf := rfcLeaf(t, s, &h.Server)
			if leaf.Issuer.String() != want.issuer {
				t.Errorf("section %s: issuer %s, want %s", s.name, leaf.Issuer, want.issuer)
			}
			if digest := s.get("digest"); !bytes.HasSuffix(h.Server.Proof.Signed, digest) {
				t.Errorf("section %s: signed %x, want the digest %x", s.name, h.Server.Proof.Signed, digest)
			}
			checkProof(t, "section "+s.name, leaf, &h.Server.Proof)
		}
		if want.client > 0 {
			checkProof(t, "section "+s.name+" client", rfcLeaf(t, s, &h.Client), &h.Client.Proof)
		}
	}
}

func rfcLeaf(t *testing.T, s rfcSection, i *Identity) *x509.Certificate {
	t.Helper()
	leaf, err := x509.ParseCertificate(i.Certificates[0].Data)
	if err != nil {
		t.Fatalf("section %s: %v", s.name, err)
	}
	return leaf
}

// checkProof verifies a signature with the leaf's key.
func checkProof(t *testing.T, name string, leaf *x509.Certificate, p *Proof) {
	t.Helper()
	algorithm := map[uint16]x509.SignatureAlgorithm{
		0x0403: x509.ECDSAWithSHA256, 0x0503: x509.ECDSAWithSHA384, 0x0603: x509.ECDSAWithSHA512,
		0x0804: x509.SHA256WithRSAPSS, 0x0805: x509.SHA384WithRSAPSS, 0x0806: x509.SHA512WithRSAPSS,
		0x0807: x509.PureEd25519,
	}[p.Scheme]
	if err := leaf.CheckSignature(algorithm, p.Signed, p.Signature); err != nil {
		t.Errorf("%s: scheme %#04x does not verify: %v", name, p.Scheme, err)
	}
	forged := bytes.Clone(p.Signed)
	forged[len(forged)-1] ^= 1
	if leaf.CheckSignature(algorithm, forged, p.Signature) == nil {
		t.Errorf("%s: verifies whatever was signed", name)
	}
}

// TestRFC8448Keys derives the keys that the RFC prints of its sections 3 and 4.
func TestRFC8448Keys(t *testing.T) {
	v := rfc8448(t)
	for name, iv := range map[string]string{
		"3 server-secret": "5d313eb2671276ee13000b30", "3 client-secret": "5bd3c71b836e0b76bb73265f",
	} {
		o, err := NewOpener(v[name], 0x1301, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(o.keys.(*tls13).iv[:]); got != iv {
			t.Errorf("%s: iv %s, want %s", name, got, iv)
		}
	}
}

// TestFlightPrefixes gives every prefix of a flight: whole records only, and
// byte by byte the same messages come out.
func TestFlightPrefixes(t *testing.T) {
	for _, s := range rfcSections(t) {
		flight, _ := s.flights()
		want, _ := NewOpener(s.get("server-secret"), 0x1301, false)
		want.Flight(flight)
		o, _ := NewOpener(s.get("server-secret"), 0x1301, false)
		from := 0
		for i := range len(flight) + 1 {
			before := len(o.plain)
			n := o.Flight(flight[from:i])
			if from += n; n == 0 && len(o.plain) != before {
				t.Fatalf("section %s: prefix of %d bytes: plain bytes of no record", s.name, i)
			}
		}
		if from != len(flight) || !bytes.Equal(o.plain, want.plain) || o.State() != Ended {
			t.Errorf("section %s: %v after %d bytes of %d", s.name, o.State(), from, len(flight))
		}
	}
}

// TestApplicationDataStays: what follows the Finished is not opened, and another
// connection's secret opens nothing.
func TestApplicationDataStays(t *testing.T) {
	v := rfc8448(t)
	o, _ := NewOpener(v["3 server-secret"], 0x1301, false)
	flight := append(bytes.Clone(v["3 server-flight"]), v["3 after"]...)
	if n := o.Flight(flight); n != len(v["3 server-flight"]) || o.State() != Ended || o.Stats().Records != 1 {
		t.Errorf("took %d of %d bytes, %v, %+v", n, len(flight), o.State(), o.Stats())
	}
	if o.keys.(*tls13).aead != nil {
		t.Error("the keys are still there")
	}
	wrong, _ := NewOpener(v["5 server-secret"], 0x1301, false)
	for range maxUnopened {
		wrong.Flight(v["3 server-flight"])
	}
	if wrong.State() != WrongKey || len(wrong.plain) > 0 {
		t.Errorf("with another secret: %v, %d bytes", wrong.State(), len(wrong.plain))
	}
}

// TestForged changes one byte after the other of a record.
func TestForged(t *testing.T) {
	v := rfc8448(t)
	record := v["3 client-finished"]
	for i := range record {
		o, _ := NewOpener(v["3 client-secret"], 0x1301, false)
		forged := bytes.Clone(record)
		forged[i] ^= 1
		o.Flight(forged)
		if len(o.plain) > 0 || o.Stats().Records > 0 {
			t.Errorf("opened with byte %d changed", i)
		}
	}
}

// TestNoOpener: what no key can be made of is an error.
func TestNoOpener(t *testing.T) {
	if _, err := NewOpener(nil, 0x1301, false); err == nil {
		t.Error("an opener without a secret")
	}
	if _, err := NewOpener(make([]byte, 32), 0x1302, false); err == nil {
		t.Error("an opener with a secret of another hash")
	}
	if _, err := NewOpener(make([]byte, 32), 0xc02f, false); err == nil {
		t.Error("an opener of TLS 1.3 for a suite of TLS 1.2")
	}
}

func TestTranscriptRetry(t *testing.T) {
	for _, s := range rfcSections(t) {
		if s.get("digest") == nil {
			continue
		}
		tr := s.transcript()
		for _, what := range []string{"encrypted-extensions", "certificate-request", "certificate"} {
			m := s.get(what)
			if m == nil && what == "certificate" {
				m = s.v["3 certificate"]
			}
			if m != nil {
				tr.Message(m[0], m[4:])
			}
		}
		if got := tr.Hash(); !bytes.Equal(got, s.get("digest")) {
			t.Errorf("section %s: %x, want %x", s.name, got, s.get("digest"))
		}
	}
	if NewTranscript(0xc02f).Hash() != nil {
		t.Error("a hash for an unknown suite")
	}
	if n := len(NewTranscript(0x1301).Hash()); n != sha256.Size {
		t.Errorf("a hash of %d bytes", n)
	}
}
