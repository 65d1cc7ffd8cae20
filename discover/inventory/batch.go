package inventory

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"

	"blindspot/discover"
)

// maxWarnings bounds the warnings that one source may give; the others are
// counted.
const maxWarnings = 1000

// batch is what one source gives.
type batch struct {
	kind        string
	records     []Record
	authorities []*discover.Certificate
	warnings    []Warning
	unsaid      int                           // warnings beyond maxWarnings
	seen        map[discover.Fingerprint]bool // certificates that were added
}

func (b *batch) warn(ref, text string, args ...any) {
	if len(b.warnings) >= maxWarnings {
		b.unsaid++
		return
	}
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	b.warnings = append(b.warnings, Warning{ref, text})
}

// warnErrors gives a warning for each error that there is.
func (b *batch) warnErrors(ref string, errs ...error) {
	for _, err := range errs {
		if err != nil {
			b.warn(ref, "%v", err)
		}
	}
}

// add keeps a record, and returns it to be completed.
func (b *batch) add(ref string, r Record) *Record {
	r.Source, r.Ref = b.kind, ref
	if r.Names == nil {
		r.Names = []string{}
	}
	b.records = append(b.records, r)
	return &b.records[len(b.records)-1]
}

// addCertificate keeps a certificate: a CA's to build chains with, another as a
// record, which is returned to be completed. It returns nil for a CA's, and for
// one that the source has given before.
func (b *batch) addCertificate(ref string, c *discover.Certificate) *Record {
	if b.seen[c.SHA256] {
		return nil
	}
	b.seen[c.SHA256] = true
	if c.Problem != "" && !c.Lenient {
		b.warn(ref, "the certificate cannot be read (%s): only its fingerprint is known", quote(c.Problem))
	}
	if c.CA {
		b.authorities = append(b.authorities, c)
		if !hasHosts(c) {
			return nil
		}
	}
	r := recordOf(c)
	if isPrecertificate(c) {
		b.warn(ref, "a precertificate: it is matched by issuer and serial, because the certificate has another fingerprint")
	}
	return b.add(ref, r)
}

// hasHosts tells a self-signed server certificate that calls itself a CA, as
// "openssl req -x509" makes them, from a CA's certificate.
func hasHosts(c *discover.Certificate) bool { return len(c.DNSNames)+len(c.IPs) > 0 }

func recordOf(c *discover.Certificate) Record {
	r := Record{
		SPKI: c.SPKI, Serial: c.Serial, Issuer: c.Issuer, Names: certificateNames(c),
		NotBefore: c.NotBefore, NotAfter: c.NotAfter, Current: true, Certificate: c,
	}
	if !isPrecertificate(c) {
		r.SHA256, r.SHA1 = c.SHA256, sha1Of(c.DER)
	}
	return r
}

// certificateNames returns the names as Record.Names has them.
func certificateNames(c *discover.Certificate) []string {
	names := c.Names()
	for _, ip := range c.IPs {
		names = append(names, ip.Unmap().String())
	}
	return names
}

func sha1Of(der []byte) string {
	sum := sha1.Sum(der)
	return hex.EncodeToString(sum[:])
}

// poison is the object identifier of the extension that makes a certificate a
// precertificate (RFC 6962 §3.1), with its header.
var poison = []byte("\x06\x0a\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x03")

func isPrecertificate(c *discover.Certificate) bool { return bytes.Contains(c.DER, poison) }
