package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"time"

	"golang.org/x/crypto/ocsp"
)

// keyKinds are the keys of servers, by the words that discover/lengths uses.
var keyKinds = []string{"rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "ed25519"}

func newKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "rsa-2048":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "rsa-3072":
		return rsa.GenerateKey(rand.Reader, 3072)
	case "rsa-4096":
		return rsa.GenerateKey(rand.Reader, 4096)
	case "p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("no key of kind %q", kind)
}

// authority is a certificate that issues others.
type authority struct {
	cert   *x509.Certificate
	key    crypto.Signer
	issuer *authority // nil for a root
}

// newAuthorities makes a root and two intermediates, one below the other, and
// returns the lowest.
func newAuthorities(kind string) (*authority, error) {
	var a *authority
	for _, name := range []string{"Example Root " + kind, "Example Policy CA " + kind, "Example Issuing CA " + kind} {
		key, err := newKey(kind)
		if err != nil {
			return nil, err
		}
		t := &x509.Certificate{
			Subject:      pkix.Name{Country: []string{"XX"}, Organization: []string{"Example Trust"}, CommonName: name},
			SerialNumber: serial(), NotBefore: began.AddDate(-2, 0, 0), NotAfter: began.AddDate(8, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}
		if a, err = a.issue(t, key); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// began is when the certificates begin.
var began = time.Now().Truncate(time.Second).AddDate(0, 0, -1)

// serial is 159 random bits, as OpenSSL makes them.
func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 159))
	if err != nil {
		panic(err)
	}
	return n
}

func (a *authority) issue(t *x509.Certificate, key crypto.Signer) (*authority, error) {
	parent, signer := t, key
	if a != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("issue %s: %w", t.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert, key, a}, nil
}

// leaf issues a server's certificate. With logged, it carries the timestamps
// of two certificate transparency logs, as public ones do (RFC 6962 §3.3).
func (a *authority) leaf(kind, host string, generation int, logged bool) (*authority, error) {
	key, err := newKey(kind)
	if err != nil {
		return nil, err
	}
	from := began.AddDate(0, 0, -generation)
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: host}, DNSNames: []string{host, "www." + host},
		SerialNumber: serial(), NotBefore: from, NotAfter: from.AddDate(0, 3, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		OCSPServer: []string{"http://ocsp.example"}, IssuingCertificateURL: []string{"http://ca.example/issuing.crt"},
		PolicyIdentifiers: []asn1.ObjectIdentifier{{2, 23, 140, 1, 2, 1}},
	}
	if logged {
		list, err := timestamps()
		if err != nil {
			return nil, err
		}
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: list})
	}
	return a.issue(t, key)
}

// timestamps is an extension of two signed certificate timestamps, whose ECDSA
// signatures have real lengths.
func timestamps() ([]byte, error) {
	var list []byte
	for range 2 {
		key, err := newKey("p256")
		if err != nil {
			return nil, err
		}
		id := sha256.Sum256([]byte(rand.Text()))
		sig, err := key.Sign(rand.Reader, id[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		sct := append([]byte{0}, id[:]...)
		sct = binary.BigEndian.AppendUint64(sct, uint64(began.UnixMilli())) //nolint:gosec // after 1970
		sct = append(sct, 0, 0, 4, 3)
		sct = append(binary.BigEndian.AppendUint16(sct, uint16(len(sig))), sig...) //nolint:gosec // 72 at most
		list = append(binary.BigEndian.AppendUint16(list, uint16(len(sct))), sct...)
	}
	return asn1.Marshal(append(binary.BigEndian.AppendUint16(nil, uint16(len(list))), list...))
}

// chain is the certificate and n-1 of its issuers.
func (a *authority) chain(n int) []*x509.Certificate {
	var out []*x509.Certificate
	for ; a != nil && n > 0; a, n = a.issuer, n-1 {
		out = append(out, a.cert)
	}
	return out
}

// staple is a fresh OCSP response for the certificate.
func (a *authority) staple() ([]byte, error) {
	now := time.Now()
	return ocsp.CreateResponse(a.issuer.cert, a.issuer.cert, ocsp.Response{
		Status: ocsp.Good, SerialNumber: a.cert.SerialNumber, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.AddDate(0, 0, 7),
	}, a.issuer.key)
}

// requestCAs are certificates of many authorities, for the list in a request for a
// client's certificate.
func requestCAs(n int) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for i := range n {
		key, err := newKey("p256")
		if err != nil {
			return nil, err
		}
		t := &x509.Certificate{
			Subject:      pkix.Name{Organization: []string{"Example Client Authorities, Incorporated"}, CommonName: fmt.Sprintf("Client Authority %03d", i)},
			SerialNumber: serial(), NotBefore: began, NotAfter: began.AddDate(5, 0, 0), IsCA: true, BasicConstraintsValid: true,
		}
		a, err := (*authority)(nil).issue(t, key)
		if err != nil {
			return nil, err
		}
		out = append(out, a.cert)
	}
	return out, nil
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func writeCerts(path string, list []*x509.Certificate) error {
	var out []byte
	for _, c := range list {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return os.WriteFile(path, out, 0o600)
}

func keyPEM(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
