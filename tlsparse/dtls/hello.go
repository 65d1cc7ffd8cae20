package dtls

import (
	"golang.org/x/crypto/cryptobyte"

	"blindspot/tlsparse"
)

// ClientHelloBody appends to dst the body of a ClientHello without the field
// that DTLS adds, the cookie (RFC 6347 §4.2.1), so that
// tlsparse.ParseClientHello reads it. A body that ends before the cookie does is
// appended as far as it goes, with tlsparse.ErrMalformed.
func ClientHelloBody(body, dst []byte) ([]byte, error) {
	before, _, after, ok := splitCookie(body)
	dst = append(dst, before...)
	if !ok {
		return dst, tlsparse.ErrMalformed
	}
	return append(dst, after...), nil
}

// splitCookie splits a ClientHello's body at its cookie, which is empty in a
// first hello, and in DTLS 1.3, where an extension has its place (RFC 9147 §5.3).
func splitCookie(body []byte) (before, cookie, after []byte, ok bool) {
	s := cryptobyte.String(body)
	var id, c cryptobyte.String
	if !s.Skip(2+32) || // client_version, random
		!s.ReadUint8LengthPrefixed(&id) {
		return body, nil, nil, false
	}
	before = body[:len(body)-len(s)]
	if !s.ReadUint8LengthPrefixed(&c) {
		return before, nil, nil, false
	}
	return before, c, s, true
}

// ParseHelloVerifyRequest returns what a HelloVerifyRequest says (RFC 6347
// §4.2.1). Its version is DTLS 1.0 by that rule, and decides nothing.
func ParseHelloVerifyRequest(body []byte) (version uint16, cookie []byte, err error) {
	s := cryptobyte.String(body)
	var c cryptobyte.String
	if !s.ReadUint16(&version) || !s.ReadUint8LengthPrefixed(&c) || !s.Empty() {
		return version, nil, tlsparse.ErrMalformed
	}
	return version, c, nil
}
