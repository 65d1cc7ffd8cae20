package trust

import (
	"bytes"
	"crypto/x509"
	"strconv"
	"strings"
	"sync"

	"blindspot/discover"
)

// constraint is what a store adds to a root: the check gets the chain below it.
type constraint = func([]*x509.Certificate) error

// node is a certificate as path building wants it.
type node struct {
	fp              discover.Fingerprint
	subject, issuer []byte // Names as DER, nil where unreadable
	keyID           []byte // subject key identifier
	authority       []byte // authority key identifier
	limit           constraint

	once sync.Once
	x    *x509.Certificate // nil where crypto/x509 refuses it; see parsed
	c    *discover.Certificate

	textOnce sync.Once
}

// newNode leaves parsing for when a path leads there.
func newNode(c *discover.Certificate) *node {
	return &node{
		fp: c.SHA256, c: c,
		subject: c.SubjectDER, issuer: c.IssuerDER,
		keyID: c.SubjectKeyID, authority: c.AuthorityKeyID,
	}
}

// newAnchor parses at once, and leniently only what crypto/x509 refuses.
func newAnchor(der []byte, limit constraint) *node {
	n := &node{fp: discover.FingerprintOf(der), limit: limit}
	x, err := x509.ParseCertificate(der)
	if err != nil {
		c := discover.ParseCertificate(der)
		n.c, n.subject, n.issuer, n.keyID, n.authority = c, c.SubjectDER, c.IssuerDER, c.SubjectKeyID, c.AuthorityKeyID
		n.once.Do(func() {})
		return n
	}
	n.once.Do(func() { n.x = x })
	n.subject, n.issuer, n.keyID, n.authority = x.RawSubject, x.RawIssuer, x.SubjectKeyId, x.AuthorityKeyId
	return n
}

// parsed returns what crypto/x509 reads, nil where it refuses.
func (n *node) parsed() *x509.Certificate {
	n.once.Do(func() {
		if n.c.Problem == "" {
			n.x, _ = x509.ParseCertificate(n.c.DER)
		}
	})
	return n.x
}

// cert returns the certificate with its names as text.
func (n *node) cert() *discover.Certificate {
	n.textOnce.Do(func() {
		if n.c == nil {
			n.c = discover.ParseCertificate(n.x.Raw)
		}
	})
	return n.c
}

// problem says why crypto/x509 refuses the certificate, "" where it does not.
func (n *node) problem() string {
	if n.parsed() != nil {
		return ""
	}
	if p := n.cert().Problem; p != "" {
		return p
	}
	return "crypto/x509 refuses it"
}

// selfIssued compares names only (RFC 5280 §6.1).
func (n *node) selfIssued() bool { return bytes.Equal(n.subject, n.issuer) }

// name is the subject for people, quoted: it comes from strangers.
func (n *node) name() string { return quoteName(n.cert().Subject, n.fp.Short()) }

func (n *node) issuerName() string { return quoteName(n.cert().Issuer, "without a name") }

func quoteName(s, other string) string {
	const most = 200
	if s == "" {
		return other
	}
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}

// same reports whether two nodes are the same authority: a path that meets one
// twice is a loop.
func (n *node) same(o *node) bool {
	if n.fp == o.fp {
		return true
	}
	x, y := n.parsed(), o.parsed()
	return x != nil && y != nil && bytes.Equal(n.subject, o.subject) &&
		bytes.Equal(x.RawSubjectPublicKeyInfo, y.RawSubjectPublicKeyInfo)
}

// names reports whether child's key identifiers point at n: 1 yes, -1 no, 0
// where one of them is absent.
func (n *node) names(child *node) int {
	switch {
	case len(child.authority) == 0 || len(n.keyID) == 0:
		return 0
	case bytes.Equal(child.authority, n.keyID):
		return 1
	}
	return -1
}
