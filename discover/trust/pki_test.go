package trust

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5" //nolint:gosec // to be refused
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"blindspot/discover"
)

// now is the time of the traffic in these tests.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// entity is a certificate with its key.
type entity struct {
	*discover.Certificate
	key crypto.Signer
}

func years(n int) time.Time { return now.AddDate(n, 0, 0) }

var serial int64 = 1000

// option changes the template of a certificate.
type option func(*x509.Certificate)

// ecKey makes a key.
func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rsaKey(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sign makes a certificate of name and key; issuer nil signs itself.
func sign(t testing.TB, name string, key crypto.Signer, issuer *entity, options ...option) *entity {
	t.Helper()
	serial++
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"blindspot test"}},
		NotBefore:    years(-1), NotAfter: years(2),
	}
	for _, o := range options {
		o(tpl)
	}
	e := &entity{key: key}
	parent, signer := tpl, key
	if issuer != nil {
		var err error
		if parent, err = x509.ParseCertificate(issuer.DER); err != nil {
			t.Fatal(err)
		}
		signer = issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, parent, key.Public(), signer)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	e.Certificate = discover.ParseCertificate(der)
	return e
}

func ca(c *x509.Certificate) {
	c.BasicConstraintsValid, c.IsCA = true, true
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	c.NotBefore, c.NotAfter = years(-5), years(10)
}

func leafFor(name string) option {
	return func(c *x509.Certificate) {
		c.DNSNames = []string{name}
		c.KeyUsage = x509.KeyUsageDigitalSignature
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
}

func valid(from, until time.Time) option {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, until }
}

func spiffe(id string) option {
	return func(c *x509.Certificate) {
		u, err := url.Parse(id)
		if err != nil {
			panic(err)
		}
		c.URIs = append(c.URIs, u)
	}
}

// resign changes bytes of the signed part, which keep their length, and signs
// again: for what CreateCertificate does not make.
func resign(t *testing.T, e *entity, key crypto.Signer, hash crypto.Hash, from, to []byte) *entity {
	t.Helper()
	var c struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(e.DER, &c); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(c.TBS.FullBytes, from) {
		t.Fatalf("%x is not in the certificate", from)
	}
	tbs := bytes.Replace(c.TBS.FullBytes, from, to, 1)
	c.TBS = asn1.RawValue{FullBytes: tbs}
	c.Algorithm = asn1.RawValue{FullBytes: bytes.Replace(c.Algorithm.FullBytes, from, to, 1)}
	sum := sha256.Sum256(tbs)
	digest := sum[:]
	if hash == crypto.MD5 {
		m := md5.Sum(tbs) //nolint:gosec // to be refused
		digest = m[:]
	}
	sig, err := key.Sign(rand.Reader, digest, hash)
	if err != nil {
		t.Fatal(err)
	}
	c.Signature = asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}
	der, err := asn1.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return &entity{discover.ParseCertificate(der), e.key}
}

// storeOf makes a store through a PEM file, as users do.
func storeOf(t testing.TB, spec Spec, roots ...*entity) *Store {
	t.Helper()
	spec.Name = "test"
	spec.PEM = []string{pemFile(t, roots...)}
	s, err := Load(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pemFile(t testing.TB, list ...*entity) string {
	t.Helper()
	var b bytes.Buffer
	for _, e := range list {
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: e.DER}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "list.pem")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func knownOf(list ...*entity) *Intermediates {
	in := &Intermediates{}
	for _, e := range list {
		in.Add(e.Certificate)
	}
	return in
}

func chainOf(list ...*entity) []*discover.Certificate {
	var chain []*discover.Certificate
	for _, e := range list {
		chain = append(chain, e.Certificate)
	}
	return chain
}
