package discover

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tlvOf writes one element (X.690 §8.1), as the input of the reader.
func tlvOf(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	switch n := len(body); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
}

// odd is a certificate made by hand. Empty fields take the usual values.
type odd struct {
	serial, issuer, notBefore, notAfter, subject, spki, san []byte
}

var (
	oidCN       = []byte{0x06, 3, 0x55, 4, 3}
	sha256RSA   = tlvOf(0x30, []byte{0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0})
	someRSAKey  = rsaInfo([]byte{0, 0xc1, 2, 3, 4, 5, 6, 7, 9}, []byte{1, 0, 1}, 5, 0)
	cnUTF8      = nameOf(tlvOf(0x0c, []byte("odd.example")))
	sanExample  = tlvOf(0x82, []byte("odd.example"))
	someUTCTime = tlvOf(0x17, []byte("240102030405Z"))
)

func nameOf(value []byte) []byte {
	return tlvOf(0x30, tlvOf(0x31, tlvOf(0x30, oidCN, value)))
}

func rsaInfo(modulus, exponent []byte, params ...byte) []byte {
	id := []byte{0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}
	key := tlvOf(0x30, tlvOf(2, modulus), tlvOf(2, exponent))
	return tlvOf(0x30, tlvOf(0x30, id, params), tlvOf(3, []byte{0}, key))
}

func (o odd) der() []byte {
	or := func(b, usual []byte) []byte {
		if b == nil {
			return usual
		}
		return b
	}
	san := tlvOf(0x30, []byte{0x06, 3, 0x55, 0x1d, 17}, tlvOf(4, tlvOf(0x30, or(o.san, sanExample))))
	tbs := tlvOf(0x30,
		tlvOf(0xa0, []byte{2, 1, 2}),
		or(o.serial, []byte{2, 1, 7}),
		sha256RSA,
		or(o.issuer, cnUTF8),
		tlvOf(0x30, or(o.notBefore, someUTCTime), or(o.notAfter, someUTCTime)),
		or(o.subject, cnUTF8),
		or(o.spki, someRSAKey),
		tlvOf(0xa3, tlvOf(0x30, san)),
	)
	return tlvOf(0x30, tbs, sha256RSA, tlvOf(3, []byte{0, 1, 2, 3}))
}

// summary is what the tables expect of a certificate.
func summary(c *Certificate) string {
	return strings.Join([]string{c.Serial, c.Issuer, c.NotAfter.UTC().Format(time.RFC3339), c.Subject, strings.Join(c.DNSNames, " "), c.KeyType}, "|")
}

const usual = "7|CN=odd.example|2024-01-02T03:04:05Z|CN=odd.example|odd.example|RSA"

func TestOddCertificates(t *testing.T) {
	if c := ParseCertificate(odd{}.der()); c.Lenient || summary(c) != usual {
		t.Fatalf("the usual certificate: got %s, %q", summary(c), c.Problem)
	}
	for _, tc := range []struct {
		name string
		odd
		old, new string // what differs from the usual summary
	}{
		{"negative serial", odd{serial: []byte{2, 2, 0xff, 0x38}}, "7|", "-c8|"},
		{"serial without bytes", odd{serial: []byte{2, 0}}, "7|", "|"},
		{"serial with needless zeros", odd{serial: []byte{2, 3, 0, 0, 7}}, "7|", "7|"},
		{"no serial", odd{serial: []byte{}}, "7|", "|"},
		{"string of another type", odd{subject: nameOf(tlvOf(0x1a, []byte("visible")))}, "CN=odd.example|odd", "CN=visible|odd"},
		{"universal string", odd{subject: nameOf(tlvOf(0x1c, []byte{0, 0, 0, 'a', 0, 1, 0xf6, 0}))}, "CN=odd.example|odd", "CN=a😀|odd"},
		{"BMP string with a surrogate pair", odd{subject: nameOf(tlvOf(0x1e, []byte{0xd8, 0x3d, 0xde, 0x00}))}, "CN=odd.example|odd", "CN=😀|odd"},
		{"BMP string of odd length", odd{subject: nameOf(tlvOf(0x1e, []byte{0, 'a', 0}))}, "CN=odd.example|odd", "CN=a|odd"},
		{"Latin-1 called UTF-8", odd{subject: nameOf(tlvOf(0x0c, []byte("B\xfccher")))}, "CN=odd.example|odd", "CN=Bücher|odd"},
		{"underscore called printable", odd{subject: nameOf(tlvOf(0x13, []byte("a_b@c")))}, "CN=odd.example|odd", "CN=a_b@c|odd"},
		{"no string at all", odd{subject: nameOf([]byte{1, 1, 0xff})}, "CN=odd.example|odd", "CN=#0101FF|odd"},
		{"control character", odd{issuer: nameOf(tlvOf(0x1a, []byte("a\nb")))}, "7|CN=odd.example", `7|CN=a\0Ab`},
		{"empty set in a name", odd{subject: tlvOf(0x30, tlvOf(0x31, tlvOf(0x30)))}, "CN=odd.example|odd", "|odd"},
		{"generalized time without zone", odd{notAfter: tlvOf(0x18, []byte("20240102030405"))}, "", ""},
		{"generalized time with fraction", odd{notAfter: tlvOf(0x18, []byte("20240102030405.25Z"))}, "", ""},
		{"generalized time without seconds", odd{notAfter: tlvOf(0x18, []byte("202401020304Z"))}, ":05Z", ":00Z"},
		{"UTC time with four-digit year", odd{notAfter: tlvOf(0x17, []byte("20240102030405Z"))}, "", ""},
		{"UTC time without seconds and zone", odd{notAfter: tlvOf(0x17, []byte("2401020304"))}, ":05Z", ":00Z"},
		{"UTC time in lower case", odd{notAfter: tlvOf(0x17, []byte("240102030405z"))}, "", ""},
		{"February 29 in a year without", odd{notAfter: tlvOf(0x17, []byte("230229030405Z"))}, "2024-01-02", "2023-03-01"},
		{"month 13", odd{notAfter: tlvOf(0x17, []byte("241302030405Z"))}, "2024-01-02T03:04:05Z", "0001-01-01T00:00:00Z"},
		{"letters for a time", odd{notAfter: tlvOf(0x17, []byte("not a date..Z"))}, "2024-01-02T03:04:05Z", "0001-01-01T00:00:00Z"},
		{"number for a time", odd{notAfter: []byte{2, 1, 1}}, "2024-01-02T03:04:05Z", "0001-01-01T00:00:00Z"},
		{"address of three bytes", odd{san: append(slices.Clone(sanExample), 0x87, 3, 1, 2, 3)}, "", ""},
		{"U-label in a dNSName", odd{san: tlvOf(0x82, []byte("bücher.example"))}, "odd.example|RSA", "bücher.example|RSA"},
		{"names cut short", odd{san: append(slices.Clone(sanExample), 0x82, 9, 'a')}, "", ""},
		{"RSA key without parameters", odd{spki: rsaInfo([]byte{0, 0xc1, 2, 3, 4}, []byte{1, 0, 1})}, "", ""},
		{"RSA modulus without leading zero", odd{spki: rsaInfo([]byte{0xc1, 2, 3, 4}, []byte{1, 0, 1}, 5, 0)}, "", ""},
		{"no key", odd{spki: []byte{0x30, 0}}, "|RSA", "|"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := ParseCertificate(tc.der())
			if c.Problem == "" || !c.Lenient {
				t.Errorf("crypto/x509 takes it: the row tests nothing")
			}
			check(t, "summary", summary(c), strings.Replace(usual, tc.old, tc.new, 1))
		})
	}
}

func TestReadTime(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tc := range []struct {
		name string
		tag  byte
		text string
		want time.Time
	}{
		{"UTC time", tagUTCTime, "491231235959Z", at("2049-12-31T23:59:59Z")}, // RFC 5280 §4.1.2.5.1
		{"UTC time of the last century", tagUTCTime, "500101000000Z", at("1950-01-01T00:00:00Z")},
		{"offset east", tagUTCTime, "240102030405+0130", at("2024-01-02T01:34:05Z")},
		{"offset west", tagUTCTime, "2401020304-0800", at("2024-01-02T11:04:00Z")},
		{"generalized time", tagGeneralizedTime, "99991231235959Z", at("9999-12-31T23:59:59Z")}, // RFC 5280 §4.1.2.5
		{"two-digit year under the other tag", tagGeneralizedTime, "2401020304Z", at("2024-01-02T03:04:00Z")},
		{"comma for a fraction", tagGeneralizedTime, "20240102030405,5Z", at("2024-01-02T03:04:05Z")},
		{"leap second", tagUTCTime, "161231235960Z", at("2017-01-01T00:00:00Z")},
		{"eleven digits", tagUTCTime, "24010203040Z", time.Time{}},
		{"bad offset", tagUTCTime, "240102030405+01", time.Time{}},
		{"something behind", tagUTCTime, "240102030405ZZ", time.Time{}},
		{"empty", tagUTCTime, "", time.Time{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			check(t, "time", readTime(element{tag: tc.tag, body: []byte(tc.text)}).UTC(), tc.want.UTC())
		})
	}
}

func TestOIDText(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		der        []byte
	}{
		{"X.690 §8.19.5", "2.999.3", []byte{0x88, 0x37, 3}},
		{"rsaEncryption", oidRSA, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}},
		{"zeros", "0.0", []byte{0}},
		{"cut short", "#2a86", []byte{0x2a, 0x86}},
		{"arc beyond 64 bits", "#ffffffffffffffffffff01", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}},
		{"none", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) { check(t, "OID", oidText(tc.der), tc.want) })
	}
}

func TestManyNamesAreCounted(t *testing.T) {
	names := bytes.Repeat(tlvOf(0x82, []byte("a")), maxCertificateNames+5)
	c := &Certificate{}
	n := len(names)
	c.readSAN(append([]byte{0x30, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, names...))
	check(t, "kept", len(c.DNSNames), maxCertificateNames)
	check(t, "counted", c.MoreNames, 5)
}

func TestWeakExponent(t *testing.T) {
	for e, want := range map[int]string{1: "RSA exponent 1", 4: "RSA exponent 4", 3: "", 65537: ""} {
		c := &Certificate{KeyType: "RSA", KeyBits: 2048, PublicKey: &rsa.PublicKey{N: big.NewInt(1), E: e}}
		check(t, "weak", c.WeakReason(), want)
	}
}

// compareWithX509 reads der leniently where crypto/x509 accepts it, and
// compares.
func compareWithX509(t *testing.T, der []byte) (accepted bool) {
	t.Helper()
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return false
	}
	raw, ok := readCertificate(der)
	c := &Certificate{DER: der}
	if !ok || !c.fillLenient(&raw) {
		t.Fatalf("nothing read of %x", der)
	}
	for what, pair := range map[string][2]string{
		"serial":      {c.Serial, x.SerialNumber.Text(16)},
		"not before":  {c.NotBefore.UTC().String(), x.NotBefore.UTC().String()},
		"not after":   {c.NotAfter.UTC().String(), x.NotAfter.UTC().String()},
		"common name": {c.CommonName, x.Subject.CommonName},
		"subject":     {string(c.SubjectDER), string(x.RawSubject)},
		"issuer":      {string(c.IssuerDER), string(x.RawIssuer)},
		"SPKI":        {c.SPKI.String(), FingerprintOf(x.RawSubjectPublicKeyInfo).String()},
		"signed":      {string(raw.signed), string(x.RawTBSCertificate)},
		"DNS names":   {strings.Join(c.DNSNames, " "), strings.Join(x.DNSNames, " ")},
		"e-mail":      {strings.Join(c.Emails, " "), strings.Join(x.EmailAddresses, " ")},
		"URLs of CA":  {strings.Join(c.IssuerURLs, " "), strings.Join(x.IssuingCertificateURL, " ")},
		"OCSP":        {strings.Join(c.OCSPServers, " "), strings.Join(x.OCSPServer, " ")},
		"key id":      {string(c.SubjectKeyID), string(x.SubjectKeyId)},
		"authority":   {string(c.AuthorityKeyID), string(x.AuthorityKeyId)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, crypto/x509 has %q", what, pair[0], pair[1])
		}
	}
	check(t, "addresses", len(c.IPs), len(x.IPAddresses))
	check(t, "URIs", len(c.URIs), len(x.URIs))
	check(t, "CA", c.CA, x.IsCA)
	check(t, "key usage", c.KeyUsage, x.KeyUsage)
	check(t, "purposes", len(c.ExtKeyUsage), len(x.ExtKeyUsage)+len(x.UnknownExtKeyUsage))
	if x.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		check(t, "signature", c.Signature, x.SignatureAlgorithm.String())
	}
	if k, ok := x.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); ok && !k.Equal(c.PublicKey) {
		t.Errorf("key: got %v, crypto/x509 has %v", c.PublicKey, x.PublicKey)
	}
	for i := range c.IPs {
		if !bytes.Equal(c.IPs[i].AsSlice(), x.IPAddresses[i]) {
			t.Errorf("address: got %v, crypto/x509 has %v", c.IPs[i], x.IPAddresses[i])
		}
	}
	return true
}

func TestLenientAgreesWithX509(t *testing.T) {
	for _, name := range certNames(t) {
		t.Run(name, func(t *testing.T) { compareWithX509(t, certFile(t, name)) })
	}
}

// Certificates that lie in one piece in captures are found without any parser
// of ours.
func TestLenientAgreesWithX509OnCorpus(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join("..", "..", "shared", "corpus", "pcaps", "*"))
	if len(paths) == 0 {
		t.Skip("no captures in ../shared/corpus")
	}
	seen, plain := map[Fingerprint]bool{}, 0
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, der := range scanCertificates(data) {
			if id := FingerprintOf(der); !seen[id] && compareWithX509(t, der) {
				seen[id] = true
				samePlain(t, der, path)
				if isPlain(der) {
					plain++
				}
				if c := ParseCertificate(der); c.Lenient || c.Problem != "" {
					t.Errorf("%s: %s: %s", path, id, c.Problem)
				}
			}
		}
	}
	t.Logf("%d certificates compared, %d of them plain", len(seen), plain)
	if len(seen) == 0 || plain == 0 {
		t.Error("no certificate, or no plain one, found in the captures")
	}
}

// scanCertificates finds what begins as a certificate of 256 bytes or more
// does.
func scanCertificates(data []byte) (found [][]byte) {
	for i := 0; i+8 < len(data); i++ {
		if data[i] != 0x30 || data[i+1] != 0x82 || data[i+4] != 0x30 || data[i+5] != 0x82 {
			continue
		}
		if end := i + 4 + int(data[i+2])<<8 + int(data[i+3]); end <= len(data) {
			found = append(found, data[i:end])
		}
	}
	return found
}

func FuzzParseCertificate(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join("testdata", "certs", "*.pem"))
	for _, p := range paths {
		f.Add(certFile(f, strings.TrimSuffix(filepath.Base(p), ".pem")))
	}
	f.Add(odd{}.der())
	f.Fuzz(func(t *testing.T, der []byte) {
		c := ParseCertificate(der)
		if c.SHA256 != FingerprintOf(der) || !bytes.Equal(c.DER, der) {
			t.Fatal("the certificate is not what was given")
		}
		c.Names()
		c.Covers("www.shop.example")
		c.SPIFFE()
		c.WeakReason()
		compareWithX509(t, der)
	})
}
