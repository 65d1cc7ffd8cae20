package coverage

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	bigint "math/big"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/trust"
)

// real is a real certificate with its key, for what asks trust stores.
type real struct {
	*discover.Certificate
	x   *x509.Certificate
	key crypto.Signer
}

var serials int64

// issue makes a certificate signed by issuer, or by itself.
func issue(t *testing.T, name string, issuer *real, change func(*x509.Certificate)) *real {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serials++
	tmpl := &x509.Certificate{
		SerialNumber: new(bigint.Int).Lsh(bigint.NewInt(serials+1), 64), Subject: pkix.Name{CommonName: name},
		NotBefore: t0.Add(-30 * day), NotAfter: t0.Add(year), BasicConstraintsValid: true,
	}
	change(tmpl)
	out := &real{key: key, x: tmpl}
	parent, signer := out.x, out.key
	if issuer != nil {
		parent, signer = issuer.x, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if out.x, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	out.Certificate = discover.ParseCertificate(der)
	return out
}

// reissue signs an authority's key and name by another issuer.
func reissue(t *testing.T, of, issuer *real) *real {
	t.Helper()
	serials++
	tmpl := *of.x
	tmpl.SerialNumber, tmpl.AuthorityKeyId = bigint.NewInt(serials), nil
	der, err := x509.CreateCertificate(rand.Reader, &tmpl, issuer.x, of.key.Public(), issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	return &real{Certificate: discover.ParseCertificate(der), x: &tmpl, key: of.key}
}

func authority(x *x509.Certificate) { x.IsCA, x.KeyUsage = true, x509.KeyUsageCertSign }

func host(name string) func(*x509.Certificate) {
	return func(x *x509.Certificate) { x.DNSNames = []string{name} }
}

func spiffe(id string) func(*x509.Certificate) {
	return func(x *x509.Certificate) {
		u, _ := url.Parse(id)
		x.URIs = []*url.URL{u}
		x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
}

func lived(from, to time.Duration, also func(*x509.Certificate)) func(*x509.Certificate) {
	return func(x *x509.Certificate) { x.NotBefore, x.NotAfter = t0.Add(from), t0.Add(to); also(x) }
}

// present registers a chain of real certificates.
func (s *scene) present(certs ...*real) discover.ChainID {
	var list []*discover.Certificate
	for _, c := range certs {
		s.certs[c.SHA256] = c.Certificate
		list = append(list, c.Certificate)
	}
	return s.chain(list...)
}

// store loads a trust store of these roots.
func store(t *testing.T, name string, roots ...*real) *trust.Store {
	t.Helper()
	var text []byte
	for _, r := range roots {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.DER})...)
	}
	path := filepath.Join(t.TempDir(), name+".pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := trust.Load(trust.Spec{Name: name, PEM: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	return st
}
