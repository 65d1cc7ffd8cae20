//go:build linux

package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/csv"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A labCert is a certificate of a laboratory. Its dates are relative to the
// laboratory's start, because real programs check them against the real clock.
type labCert struct {
	role    string // what it is called in expected.yml
	subject string
	issuer  string // role; "" for self-signed
	key     string // as certSpec has it; p256 for none
	names   []string
	uri     string // SPIFFE id
	from    time.Duration
	to      time.Duration
	ca      bool
	bare    bool   // presented without its intermediate
	stock   string // "pem" and "csv": where the inventory has it
	owner   string // by the inventory
	retired bool   // by the inventory
}

const (
	hour = time.Hour
	day  = 24 * hour
	year = 365 * day
)

// issue makes the certificates, in order, for this run only: no key of a
// laboratory is kept.
func (b *laboratory) issue(specs []labCert) error {
	for _, s := range specs {
		id, err := b.issueOne(s)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", s.role, err)
		}
		b.ids[s.role] = id
	}
	b.specs = specs
	return nil
}

func (b *laboratory) issueOne(s labCert) (*ident, error) {
	if s.key == "" {
		s.key = "p256"
	}
	key, err := newKey(s.key)
	if err != nil {
		return nil, err
	}
	t, err := b.template(s)
	if err != nil {
		return nil, err
	}
	parent, signer := t, key
	if s.issuer != "" {
		parent, signer = b.id(s.issuer).leaf, b.id(s.issuer).key
	}
	id := &ident{name: s.role, key: key}
	if id.leaf, err = sign(t, parent, key, signer); err != nil {
		return nil, err
	}
	if parent != t && parent.Issuer.String() != parent.Subject.String() && !s.bare {
		id.chain = []*ident{b.id(s.issuer).with()}
	}
	id.keyText, err = encodeKey(key)
	return id, err
}

func sign(t, parent *x509.Certificate, key, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (b *laboratory) template(s labCert) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	_, _ = rand.Read(serial)
	serial[0] = serial[0]&0x7f | 0x40
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: s.subject, Organization: []string{"blindspot test"}},
		NotBefore: b.now.Add(s.from), NotAfter: b.now.Add(s.to), DNSNames: s.names, IsCA: s.ca, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if s.ca {
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil
	}
	if s.uri != "" {
		u, err := url.Parse(s.uri)
		if err != nil {
			return nil, err
		}
		t.URIs = []*url.URL{u}
	}
	return t, nil
}

func (b *laboratory) id(role string) *ident {
	id, ok := b.ids[role]
	if !ok {
		panic("no certificate " + role)
	}
	return id
}

// byHash finds the certificate that a server's log names.
func (b *laboratory) byHash(hash string) (*ident, error) {
	for _, id := range b.ids {
		if id.hashes()[0] == strings.ToLower(hash) {
			return id, nil
		}
	}
	return nil, fmt.Errorf("a log names the unknown certificate %s", hash)
}

// roots writes a file of certificates into the temporary directory and returns its path.
func (b *laboratory) roots(file string, roles ...string) string {
	return b.file(file, b.bundle(roles...))
}

// bundle is a file of certificates.
func (b *laboratory) bundle(roles ...string) string {
	var s strings.Builder
	for _, r := range roles {
		s.WriteString(b.id(r).with().certPEM())
	}
	return s.String()
}

// savePKI writes what the configuration and the expected report refer to:
// every certificate by its role, the trust stores, the inventory. No keys.
func (b *laboratory) savePKI(stores map[string][]string) error {
	for _, d := range []string{"certs", "inventory"} {
		if err := os.RemoveAll(filepath.Join(b.out, d)); err != nil {
			return err
		}
	}
	for _, s := range b.specs {
		cert := b.id(s.role).with().certPEM()
		if err := b.save("certs/"+s.role+".pem", cert); err != nil {
			return err
		}
		if strings.Contains(s.stock, "pem") {
			if err := b.save("inventory/issued/"+s.role+".pem", cert); err != nil {
				return err
			}
		}
	}
	for file, roles := range stores {
		if err := b.save(file, b.bundle(roles...)); err != nil {
			return err
		}
	}
	return b.saveOwners()
}

// saveOwners writes the inventory's table, as an export of a certificate
// manager has it.
func (b *laboratory) saveOwners() error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write([]string{"Common Name", "Subject Alternative Names", "Issuer", "Serial Number", "Valid From", "Valid To", "Owner", "Status"})
	for _, s := range b.specs {
		if !strings.Contains(s.stock, "csv") {
			continue
		}
		c := b.id(s.role).leaf
		status := "Active"
		if s.retired {
			status = "Superseded"
		}
		_ = w.Write([]string{s.subject, strings.Join(s.names, ", "), c.Issuer.String(), fmt.Sprintf("%x", c.SerialNumber),
			c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339), s.owner, status})
	}
	w.Flush()
	return b.save("inventory/owners.csv", out.String())
}

// save writes a file that stays, beside the laboratory's configuration.
func (b *laboratory) save(name, content string) error {
	p := filepath.Join(b.out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil { //nolint:gosec // checked in
		return err
	}
	return os.WriteFile(p, []byte(content), 0o644) //nolint:gosec // checked in
}
