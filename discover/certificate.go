package discover

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

// maxCertificateNames bounds the subject alternative names that are kept of
// one certificate; the others are counted in MoreNames.
const maxCertificateNames = 10_000

// maxProblem bounds the text of Problem, which may quote the certificate.
const maxProblem = 256

// Certificate is an X.509 certificate as seen, known by the SHA-256 of its
// DER. Fields that could not be read are zero, and Problem says why. It is not
// changed after ParseCertificate, and safe for concurrent use.
type Certificate struct {
	SHA256 Fingerprint
	DER    []byte

	Subject             string // RFC 4514 text
	Issuer              string
	Serial              string // lower-case hex without leading zeros, "-" before a negative one
	NotBefore, NotAfter time.Time

	CommonName string   // of the subject, as written; the last where there are several
	DNSNames   []string // as written in the subject alternative name
	IPs        []netip.Addr
	URIs       []string // SPIFFE ids among them
	Emails     []string
	MoreNames  int // subject alternative names beyond maxCertificateNames

	KeyType   string      // "RSA", "RSA-PSS", "ECDSA", "Ed25519", "DSA", "ML-DSA-65", an OID
	KeyBits   int         // size of modulus or field, 0 where not applicable
	Curve     string      // "P-256", …, "explicit" for parameters in place of a name, an OID
	Signature string      // "SHA256-RSA", an OID where unknown
	SPKI      Fingerprint // SHA-256 of the SubjectPublicKeyInfo

	// SelfSigned says that the certificate calls itself its issuer: by name, and
	// by key identifiers where it has both. Whether it has signed itself,
	// SignedItself finds out.
	SelfSigned bool
	CA         bool

	KeyUsage    x509.KeyUsage // RFC 5280 §4.2.1.3, 0 where absent
	ExtKeyUsage []string      // "serverAuth", … or an OID (RFC 5280 §4.2.1.12)
	SCTs        bool          // carries signed certificate timestamps (RFC 6962 §3.3)
	MustStaple  bool          // asks for a stapled status (RFC 7633)
	OCSPServers []string      // where its status can be asked for
	IssuerURLs  []string      // where its issuer can be had, for incomplete chains

	// What chains are built from. They alias DER.
	SubjectDER, IssuerDER        []byte
	SubjectKeyID, AuthorityKeyID []byte

	// Problem says why crypto/x509 refused the certificate, "" where it did
	// not; Lenient says that the fields come from the lenient parser.
	Problem string
	Lenient bool

	PublicKey crypto.PublicKey // nil where it could not be read

	signedItself uint32 // what SignedItself found, a Tri; changed atomically
}

// ParseCertificate reads a certificate as far as it can be read. It copies
// der. What crypto/x509 refuses is read field by field by a lenient parser, and
// Problem keeps the reason; of garbage, SHA256, DER and Problem remain.
func ParseCertificate(der []byte) *Certificate {
	return readAs(FingerprintOf(der), bytes.Clone(der))
}

// readAs is ParseCertificate where the fingerprint is known; it keeps der.
func readAs(sum Fingerprint, der []byte) *Certificate {
	c := &Certificate{SHA256: sum, DER: der}
	raw, ok := readCertificate(der)
	if !ok || !isPlain(der) || !c.fillPlain(&raw) {
		*c = Certificate{SHA256: sum, DER: der}
		c.fill(&raw, ok)
	}
	c.SelfSigned = c.callsItselfIssuer()
	return c
}

// fillPlain reads a plain certificate, and reports false where its key is none.
func (c *Certificate) fillPlain(raw *rawCertificate) bool {
	c.fillLenient(raw)
	return c.PublicKey != nil
}

// fill reads a certificate about which crypto/x509 has to be asked; ok says that
// the lenient parser has found one.
func (c *Certificate) fill(raw *rawCertificate, ok bool) {
	x, err := x509.ParseCertificate(c.DER)
	if err != nil {
		c.Problem = problemText(err)
		c.Lenient = ok && c.fillLenient(raw)
		return
	}
	c.fillStrict(raw, x)
}

func problemText(err error) string {
	s := strings.ToValidUTF8(strings.TrimPrefix(err.Error(), "x509: "), "\uFFFD")
	if len(s) > maxProblem {
		s = strings.ToValidUTF8(s[:maxProblem], "") + "…"
	}
	return s
}

// fillStrict takes what crypto/x509 read, and from raw what it does not keep.
func (c *Certificate) fillStrict(raw *rawCertificate, x *x509.Certificate) {
	c.Serial = x.SerialNumber.Text(16)
	c.NotBefore, c.NotAfter = x.NotBefore, x.NotAfter
	c.SubjectDER, c.IssuerDER = x.RawSubject, x.RawIssuer
	c.Subject, c.Issuer = nameText(x.RawSubject), nameText(x.RawIssuer)
	c.CommonName = x.Subject.CommonName
	c.SPKI = FingerprintOf(x.RawSubjectPublicKeyInfo)
	c.fillKey(x.RawSubjectPublicKeyInfo)
	if x.PublicKey != nil {
		c.PublicKey = x.PublicKey
	}
	c.Signature = algorithmOf(raw.signatureAlgorithm).name
	c.fillRawExtensions(raw)
}

// callsItselfIssuer follows the comment on Certificate.SelfSigned.
func (c *Certificate) callsItselfIssuer() bool {
	return len(c.SubjectDER) > 0 && bytes.Equal(c.SubjectDER, c.IssuerDER) &&
		(len(c.SubjectKeyID) == 0 || len(c.AuthorityKeyID) == 0 || bytes.Equal(c.SubjectKeyID, c.AuthorityKeyID))
}

// SignedItself reports whether the certificate is SelfSigned, and its signature
// checks against its own key. Where that cannot be checked here (Ed448, ML-DSA,
// GOST, a key beyond maxKeyBits, no DER), SelfSigned alone decides. The signature
// is checked once, when the answer is first asked for: the inventory of a busy
// network asks for few.
func (c *Certificate) SignedItself() bool {
	if !c.SelfSigned {
		return false
	}
	known := Tri(atomic.LoadUint32(&c.signedItself))
	if known == Unknown {
		raw, _ := readCertificate(c.DER)
		known = TriOf(algorithmOf(raw.signatureAlgorithm).verify(c, raw.signed, raw.signature) != No)
		atomic.StoreUint32(&c.signedItself, uint32(known))
	}
	return known == Yes
}

// Expired reports whether at is after the certificate's validity, whose last
// second belongs to it (RFC 5280 §4.1.2.5). Unreadable dates never expire.
func (c *Certificate) Expired(at time.Time) bool {
	return !c.NotAfter.IsZero() && at.After(c.NotAfter)
}

// NotYetValid reports whether at is before the certificate's validity.
func (c *Certificate) NotYetValid(at time.Time) bool {
	return !c.NotBefore.IsZero() && at.Before(c.NotBefore)
}

// SPIFFE returns the certificate's SPIFFE ID, "" where it has none or several,
// which is no identity (X509-SVID §2).
func (c *Certificate) SPIFFE() string {
	const scheme = "spiffe://"
	id := ""
	for _, u := range c.URIs {
		if len(u) <= len(scheme) || !equalASCII(u[:len(scheme)], scheme) {
			continue
		}
		if id != "" && id != u {
			return ""
		}
		id = u
	}
	return id
}
