package tlsparse

import "golang.org/x/crypto/cryptobyte"

// DelegatedCredential is a short-lived key that a leaf vouches for, and that
// signs the handshake in its place (RFC 9345 §4). Byte slices alias the parsed
// extension.
type DelegatedCredential struct {
	ValidTime uint32 // seconds from the leaf's notBefore on
	Verify    uint16 // the scheme of the handshake's signature
	PublicKey []byte // SubjectPublicKeyInfo, DER
	Signed    []byte // the credential without what follows: what the leaf signs, behind a context (§4)
	Scheme    uint16 // of the leaf's signature
	Signature []byte
}

// ParseDelegatedCredential fills c from the extension's data in a Certificate
// entry.
func ParseDelegatedCredential(data []byte, c *DelegatedCredential) error {
	*c = DelegatedCredential{}
	s := cryptobyte.String(data)
	var key cryptobyte.String
	if !s.ReadUint32(&c.ValidTime) || !s.ReadUint16(&c.Verify) ||
		!s.ReadUint24LengthPrefixed(&key) || len(key) == 0 {
		return ErrMalformed
	}
	c.PublicKey = key
	if !s.ReadUint16(&c.Scheme) {
		return ErrMalformed
	}
	c.Signed = data[:len(data)-len(s)] // the credential and the algorithm
	if !readInt16(&s, &c.Signature) || !s.Empty() {
		return ErrMalformed
	}
	return nil
}

// AppendDelegatedCredentialSigned appends to dst what the leaf's signature in a
// server's credential covers (RFC 9345 §4): spaces, the context, the leaf, the
// credential and the algorithm.
func AppendDelegatedCredentialSigned(dst, leaf []byte, c *DelegatedCredential) []byte {
	dst = appendContext(dst, "TLS, server delegated credentials")
	dst = append(dst, leaf...)
	return append(dst, c.Signed...)
}
