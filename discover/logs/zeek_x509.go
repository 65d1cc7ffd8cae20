package logs

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"blindspot/discover"
)

// Bounds of what is kept of x509.log and files.log for joining. Rows beyond are
// counted as "certificates-beyond-bound" and "file-ids-beyond-bound".
const (
	maxCertificates     = 500_000
	maxCertificateBytes = 512 << 20 // of the rows that they come from, in all
	maxCertificateNames = 10_000    // of one; the others are in MoreNames
	maxFileIDs          = 2 << 20
)

// zeekCertificate is what the logs say of a certificate: its fields where
// x509.log has them, its hashes where x509.log or files.log does.
type zeekCertificate struct {
	fields *discover.Certificate // SHA256 is not set
	sha256 discover.Fingerprint
	sha1   SHA1
}

func (c *zeekCertificate) partial() Partial {
	p := Partial{}
	if c.sha1 != (SHA1{}) {
		p.SHA1 = c.sha1.String()
	}
	if f := c.fields; f != nil {
		p.Subject, p.Issuer, p.Serial, p.NotBefore, p.NotAfter = f.Subject, f.Issuer, f.Serial, f.NotBefore, f.NotAfter
	}
	return p
}

// zeekCertificates holds certificates by what ssl.log names them by: the
// fingerprint (since Zeek 4.1), the id of the file before.
type zeekCertificates struct {
	byPrint map[string]*zeekCertificate // bytes of the hash
	byFile  map[string]*zeekCertificate
	fields  map[string]*discover.Certificate // by certificateFields: old logs repeat them for every handshake
	size    int
	given   map[discover.Fingerprint]bool
}

func newZeekCertificates() *zeekCertificates {
	return &zeekCertificates{
		byPrint: make(map[string]*zeekCertificate),
		byFile:  make(map[string]*zeekCertificate),
		fields:  make(map[string]*discover.Certificate),
		given:   make(map[discover.Fingerprint]bool),
	}
}

// addX509 takes a row of x509.log.
func (z *zeekCertificates) addX509(row row) error {
	sum := fingerprint(get(row, "fingerprint"))
	id := get(row, "id")
	if sum == "" && id == "" {
		return malformed("the row has neither a fingerprint nor an id")
	}
	fields, err := z.intern(row)
	if err != nil {
		return err
	}
	if sum != "" && z.byPrint[sum] == nil {
		if len(z.byPrint) >= maxCertificates {
			return skip("certificates-beyond-bound")
		}
		c := &zeekCertificate{fields: fields}
		c.setHash(sum)
		z.byPrint[sum] = c
	}
	if id == "" {
		return nil
	}
	c, err := z.file(id)
	if err != nil {
		return err
	}
	c.fields = fields
	c.setHash(sum)
	c.setHash(fingerprint(get(row, "sha1")))
	return nil
}

// addFile takes a row of files.log that is a certificate.
func (z *zeekCertificates) addFile(row row) error {
	id, mime := get(row, "fuid"), get(row, "mime_type")
	isCertificate := strings.Contains(mime, "x509") || strings.Contains(mime, "pkix-cert")
	if id == "" || !isCertificate && get(row, "source") != "SSL" && get(row, "source") != "DTLS" {
		return nil
	}
	c, err := z.file(id)
	if err != nil {
		return err
	}
	c.setHash(fingerprint(get(row, "sha256")))
	c.setHash(fingerprint(get(row, "sha1")))
	return nil
}

// file returns the certificate of a file id, a new one where it is unknown.
func (z *zeekCertificates) file(id string) (*zeekCertificate, error) {
	if c := z.byFile[id]; c != nil {
		return c, nil
	}
	if len(z.byFile) >= maxFileIDs {
		return nil, skip("file-ids-beyond-bound")
	}
	c := &zeekCertificate{}
	z.byFile[strings.Clone(id)] = c
	return c, nil
}

// setHash takes a hash by its length: SHA-256 or SHA-1.
func (c *zeekCertificate) setHash(sum string) {
	switch len(sum) {
	case len(c.sha256):
		copy(c.sha256[:], sum)
	case len(c.sha1):
		copy(c.sha1[:], sum)
	}
}

// fingerprint returns the bytes of a SHA-256 or SHA-1 in hex, "" for another.
func fingerprint(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	if err != nil || len(b) != len(discover.Fingerprint{}) && len(b) != len(SHA1{}) {
		return ""
	}
	return string(b)
}

// certificateFields tell certificates apart where no hash does.
var certificateFields = []string{"certificate.issuer", "certificate.serial", "certificate.subject", "certificate.not_valid_before",
	"certificate.not_valid_after", "certificate.key_alg", "certificate.key_length", "certificate.sig_alg", "basic_constraints.ca"}

// intern reads the fields of a certificate once.
func (z *zeekCertificates) intern(row row) (*discover.Certificate, error) {
	var key string
	for _, name := range certificateFields {
		key += get(row, name) + "\x00"
	}
	key += strings.Join(row.list("san.dns"), ",")
	if c := z.fields[key]; c != nil {
		return c, nil
	}
	if len(z.fields) >= maxCertificates || z.size+2*len(key) > maxCertificateBytes {
		return nil, skip("certificates-beyond-bound")
	}
	c, err := certificateOf(row)
	if err != nil {
		return nil, err
	}
	z.fields[key] = c
	z.size += 2 * len(key)
	return c, nil
}

// certificateOf reads a row of x509.log.
func certificateOf(row row) (*discover.Certificate, error) {
	c := &discover.Certificate{
		Subject:    openSSLName(get(row, "certificate.subject")),
		Issuer:     openSSLName(get(row, "certificate.issuer")),
		Serial:     serialText(get(row, "certificate.serial")),
		CommonName: get(row, "certificate.cn"),
		Signature:  signatureName(get(row, "certificate.sig_alg")),
		DNSNames:   row.list("san.dns"),
		URIs:       row.list("san.uri"),
		Emails:     row.list("san.email"),
		CA:         isTrue(row, "basic_constraints.ca"),
	}
	if c.Subject == "" && c.Issuer == "" && c.Serial == "" {
		return nil, malformed("the row has neither subject nor issuer nor serial")
	}
	c.CommonName = orDefault(commonName(c.Subject), c.CommonName)
	// Without the certificate's bytes the signature cannot be checked.
	c.SelfSigned = c.Subject != "" && c.Subject == c.Issuer
	setKey(c, row)
	for _, s := range row.list("san.ip") {
		if ip, err := netip.ParseAddr(s); err == nil {
			c.IPs = append(c.IPs, ip)
		}
	}
	bound(&c.DNSNames, c)
	bound(&c.URIs, c)
	bound(&c.Emails, c)
	bound(&c.IPs, c)
	var err1, err2 error
	c.NotBefore, err1 = certificateTime(row, "certificate.not_valid_before")
	c.NotAfter, err2 = certificateTime(row, "certificate.not_valid_after")
	if err1 != nil || err2 != nil {
		return nil, malformed("validity of %s: not a time", clip(c.Subject))
	}
	return c, nil
}

func bound[T any](list *[]T, c *discover.Certificate) {
	if n := len(*list); n > maxCertificateNames {
		c.MoreNames += n - maxCertificateNames
		*list = (*list)[:maxCertificateNames]
	}
}

// certificateTime reads a time to the second, which is what certificates have.
func certificateTime(row row, name string) (time.Time, error) {
	s, ok := row.text(name)
	if !ok {
		return time.Time{}, nil
	}
	t, err := parseTime(s)
	return t.Truncate(time.Second), err
}

// setKey takes the key's algorithm, in the words of discover.
func setKey(c *discover.Certificate, row row) {
	switch algorithm := get(row, "certificate.key_alg"); algorithm {
	case "rsaEncryption":
		c.KeyType = "RSA"
	case "rsassaPss":
		c.KeyType = "RSA-PSS"
	case "id-ecPublicKey":
		c.KeyType = "ECDSA"
	case "ED25519":
		c.KeyType = "Ed25519"
	case "ED448":
		c.KeyType = "Ed448"
	case "dsaEncryption":
		c.KeyType = "DSA"
	default:
		c.KeyType = algorithm
	}
	c.KeyBits, _ = strconv.Atoi(get(row, "certificate.key_length"))
	switch curve := get(row, "certificate.curve"); curve {
	case "prime256v1":
		c.Curve = "P-256"
	case "secp224r1", "secp384r1", "secp521r1":
		c.Curve = fmt.Sprintf("P-%s", curve[4:7])
	default:
		c.Curve = curve
	}
}

// signatureNames turns OpenSSL's names into those of discover.
var signatureNames = map[string]string{
	"md5WithRSAEncryption": "MD5-RSA", "sha1WithRSAEncryption": "SHA1-RSA", "sha1WithRSA": "SHA1-RSA",
	"sha224WithRSAEncryption": "SHA224-RSA", "sha256WithRSAEncryption": "SHA256-RSA",
	"sha384WithRSAEncryption": "SHA384-RSA", "sha512WithRSAEncryption": "SHA512-RSA",
	"ecdsa-with-SHA1": "ECDSA-SHA1", "ecdsa-with-SHA224": "ECDSA-SHA224", "ecdsa-with-SHA256": "ECDSA-SHA256",
	"ecdsa-with-SHA384": "ECDSA-SHA384", "ecdsa-with-SHA512": "ECDSA-SHA512",
	"dsaWithSHA1": "DSA-SHA1", "dsa_with_SHA256": "DSA-SHA256", "ED25519": "Ed25519", "ED448": "Ed448",
	"md2WithRSAEncryption": "MD2-RSA", "md4WithRSAEncryption": "MD4-RSA",
}

func signatureName(s string) string { return orDefault(signatureNames[s], s) }
