package discover

import (
	"bytes"
	"errors"
	"slices"
	"time"
)

// The words of a stapled status (events: ocsp).
const (
	OCSPGood    = "good"
	OCSPRevoked = "revoked"
	OCSPUnknown = "unknown"
	OCSPExpired = "expired"
)

// ocspGrace is how far the clocks of responder and sensor may be apart.
const ocspGrace = 5 * time.Minute

// maxResponders bounds the certificates of one response that are tried as its
// signer.
const maxResponders = 8

// OCSPAnswer is what a stapled response says about a certificate.
type OCSPAnswer struct {
	// Status is an OCSP… constant, "" where the response says nothing that
	// can be relied on; then Problem says why.
	Status                            string
	Problem                           string
	ThisUpdate, NextUpdate, RevokedAt time.Time // zero where the response has none
}

// OCSPStatus returns the Status that ReadOCSP finds.
func OCSPStatus(response []byte, leaf, issuer *Certificate, at time.Time) string {
	return ReadOCSP(response, leaf, issuer, at).Status
}

// ReadOCSP reads a stapled response (RFC 6960 §4.2) as a client would that got
// it with leaf at a time. Where the issuer is known, the response must be signed
// by it, or by a responder that it appointed; where it is not (nil), and where
// the signature is of a kind that cannot be checked here, the response is
// believed as long as it names leaf.
//
// A response is expired once its nextUpdate has passed, and while its
// thisUpdate is still to come. A revocation is final and outlives nextUpdate,
// unless it is a hold.
func ReadOCSP(response []byte, leaf, issuer *Certificate, at time.Time) OCSPAnswer {
	s, err := readOCSP(response, leaf, issuer)
	if err != nil {
		return OCSPAnswer{Problem: problemText(err)}
	}
	return OCSPAnswer{
		Status:     s.word(at),
		ThisUpdate: s.thisUpdate, NextUpdate: s.nextUpdate, RevokedAt: s.revokedAt,
	}
}

// readOCSP finds what a response says of leaf, whatever the time.
func readOCSP(response []byte, leaf, issuer *Certificate) (*ocspSingle, error) {
	r, err := parseOCSPResponse(response)
	if err != nil {
		return nil, err
	}
	s, err := r.about(leaf, issuer)
	if err != nil {
		return nil, err
	}
	if err := r.signedFor(issuer); err != nil {
		return nil, err
	}
	return s, nil
}

// word says what the status is worth at a time.
func (s *ocspSingle) word(at time.Time) string {
	late := !s.nextUpdate.IsZero() && at.After(s.nextUpdate.Add(ocspGrace))
	early := at.Add(ocspGrace).Before(s.thisUpdate)
	final := s.status == OCSPRevoked && s.reason != reasonHold
	if early || late && !final {
		return OCSPExpired
	}
	return s.status
}

// about finds the status of leaf. The serial number alone is no name: another
// issuer may have given out the same one.
func (r *ocspResponse) about(leaf, issuer *Certificate) (*ocspSingle, error) {
	if leaf == nil || leaf.Serial == "" {
		return nil, errors.New("the certificate has no readable serial number")
	}
	var issuerKey []byte
	if issuer != nil {
		issuerKey = issuer.keyBytes()
	}
	for i := range r.singles {
		if s := &r.singles[i]; s.names(leaf, issuerKey) {
			return s, nil
		}
	}
	return nil, errors.New("the response is about another certificate")
}

// names compares a CertID (RFC 6960 §4.1.1), as far as both sides are known.
func (s *ocspSingle) names(leaf *Certificate, issuerKey []byte) bool {
	if serialText(s.serial) != leaf.Serial {
		return false
	}
	h, ok := hashNames[s.hash]
	if !ok {
		return true
	}
	return (len(leaf.IssuerDER) == 0 || bytes.Equal(s.issuerName, digest(h.hash, leaf.IssuerDER))) &&
		(len(issuerKey) == 0 || bytes.Equal(s.issuerKey, digest(h.hash, issuerKey)))
}

// signedFor checks who signed the response (RFC 6960 §4.2.2.2).
func (r *ocspResponse) signedFor(issuer *Certificate) error {
	proven := Unknown
	if issuer != nil {
		proven = r.algorithm.verify(issuer, r.signed, r.signature)
	}
	if proven == Yes {
		return nil
	}
	for _, der := range r.certificates {
		responder := ParseCertificate(der)
		switch r.algorithm.verify(responder, r.signed, r.signature) {
		case Yes:
			return responder.mayRespondFor(issuer, r.producedAt)
		case No:
			proven = No
		}
	}
	if proven == No {
		return errors.New("the signature is not the issuer's, nor an appointed responder's")
	}
	return nil
}

// mayRespondFor checks that issuer (where known) signed the responder's
// certificate, and for this purpose.
func (c *Certificate) mayRespondFor(issuer *Certificate, at time.Time) error {
	if issuer != nil && c.SPKI == issuer.SPKI {
		return nil
	}
	raw, _ := readCertificate(c.DER)
	switch {
	case issuer != nil && algorithmOf(raw.signatureAlgorithm).verify(issuer, raw.signed, raw.signature) == No:
		return errors.New("the responder's certificate is not the issuer's")
	case issuer != nil && !slices.Contains(c.ExtKeyUsage, "OCSPSigning"):
		return errors.New("the responder's certificate is not for signing responses")
	case c.Expired(at.Add(-ocspGrace)) || c.NotYetValid(at.Add(ocspGrace)):
		return errors.New("the responder's certificate was not valid when it signed")
	}
	return nil
}
