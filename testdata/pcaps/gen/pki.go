//go:build linux

package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A certSpec describes one certificate. Made once, it is read from the pki
// folder: remove its file there to have it made anew.
type certSpec struct {
	name     string // file name, and serial number by its hash
	subject  string
	issuer   string // "" for self-signed
	key      string // rsa, p256, p384, ed25519
	names    []string
	from, to time.Time
	ca       bool
	pad      int // size of a private extension, for large certificates

	// What Go does not make, the openssl program does.
	genpkey, req []string
}

func date(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// What the scenarios do not care about is valid for twenty years, so that the
// generator works as long; the demo's certificates live as long as real ones.
var (
	longFrom, longTo = date("2026-01-01"), date("2046-01-01")
	demoFrom, demoTo = date("2026-09-01"), date("2027-10-01")
)

var rsa2048 = []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}

var certSpecs = []certSpec{
	{name: "root", subject: "Example Trust Root R1", key: "rsa", ca: true},
	{name: "ca", subject: "Example Trust TLS CA 1", issuer: "root", key: "p256", ca: true},
	{name: "internal-root", subject: "Shop Internal CA", key: "rsa", ca: true},
	{name: "client-root", subject: "Example Device Root", key: "p256", ca: true},
	{name: "deep-1", subject: "Example Deep CA 1", issuer: "root", key: "p256", ca: true},
	{name: "deep-2", subject: "Example Deep CA 2", issuer: "deep-1", key: "rsa", ca: true},

	{name: "shop", subject: "shop.example", issuer: "ca", key: "p256", names: []string{"shop.example", "www.shop.example"}, from: demoFrom, to: demoTo},
	{name: "legacy-api", subject: "legacy-api.shop.example", issuer: "ca", key: "rsa", names: []string{"legacy-api.shop.example"}, from: date("2025-10-16"), to: date("2026-11-16")},
	{name: "admin", subject: "admin.shop.example", issuer: "internal-root", key: "rsa", names: []string{"admin.shop.example"}, from: demoFrom, to: demoTo},

	{name: "rsa", subject: "rsa.example", issuer: "ca", key: "rsa", names: []string{"rsa.example", "*.rsa.example"}},
	{name: "rsa-pss", subject: "pss.example", issuer: "ca", names: []string{"pss.example"}, genpkey: []string{"-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"}, req: []string{"-sha256"}},
	{name: "odd-rsa1024", subject: "rsa1024.example", issuer: "internal-root", names: []string{"rsa1024.example"}, genpkey: []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"}, req: []string{"-sha256"}},
	{name: "odd-sha1", subject: "sha1.example", issuer: "internal-root", names: []string{"sha1.example"}, genpkey: rsa2048, req: []string{"-sha1"}},
	{name: "odd-negative-serial", subject: "negative.example", issuer: "ca", names: []string{"negative.example"}, genpkey: rsa2048, req: []string{"-set_serial", "-12345"}},
	{name: "odd-no-names", subject: "onlycn.example", issuer: "ca", genpkey: rsa2048, req: []string{"-sha256"}},
	{name: "odd-ed448", subject: "ed448.example", issuer: "ca", names: []string{"ed448.example"}, genpkey: []string{"-algorithm", "ED448"}, req: []string{"-sha256"}},
	{name: "odd-address", subject: "", issuer: "ca", genpkey: rsa2048, req: []string{"-addext", "subjectAltName=IP:10.77.0.15"}},
	{name: "future", subject: "future.example", issuer: "ca", key: "p256", names: []string{"future.example"}, from: date("2027-01-01"), to: date("2028-01-01")},
	{name: "expiring", subject: "expiring.example", issuer: "ca", key: "p256", names: []string{"expiring.example"}, from: date("2026-09-01"), to: date("2026-11-30")},
	{name: "ecdsa", subject: "ecdsa.example", issuer: "ca", key: "p256", names: []string{"ecdsa.example", "*.ecdsa.example"}},
	{name: "p384", subject: "p384.example", issuer: "ca", key: "p384", names: []string{"p384.example"}},
	{name: "ed25519", subject: "ed25519.example", issuer: "ca", key: "ed25519", names: []string{"ed25519.example"}},
	{name: "expired", subject: "expired.example", issuer: "ca", key: "p256", names: []string{"expired.example"}, from: date("2025-11-01"), to: date("2026-11-01")},
	{name: "deep", subject: "deep.example", issuer: "deep-2", key: "p256", names: []string{"deep.example"}},
	{name: "selfsigned", subject: "selfsigned.example", key: "p256", names: []string{"selfsigned.example"}},
	{name: "dual-rsa", subject: "dual.example", issuer: "ca", key: "rsa", names: []string{"dual.example"}},
	{name: "dual-ecdsa", subject: "dual.example", issuer: "ca", key: "p256", names: []string{"dual.example"}},
	{name: "one", subject: "one.example", issuer: "ca", key: "p256", names: []string{"one.example"}},
	{name: "two", subject: "two.example", issuer: "ca", key: "p256", names: []string{"two.example"}},
	{name: "backend", subject: "backend.internal.example", issuer: "internal-root", key: "p256", names: []string{"backend.internal.example"}},
	{name: "public", subject: "public.example", issuer: "ca", key: "p256", names: []string{"public.example"}},
	{name: "secret", subject: "secret.example", issuer: "ca", key: "p256", names: []string{"secret.example"}},
	{name: "device", subject: "device-17", issuer: "client-root", key: "p256", names: []string{"device-17.devices.example"}},
	{name: "stranger", subject: "device-66", key: "p256", names: []string{"device-66.devices.example"}},
	{name: "ocsp-signer", subject: "Example Trust OCSP 1", issuer: "ca", key: "p256"},
}

// hugeCerts certificates of hugePad bytes make a chain of more than 64 KB.
const hugeCerts, hugePad = 12, 6000

func init() {
	for i := range hugeCerts {
		certSpecs = append(certSpecs, certSpec{name: fmt.Sprintf("huge-%02d", i), subject: fmt.Sprintf("Example Padded %d", i), issuer: "ca", key: "p256", pad: hugePad})
	}
}

// An ident is a key with its certificate and the chain that goes with it.
type ident struct {
	name    string
	key     crypto.Signer // nil where the openssl program made it
	keyText string
	leaf    *x509.Certificate
	chain   []*ident // what is presented after the leaf
}

func (id *ident) with(chain ...*ident) *ident {
	c := *id
	c.chain = chain
	return &c
}

func (id *ident) hashes() []string {
	out := []string{sha256hex(id.leaf.Raw)}
	for _, c := range id.chain {
		out = append(out, sha256hex(c.leaf.Raw))
	}
	return out
}

func sha256hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (id *ident) certPEM() string {
	s := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.leaf.Raw}))
	for _, c := range id.chain {
		s += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.leaf.Raw}))
	}
	return s
}

func encodeKey(key crypto.Signer) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), err
}

func (id *ident) tls() tls.Certificate {
	c := tls.Certificate{PrivateKey: id.key, Certificate: [][]byte{id.leaf.Raw}}
	for _, x := range id.chain {
		c.Certificate = append(c.Certificate, x.leaf.Raw)
	}
	return c
}

type pki struct {
	dir string
	mu  sync.Mutex
	ids map[string]*ident
}

func newPKI(dir string) *pki { return &pki{dir: dir, ids: map[string]*ident{}} }

// prepare makes what is missing and reads everything.
func (p *pki) prepare() error {
	if time.Now().After(demoTo) {
		return fmt.Errorf("the demo's certificates ended on %s: run under faketime(1), or move demoFrom and demoTo and remove pki/shop.pem and pki/admin.pem", demoTo.Format(time.DateOnly))
	}
	for _, s := range certSpecs {
		if s.from.IsZero() {
			s.from, s.to = longFrom, longTo
		}
		id, err := p.load(s)
		if os.IsNotExist(err) {
			id, err = p.make(s)
		}
		if err != nil {
			return fmt.Errorf("pki %s: %w", s.name, err)
		}
		if s.issuer != "" && s.genpkey == nil && id.leaf.CheckSignatureFrom(p.ids[s.issuer].leaf) != nil {
			return fmt.Errorf("pki %s.pem was not issued by %s.pem: remove it, and run this again", s.name, s.issuer)
		}
		p.ids[s.name] = id
	}
	for _, id := range p.ids {
		if ca := p.ids["ca"]; bytes.Equal(id.leaf.RawIssuer, ca.leaf.RawSubject) {
			id.chain = []*ident{ca}
		}
	}
	p.ids["deep"].chain = []*ident{p.ids["deep-2"], p.ids["deep-1"], p.ids["root"]}
	return nil
}

func (p *pki) get(name string) *ident {
	id, ok := p.ids[name]
	if !ok {
		panic("no certificate " + name)
	}
	return id
}

func (p *pki) path(name string) string { return filepath.Join(p.dir, name+".pem") }

func (p *pki) load(s certSpec) (*ident, error) {
	rest, err := os.ReadFile(p.path(s.name))
	if err != nil {
		return nil, err
	}
	id := &ident{name: s.name}
	for {
		var b *pem.Block
		b, rest = pem.Decode(rest)
		if b == nil {
			break
		}
		switch b.Type {
		case "CERTIFICATE":
			id.leaf, err = x509.ParseCertificate(b.Bytes)
			if err != nil && s.genpkey != nil { // Go does not like it: that may be its point
				id.leaf, err = &x509.Certificate{Raw: b.Bytes, DNSNames: s.names}, nil
			}
		case "PRIVATE KEY":
			id.keyText = string(pem.EncodeToMemory(b))
			if s.genpkey == nil {
				var k any
				if k, err = x509.ParsePKCS8PrivateKey(b.Bytes); err == nil {
					id.key = k.(crypto.Signer)
				}
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if id.leaf == nil || id.keyText == "" {
		return nil, fmt.Errorf("%s.pem: a key and a certificate are expected", s.name)
	}
	return id, nil
}

func newKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "rsa":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ed25519":
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}
	return nil, fmt.Errorf("unknown kind of key %q", kind)
}

func (p *pki) make(s certSpec) (*ident, error) {
	if s.genpkey != nil {
		return p.makeByOpenSSL(s)
	}
	key, err := newKey(s.key)
	if err != nil {
		return nil, err
	}
	id := &ident{name: s.name, key: key}
	serial := sha256.Sum256([]byte(s.name))
	serial[0] &= 0x7f
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial[:16]), Subject: pkix.Name{CommonName: s.subject, Organization: []string{"blindspot test"}},
		NotBefore: s.from, NotAfter: s.to, DNSNames: s.names, IsCA: s.ca, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if s.ca {
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageCRLSign|x509.KeyUsageDigitalSignature, nil
	}
	if s.name == "ocsp-signer" {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	}
	if s.pad > 0 {
		t.ExtraExtensions = []pkix.Extension{{Id: []int{2, 999, 1}, Value: bytes.Repeat([]byte(s.name), s.pad/len(s.name))}}
	}
	parent, signer := t, key
	if s.issuer != "" {
		parent, signer = p.ids[s.issuer].leaf, p.ids[s.issuer].key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	if id.leaf, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	if id.keyText, err = encodeKey(key); err != nil {
		return nil, err
	}
	return id, p.save(s.name, id.keyText, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

// makeByOpenSSL has the openssl program make a key and a certificate for it.
func (p *pki) makeByOpenSSL(s certSpec) (*ident, error) {
	dir, err := os.MkdirTemp("", "pki-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	key, crt := filepath.Join(dir, "key"), filepath.Join(dir, "crt")
	req := append([]string{"req", "-new", "-x509", "-key", key, "-CA", p.path(s.issuer), "-CAkey", p.path(s.issuer), "-subj", "/O=blindspot test/CN=" + s.subject,
		"-addext", "basicConstraints=CA:FALSE", "-days", "7000", "-out", crt}, s.req...)
	if s.names != nil {
		req = append(req, "-addext", "subjectAltName=DNS:"+s.names[0])
	}
	for _, args := range [][]string{
		append([]string{"genpkey", "-out", key}, s.genpkey...), req,
	} {
		if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil { //nolint:gosec // our own words
			return nil, fmt.Errorf("openssl %s: %w: %s", args[0], err, out)
		}
	}
	k, err := os.ReadFile(key)
	if err != nil {
		return nil, err
	}
	c, err := os.ReadFile(crt)
	if err != nil {
		return nil, err
	}
	if err := p.save(s.name, string(k), string(c)); err != nil {
		return nil, err
	}
	return p.load(s)
}

func (p *pki) save(name, key, cert string) error {
	const mark = "TEST KEY: throw-away, made for the captures of this folder, of no other use.\n\n"
	return os.WriteFile(p.path(name), []byte(mark+key+cert), 0o644) //nolint:gosec // checked in
}

// bundle is a file of trusted roots.
func (l *lab) bundle(names ...string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString(l.pki.get(n).with().certPEM())
	}
	return l.file("roots-"+strings.Join(names, "-")+".pem", b.String())
}

// crt and key are files of an ident; pem is both in one, as HAProxy wants it.
func (l *lab) crt(id *ident) string { return l.file(id.name+".crt", id.certPEM()) }
func (l *lab) key(id *ident) string { return l.file(id.name+".key", id.keyText) }
func (l *lab) pem(id *ident) string { return l.file(id.name+".pem", id.certPEM()+id.keyText) }
