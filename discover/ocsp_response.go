package discover

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// reasonHold is certificateHold of CRLReason, the only one that can be taken
// back (RFC 5280 §5.3.1).
const reasonHold = 6

const oidBasicResponse = "1.3.6.1.5.5.7.48.1.1"

// ocspStatuses are the words of OCSPResponseStatus (RFC 6960 §4.2.1).
var ocspStatuses = map[int]string{
	1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized",
}

// ocspResponse is a BasicOCSPResponse. Its slices alias the input.
type ocspResponse struct {
	signed       []byte
	algorithm    signatureAlgorithm
	signature    []byte
	certificates [][]byte
	producedAt   time.Time
	singles      []ocspSingle
}

// ocspSingle is a SingleResponse.
type ocspSingle struct {
	hash                  string // OID of the hash of the next two
	issuerName, issuerKey []byte
	serial                []byte // as encoded
	status                string
	revokedAt             time.Time
	reason                int
	thisUpdate            time.Time
	nextUpdate            time.Time // zero: newer status is always available
}

var errOCSP = errors.New("malformed OCSP response")

// parseOCSPResponse reads RFC 6960 §4.2.1, and takes a status other than
// successful for an error.
func parseOCSPResponse(der []byte) (*ocspResponse, error) {
	in := cryptobyte.String(der)
	var body, wrapped, id, basic cryptobyte.String
	var status int
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() ||
		!body.ReadASN1Enum(&status) {
		return nil, errOCSP
	}
	if status != 0 {
		return nil, fmt.Errorf("the responder answered with an error: %s (%d)", ocspStatuses[status], status)
	}
	if !body.ReadASN1(&wrapped, asn1.Tag(0).Constructed().ContextSpecific()) ||
		!wrapped.ReadASN1(&wrapped, asn1.SEQUENCE) ||
		!wrapped.ReadASN1(&id, asn1.OBJECT_IDENTIFIER) ||
		!wrapped.ReadASN1(&basic, asn1.OCTET_STRING) {
		return nil, errOCSP
	}
	if oid := oidText(id); oid != oidBasicResponse {
		return nil, fmt.Errorf("OCSP response of unknown type %s", oid)
	}
	r := &ocspResponse{}
	if !r.readBasic(basic) {
		return nil, errOCSP
	}
	return r, nil
}

func (r *ocspResponse) readBasic(in cryptobyte.String) bool {
	var data, identifier, certificates cryptobyte.String
	var bits []byte
	var more bool
	if !in.ReadASN1(&in, asn1.SEQUENCE) ||
		!in.ReadASN1Element(&data, asn1.SEQUENCE) ||
		!in.ReadASN1(&identifier, asn1.SEQUENCE) ||
		!in.ReadASN1BitStringAsBytes(&bits) ||
		!in.ReadOptionalASN1(&certificates, &more, asn1.Tag(0).Constructed().ContextSpecific()) ||
		more && !r.readCertificates(certificates) {
		return false
	}
	r.signed, r.algorithm, r.signature = data, algorithmOf(identifier), bits
	return r.readData(data)
}

func (r *ocspResponse) readCertificates(in cryptobyte.String) bool {
	if !in.ReadASN1(&in, asn1.SEQUENCE) {
		return false
	}
	for !in.Empty() && len(r.certificates) < maxResponders {
		var der cryptobyte.String
		if !in.ReadASN1Element(&der, asn1.SEQUENCE) {
			return false
		}
		r.certificates = append(r.certificates, der)
	}
	return true
}

func (r *ocspResponse) readData(in cryptobyte.String) bool {
	var responder, list cryptobyte.String
	var tag asn1.Tag
	if !in.ReadASN1(&in, asn1.SEQUENCE) ||
		!in.SkipOptionalASN1(asn1.Tag(0).Constructed().ContextSpecific()) || // version
		!in.ReadAnyASN1(&responder, &tag) ||
		!in.ReadASN1GeneralizedTime(&r.producedAt) ||
		!in.ReadASN1(&list, asn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		var s ocspSingle
		if !s.read(&list) {
			return false
		}
		r.singles = append(r.singles, s)
	}
	return true
}

func (s *ocspSingle) read(list *cryptobyte.String) bool {
	var in, id, hash, oid, serial, status, next cryptobyte.String
	var tag asn1.Tag
	var more bool
	if !list.ReadASN1(&in, asn1.SEQUENCE) ||
		!in.ReadASN1(&id, asn1.SEQUENCE) ||
		!id.ReadASN1(&hash, asn1.SEQUENCE) ||
		!hash.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
		!id.ReadASN1Bytes(&s.issuerName, asn1.OCTET_STRING) ||
		!id.ReadASN1Bytes(&s.issuerKey, asn1.OCTET_STRING) ||
		!id.ReadASN1(&serial, asn1.INTEGER) ||
		!in.ReadAnyASN1(&status, &tag) ||
		!s.readStatus(status, tag) ||
		!in.ReadASN1GeneralizedTime(&s.thisUpdate) ||
		!in.ReadOptionalASN1(&next, &more, asn1.Tag(0).Constructed().ContextSpecific()) ||
		more && !next.ReadASN1GeneralizedTime(&s.nextUpdate) {
		return false
	}
	s.hash, s.serial = oidText(oid), serial
	return true
}

// readStatus reads CertStatus: good [0], revoked [1], unknown [2].
func (s *ocspSingle) readStatus(in cryptobyte.String, tag asn1.Tag) bool {
	switch tag {
	case asn1.Tag(0).ContextSpecific():
		s.status = OCSPGood
	case asn1.Tag(2).ContextSpecific():
		s.status = OCSPUnknown
	case asn1.Tag(1).ContextSpecific().Constructed():
		s.status = OCSPRevoked
		var reason cryptobyte.String
		var more bool
		return in.ReadASN1GeneralizedTime(&s.revokedAt) &&
			in.ReadOptionalASN1(&reason, &more, asn1.Tag(0).Constructed().ContextSpecific()) &&
			(!more || reason.ReadASN1Enum(&s.reason))
	default:
		return false
	}
	return true
}
