package discover

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// certFile reads testdata/certs/NAME.pem.
func certFile(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "certs", name+".pem"))
	if err != nil {
		tb.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		tb.Fatalf("%s.pem: no PEM block", name)
	}
	return block.Bytes
}

func certNames(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "certs", "*.pem"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no certificates in testdata: %v", err)
	}
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(filepath.Base(p), ".pem")
	}
	return paths
}

func TestParseCertificateAgreesWithOpenSSL(t *testing.T) {
	for _, name := range certNames(t) {
		t.Run(name, func(t *testing.T) {
			c, want := ParseCertificate(certFile(t, name)), certText(t, name)
			check(t, "fingerprint", c.SHA256.String(), want.fingerprint)
			check(t, "subject", c.Subject, want.subject)
			check(t, "issuer", c.Issuer, want.issuer)
			check(t, "serial", c.Serial, trimSerial(want.serial))
			check(t, "not before", c.NotBefore.UTC(), want.notBefore)
			check(t, "not after", c.NotAfter.UTC(), want.notAfter)
			check(t, "names", strings.Join(sanText(c), ", "), strings.Join(want.names, ", "))
			check(t, "signature", c.Signature, opensslSignatures[want.signature])
			if want.spki != "" {
				check(t, "SPKI", c.SPKI.String(), want.spki)
			}
			checkKey(t, c, name, want)
		})
	}
}

func checkKey(t *testing.T, c *Certificate, name string, want openssl) {
	t.Helper()
	if name == "sm2" { // OpenSSL files it under elliptic curves
		check(t, "key", c.KeyType+" "+c.Curve, "SM2 SM2")
		return
	}
	check(t, "key type", c.KeyType, opensslKeys[want.keyAlgorithm])
	if want.keySize != "" {
		check(t, "key size", strconv.Itoa(c.KeyBits), want.keySize)
	}
	switch curve := opensslCurves[want.curve]; {
	case name == "explicit":
		check(t, "curve", c.Curve, "explicit")
	case curve != "":
		check(t, "curve", c.Curve, curve)
	default:
		check(t, "curve", c.Curve, want.curve)
	}
}

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestParseCertificateFlags(t *testing.T) {
	// By the options that generate.sh gave to OpenSSL.
	for _, tc := range []struct {
		name                   string
		lenient, self, ca, key bool
		weak                   string
	}{
		{name: "ca", self: true, ca: true, key: true},
		{name: "server", key: true},
		{name: "md5", key: true, weak: "RSA key of 512 bits, signed with MD5"},
		{name: "sha1", key: true, weak: "RSA key of 1024 bits, signed with SHA-1"},
		{name: "selfmd5", self: true, key: true, weak: "RSA key of 512 bits"},
		{name: "pss512", key: true},
		{name: "rsapss", self: true, key: true},
		{name: "sha224", self: true, key: true},
		{name: "P-224", self: true, key: true},
		{name: "P-521", self: true, key: true},
		{name: "P-192", lenient: true, self: true, weak: "ECDSA key of 192 bits"},
		{name: "secp256k1", lenient: true, self: true},
		{name: "explicit", lenient: true, self: true},
		{name: "compressed", lenient: true, self: true, key: true},
		{name: "ed25519", self: true, key: true},
		{name: "ed448", self: true},
		{name: "sm2", lenient: true, self: true},
		{name: "dsa", self: true, key: true, weak: "DSA key"},
		{name: "negative", lenient: true, key: true},
		{name: "zero", key: true},
		{name: "empty", self: true, key: true},
		{name: "v1", self: true, key: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := ParseCertificate(certFile(t, tc.name))
			check(t, "lenient", c.Lenient, tc.lenient)
			check(t, "problem", c.Problem != "", tc.lenient)
			check(t, "self-signed", c.SelfSigned, tc.self)
			check(t, "CA", c.CA, tc.ca)
			check(t, "has a key", c.PublicKey != nil, tc.key)
			check(t, "weak", c.WeakReason(), tc.weak)
		})
	}
}

func TestParseCertificateExtensions(t *testing.T) {
	c := ParseCertificate(certFile(t, "server"))
	ca := ParseCertificate(certFile(t, "ca"))
	if want := []string{"serverAuth", "clientAuth"}; !slices.Equal(c.ExtKeyUsage, want) {
		t.Errorf("extended key usage: got %v, want %v", c.ExtKeyUsage, want)
	}
	if want := []string{"http://ocsp.example/"}; !slices.Equal(c.OCSPServers, want) {
		t.Errorf("OCSP servers: got %v, want %v", c.OCSPServers, want)
	}
	if want := []string{"http://ca.example/root.der"}; !slices.Equal(c.IssuerURLs, want) {
		t.Errorf("issuer URLs: got %v, want %v", c.IssuerURLs, want)
	}
	check(t, "must staple", c.MustStaple, true)
	check(t, "key usage", int(c.KeyUsage), 1<<0|1<<2)
	check(t, "key usage of CA", int(ca.KeyUsage), 1<<5|1<<6)
	check(t, "SPIFFE", c.SPIFFE(), "spiffe://shop.example/edge")
	check(t, "authority key id", string(c.AuthorityKeyID), string(ca.SubjectKeyID))
	check(t, "issuer name", string(c.IssuerDER), string(ca.SubjectDER))
	check(t, "key id length", len(c.SubjectKeyID), 20)
}

func TestCommonNameIsTheLast(t *testing.T) {
	check(t, "common name", ParseCertificate(certFile(t, "severalcn")).CommonName, "last.example")
}

func TestParseCertificateOwnsItsBytes(t *testing.T) {
	for _, name := range []string{"server", "negative", "secp256k1"} {
		der := certFile(t, name)
		c, want := ParseCertificate(der), ParseCertificate(certFile(t, name))
		for i := range der {
			der[i] = 0xff
		}
		check(t, name+": DER", string(c.DER), string(want.DER))
		check(t, name+": subject", c.Subject, want.Subject)
		check(t, name+": names", strings.Join(c.DNSNames, " "), strings.Join(want.DNSNames, " "))
		check(t, name+": issuer DER", string(c.IssuerDER), string(want.IssuerDER))
		check(t, name+": fingerprint", FingerprintOf(c.DER), c.SHA256)
	}
}

func TestParseCertificateGarbage(t *testing.T) {
	for name, der := range map[string][]byte{
		"nil":            nil,
		"empty":          {},
		"one byte":       {0x30},
		"text":           []byte("-----BEGIN CERTIFICATE-----"),
		"empty sequence": {0x30, 0},
		"nested":         {0x30, 2, 0x30, 0},
		"indefinite":     {0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0},
		"huge length":    {0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			c := ParseCertificate(der)
			check(t, "fingerprint", c.SHA256, FingerprintOf(der))
			check(t, "lenient", c.Lenient, false)
			check(t, "subject", c.Subject, "")
			if c.Problem == "" {
				t.Error("no problem is named")
			}
			if c.Expired(time.Now()) || c.NotYetValid(time.Now()) || c.Covers("a.example") || len(c.Names()) > 0 || c.WeakReason() != "" {
				t.Error("garbage says something about itself")
			}
		})
	}
}

// Every prefix of a certificate yields what is before its end.
func TestParseCertificatePrefixes(t *testing.T) {
	der := certFile(t, "server")
	whole := ParseCertificate(der)
	for i := range der {
		c := ParseCertificate(der[:i])
		if c.Problem == "" {
			t.Fatalf("prefix of %d bytes: no problem is named", i)
		}
		for what, pair := range map[string][2]string{
			"serial":     {c.Serial, whole.Serial},
			"issuer":     {c.Issuer, whole.Issuer},
			"subject":    {c.Subject, whole.Subject},
			"signature":  {c.Signature, whole.Signature},
			"not after":  {timeText(c.NotAfter), timeText(whole.NotAfter)},
			"SPKI":       {spkiText(c), spkiText(whole)},
			"key id":     {string(c.SubjectKeyID), string(whole.SubjectKeyID)},
			"names":      {strings.Join(c.DNSNames, " "), strings.Join(whole.DNSNames, " ")},
			"authority":  {string(c.AuthorityKeyID), string(whole.AuthorityKeyID)},
			"issuer DER": {string(c.IssuerDER), string(whole.IssuerDER)},
		} {
			if pair[0] != "" && pair[0] != pair[1] {
				t.Errorf("prefix of %d bytes: %s: got %q, want %q or nothing", i, what, pair[0], pair[1])
			}
		}
	}
	if c := ParseCertificate(der[:len(der)-1]); !c.Covers("www.shop.example") || c.Subject != whole.Subject {
		t.Errorf("one byte short: got %+v", c)
	}
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().String()
}

func spkiText(c *Certificate) string {
	if c.SPKI.IsZero() {
		return ""
	}
	return c.SPKI.String()
}

func TestParseCertificateTrailingData(t *testing.T) {
	c := ParseCertificate(append(certFile(t, "server"), 0))
	check(t, "problem", c.Problem, "trailing data")
	check(t, "lenient", c.Lenient, true)
	check(t, "covers", c.Covers("shop.example"), true)
}

func TestValidity(t *testing.T) {
	c := ParseCertificate(certFile(t, "past")) // 1949-12-31 00:00:00 to 1970-01-01 00:00:00
	last := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	first := time.Date(1949, 12, 31, 0, 0, 0, 0, time.UTC)
	check(t, "expired in its last second", c.Expired(last), false)
	check(t, "expired after it", c.Expired(last.Add(time.Second)), true)
	check(t, "valid in its first second", c.NotYetValid(first), false)
	check(t, "not yet valid", c.NotYetValid(first.Add(-1)), true)
}

func TestSPIFFE(t *testing.T) {
	for _, tc := range []struct {
		name string
		uris []string
		want string
	}{
		{"none", nil, ""},
		{"other URI", []string{"https://a.example/"}, ""},
		{"one", []string{"spiffe://td/a"}, "spiffe://td/a"},
		{"beside another", []string{"urn:x", "SPIFFE://td/a"}, "SPIFFE://td/a"},
		{"two", []string{"spiffe://td/a", "spiffe://td/b"}, ""},
		{"bare scheme", []string{"spiffe://"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			check(t, "SPIFFE", (&Certificate{URIs: tc.uris}).SPIFFE(), tc.want)
		})
	}
}

func TestNames(t *testing.T) {
	ip := []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	for _, tc := range []struct {
		name   string
		cert   Certificate
		want   string
		legacy string
	}{
		{"normalised", Certificate{DNSNames: []string{"A.Example.", "*.B.example", "a.example"}}, "a.example *.b.example", ""},
		{"U-label", Certificate{DNSNames: []string{"*.bücher.example"}}, "*.xn--bcher-kva.example", ""},
		{"no hostnames", Certificate{DNSNames: []string{"", "*", "*.", "a*.example", "*.*.example", "10.0.0.1", "a b", "good.example\x00.evil.example"}}, "", ""},
		{"common name alone", Certificate{CommonName: "Old.example"}, "old.example", "old.example"},
		{"common name of a person", Certificate{CommonName: "Ada Lovelace"}, "", ""},
		{"common name beside names", Certificate{CommonName: "old.example", DNSNames: []string{"new.example"}}, "new.example", ""},
		{"common name beside an address", Certificate{CommonName: "old.example", IPs: ip}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			check(t, "names", strings.Join(tc.cert.Names(), " "), tc.want)
			check(t, "legacy name", tc.cert.LegacyName(), tc.legacy)
		})
	}
}

func BenchmarkParseCertificate(b *testing.B) {
	for _, name := range []string{"server", "P-256", "secp256k1"} {
		der := certFile(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ParseCertificate(der)
			}
		})
	}
}

// TestSignedItself: a certificate that calls itself its issuer need not have
// signed itself.
func TestSignedItself(t *testing.T) {
	own, other := newECKey(t), newECKey(t)
	for _, tc := range []struct {
		name         string
		issuer       string
		key          *ecdsa.PrivateKey // that signs
		id           []byte            // key identifier of the issuer, nil for none
		calls, signs bool
	}{
		{"by its own key", "a", own, nil, true, true},
		{"by another key of the same name", "a", other, nil, true, false},
		{"by another key of the same name, that is identified", "a", other, []byte{2}, false, false},
		{"by its own key, that is identified", "a", own, []byte{1}, true, true},
		{"by another name", "b", own, nil, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaf := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a"}}
			parent := &x509.Certificate{Subject: pkix.Name{CommonName: tc.issuer}, SubjectKeyId: tc.id}
			if tc.id != nil {
				leaf.SubjectKeyId, leaf.AuthorityKeyId = []byte{1}, tc.id
			}
			der, err := x509.CreateCertificate(rand.Reader, leaf, parent, own.Public(), tc.key)
			if err != nil {
				t.Fatal(err)
			}
			c := ParseCertificate(der)
			check(t, "calls itself its issuer", c.SelfSigned, tc.calls)
			check(t, "signed itself", c.SignedItself(), tc.signs)
			check(t, "signed itself, asked again", c.SignedItself(), tc.signs)
		})
	}
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
