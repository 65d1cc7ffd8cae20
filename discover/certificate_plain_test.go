package discover

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// asked is ParseCertificate where crypto/x509 is asked about every certificate.
func asked(der []byte) *Certificate {
	c := &Certificate{SHA256: FingerprintOf(der), DER: der}
	raw, ok := readCertificate(der)
	c.fill(&raw, ok)
	c.SelfSigned = c.callsItselfIssuer()
	return c
}

// samePlain compares the two ways of reading a certificate.
func samePlain(t *testing.T, der []byte, what string) {
	t.Helper()
	if got, want := ParseCertificate(der), asked(der); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: %x: got\n%+v, want as crypto/x509 has it\n%+v", what, der, got, want)
	}
}

func certificates(t testing.TB) map[string][]byte {
	paths, err := filepath.Glob("testdata/certs/*.pem")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no certificates in testdata/certs: %v", err)
	}
	list := make(map[string][]byte, len(paths))
	for _, p := range paths {
		name := strings.TrimSuffix(filepath.Base(p), ".pem")
		list[name] = certFile(t, name)
	}
	return list
}

// TestPlainCertificates reads each certificate both ways, as it is and with each
// of its bytes changed.
func TestPlainCertificates(t *testing.T) {
	plain, changed := 0, 0
	for name, der := range certificates(t) {
		samePlain(t, der, name)
		if !isPlain(der) {
			continue
		}
		plain++
		other := bytes.Clone(der)
		for i := range der {
			for _, c := range []byte{der[i] ^ 1, der[i] ^ 0x80, der[i] + 1, 0, 0xff} {
				if other[i] = c; isPlain(other) && c != der[i] {
					changed++
					samePlain(t, other, name)
				}
			}
			other[i] = der[i]
		}
	}
	if plain == 0 || changed == 0 {
		t.Errorf("%d certificates are plain, %d changed ones: nothing was compared", plain, changed)
	}
}

// TestNotPlain: what crypto/x509 refuses, or what nothing is known of, is not
// plain.
func TestNotPlain(t *testing.T) {
	der := certificates(t)
	for name, cert := range der {
		if c := asked(cert); c.Problem != "" && isPlain(cert) && c.PublicKey != nil {
			t.Errorf("%s is plain, although crypto/x509 says %q", name, c.Problem)
		}
		for i := range cert {
			if isPlain(cert[:i]) {
				t.Errorf("%s is plain in its first %d bytes", name, i)
			}
		}
		if isPlain(append(bytes.Clone(cert), 0)) {
			t.Errorf("%s is plain with a byte behind it", name)
		}
	}
}

func FuzzPlainCertificate(f *testing.F) {
	for _, der := range certificates(f) {
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if isPlain(der) {
			samePlain(t, der, "fuzzed")
		}
	})
}
