package tlsparse

import "golang.org/x/crypto/cryptobyte"

// maxChain bounds the certificates that are read from one message.
const maxChain = 64

// ParseCertificate appends the certificates of a Certificate message up to TLS
// 1.2 (RFC 5246 §7.4.2) to dst, as presented: a list may be empty, a
// certificate may have length 0. On damage, or of a prefix of the message, it
// returns the whole certificates before it, with ErrMalformed. Certificates
// past maxChain are damage too.
//
// With RFC 7250's raw public keys the body is one SubjectPublicKeyInfo with a
// 24-bit length: ParseRawPublicKey.
func ParseCertificate(body []byte, dst [][]byte) ([][]byte, error) {
	s := cryptobyte.String(body)
	list, ok := readList24(&s)
	var der cryptobyte.String
	for n := 0; !list.Empty(); n++ {
		if n == maxChain || !list.ReadUint24LengthPrefixed(&der) {
			return dst, ErrMalformed
		}
		dst = append(dst, der)
	}
	if !ok {
		return dst, ErrMalformed
	}
	return dst, nil
}

// readList24 reads a 24-bit length and the bytes that it announces, or those
// that are there; ok says that all are there and none follow.
func readList24(s *cryptobyte.String) (list cryptobyte.String, ok bool) {
	var length uint32
	if !s.ReadUint24(&length) {
		return nil, false
	}
	if int(length) > len(*s) {
		return *s, false
	}
	list = (*s)[:length]
	*s = (*s)[length:]
	return list, s.Empty()
}

// ParseRawPublicKey returns the SubjectPublicKeyInfo of a Certificate message
// up to TLS 1.2 whose negotiated type is RawPublicKey (RFC 7250 §3).
func ParseRawPublicKey(body []byte) ([]byte, error) {
	s := cryptobyte.String(body)
	var key cryptobyte.String
	if !s.ReadUint24LengthPrefixed(&key) || !s.Empty() {
		return nil, ErrMalformed
	}
	return key, nil
}

// Certificate13 is one entry of a TLS 1.3 Certificate message.
type Certificate13 struct {
	Data                []byte // DER, or a SubjectPublicKeyInfo (RFC 7250)
	OCSP                []byte // stapled response; nil: none
	SCT                 []byte // SignedCertificateTimestampList; nil: none
	DelegatedCredential []byte // RFC 9345; nil: none
}

// ParseCertificate13 appends the entries of a TLS 1.3 Certificate message (RFC
// 8446 §4.4.2) to dst and returns them with the request context, which is empty
// in a handshake. Damage is treated as by ParseCertificate.
func ParseCertificate13(body []byte, dst []Certificate13) (context []byte, _ []Certificate13, _ error) {
	s := cryptobyte.String(body)
	var ctx cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&ctx) {
		return nil, dst, ErrMalformed
	}
	list, ok := readList24(&s)
	for n := 0; !list.Empty(); n++ {
		var data, extensions cryptobyte.String
		if n == maxChain || !list.ReadUint24LengthPrefixed(&data) {
			return ctx, dst, ErrMalformed
		}
		entry := Certificate13{Data: data}
		whole := list.ReadUint16LengthPrefixed(&extensions) && entry.readExtensions(extensions)
		dst = append(dst, entry)
		if !whole {
			return ctx, dst, ErrMalformed
		}
	}
	if !ok {
		return ctx, dst, ErrMalformed
	}
	return ctx, dst, nil
}

// readExtensions reads the extensions of an entry (RFC 8446 §4.4.2.1).
func (c *Certificate13) readExtensions(s cryptobyte.String) bool {
	for !s.Empty() {
		var typ uint16
		var data cryptobyte.String
		if !s.ReadUint16(&typ) || !s.ReadUint16LengthPrefixed(&data) {
			return false
		}
		switch typ {
		case ExtStatusRequest:
			var status CertificateStatus
			if ParseCertificateStatus(data, &status) == nil {
				c.OCSP = status.first()
			}
		case ExtSCT:
			c.SCT = data
		case ExtDelegatedCredential:
			c.DelegatedCredential = data
		}
	}
	return true
}

// Certificate compression algorithms (RFC 8879 §7.3).
const (
	CompressionZlib   = 1
	CompressionBrotli = 2
	CompressionZstd   = 3
)

// CompressedCertificate is a Certificate message in compressed form (RFC 8879
// §4). UncompressedLength is the sender's claim.
type CompressedCertificate struct {
	Algorithm          uint16
	UncompressedLength int
	Data               []byte
}

// ParseCompressedCertificate fills c from a message's body.
func ParseCompressedCertificate(body []byte, c *CompressedCertificate) error {
	*c = CompressedCertificate{}
	s := cryptobyte.String(body)
	var length uint32
	var data cryptobyte.String
	if !s.ReadUint16(&c.Algorithm) || !s.ReadUint24(&length) ||
		!s.ReadUint24LengthPrefixed(&data) || !s.Empty() {
		return ErrMalformed
	}
	c.UncompressedLength = int(length)
	c.Data = data
	return nil
}

// Certificate status types (RFC 6066 §8, RFC 6961 §2.2).
const (
	StatusOCSP      = 1
	StatusOCSPMulti = 2
)

// CertificateStatus is a stapled status (RFC 6066 §8). Responses alias the
// message; for ocsp_multi there is one for each certificate of the chain, in
// its order, empty where the server has none.
type CertificateStatus struct {
	Type      uint8
	Responses [][]byte
}

func (c *CertificateStatus) first() []byte {
	if len(c.Responses) == 0 {
		return nil
	}
	return c.Responses[0]
}

// ParseCertificateStatus fills c from a message's body, reusing its slice. A
// type that is not known is noted, and has no responses.
func ParseCertificateStatus(body []byte, c *CertificateStatus) error {
	*c = CertificateStatus{Responses: c.Responses[:0]}
	s := cryptobyte.String(body)
	var response cryptobyte.String
	if !s.ReadUint8(&c.Type) {
		return ErrMalformed
	}
	switch c.Type {
	case StatusOCSP:
		if !s.ReadUint24LengthPrefixed(&response) {
			return ErrMalformed
		}
		c.Responses = append(c.Responses, response)
	case StatusOCSPMulti:
		list, ok := readList24(&s)
		for n := 0; !list.Empty(); n++ {
			if n == maxChain || !list.ReadUint24LengthPrefixed(&response) {
				return ErrMalformed
			}
			c.Responses = append(c.Responses, response)
		}
		if !ok {
			return ErrMalformed
		}
	default:
		return nil
	}
	if !s.Empty() {
		return ErrMalformed
	}
	return nil
}
