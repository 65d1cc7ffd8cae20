package tlsparse

import (
	"bytes"
	"slices"
	"testing"
)

// ssl2Hello is a hello in SSL 2.0's form that offers TLS 1.0, as RFC 5246 §E.2
// lays it out: two suites of TLS, one of SSL 2.0, a challenge of 16 bytes.
func ssl2Hello() []byte {
	return slices.Concat([]byte{0x80, 34, 1, 3, 1, 0, 9, 0, 0, 0, 16},
		[]byte{0, 0, 0x2f, 7, 0, 0xc0, 0, 0, 0x35}, repeat(0xcc, 16))
}

// ssl2ServerHelloBytes is a SERVER-HELLO (draft-hickman-netscape-ssl-00 §5.2.2).
func ssl2ServerHelloBytes() []byte {
	return slices.Concat([]byte{0x80, 11 + 5 + 3 + 16, 4, 0, 1, 0, 2, 0, 5, 0, 3, 0, 16},
		[]byte("a-der"), []byte{7, 0, 0xc0}, repeat(0xdd, 16))
}

func TestSSLv2ClientHello(t *testing.T) {
	b := ssl2Hello()
	var h ClientHello
	n, err := ParseSSLv2ClientHello(append(b, 0x16), &h)
	if err != nil || n != len(b) {
		t.Fatalf("got %d bytes, %v, want %d", n, err, len(b))
	}
	if !h.SSLv2 || h.LegacyVersion != VersionTLS10 || !slices.Equal(h.CipherSuites, []uint16{0x2f, 0x35}) ||
		!slices.Equal(h.SSLv2Ciphers, []uint32{0x0700c0}) || len(h.SessionID) != 0 ||
		!bytes.Equal(h.Random, repeat(0xcc, 16)) || h.HasServerName {
		t.Errorf("got %+v", h)
	}
	for i := range b {
		if _, err := ParseSSLv2ClientHello(b[:i], &h); err == nil {
			t.Errorf("prefix of %d bytes parses", i)
		}
		want := Maybe
		if i >= 11 {
			want = Yes
		}
		if ans := ProbeClientHello(b[:i]); ans != want {
			t.Errorf("probe of %d bytes: got %v, want %v", i, ans, want)
		}
	}
	for i := range ssl2ClientFixed {
		if i == 3 || i == 4 {
			continue // versions vary
		}
		bad := bytes.Clone(b)
		bad[i] ^= 0x41
		if ans := ProbeClientHello(bad); ans != No {
			t.Errorf("byte %d damaged: probe says %v", i, ans)
		}
	}
}

func TestSSLv2ServerHello(t *testing.T) {
	b := ssl2ServerHelloBytes()
	var h SSLv2ServerHello
	n, err := ParseSSLv2ServerHello(b, &h)
	if err != nil || n != len(b) || h.SessionIDHit || h.CertificateType != 1 || h.Version != VersionSSL20 ||
		string(h.Certificate) != "a-der" || !bytes.Equal(h.Ciphers, []byte{7, 0, 0xc0}) || len(h.ConnectionID) != 16 {
		t.Errorf("got %d, %v, %+v", n, err, h)
	}
	for i := range b {
		if _, err := ParseSSLv2ServerHello(b[:i], &h); err == nil {
			t.Errorf("prefix of %d bytes parses", i)
		}
		if ans := ProbeServerHello(b[:i]); ans == No {
			t.Errorf("probe of %d bytes: no", i)
		}
	}
}

func FuzzSSLv2(f *testing.F) {
	f.Add(ssl2Hello())
	f.Add(ssl2ServerHelloBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		var h ClientHello
		if n, err := ParseSSLv2ClientHello(b, &h); err == nil && (n > len(b) || ProbeClientHello(b) != Yes) {
			t.Errorf("consumed %d of %d bytes, probe %v", n, len(b), ProbeClientHello(b))
		}
		var s SSLv2ServerHello
		if n, err := ParseSSLv2ServerHello(b, &s); err == nil && n > len(b) {
			t.Errorf("consumed %d of %d bytes", n, len(b))
		}
	})
}
