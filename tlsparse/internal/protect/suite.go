// Package protect holds what the protection of TLS 1.3 records, QUIC packets
// and TLS 1.2 records has in common: which hash and AEAD a cipher suite means,
// and HKDF-Expand-Label. Whose secrets these are, and what is protected with
// them, is left to others.
package protect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// IVLen is the length of the nonce of every AEAD here.
const IVLen = 12

// Suite is what a cipher suite of TLS 1.3 means (RFC 8446 §B.4).
type Suite struct {
	Hash   func() hash.Hash
	KeyLen int
	AEAD   func(key []byte) (cipher.AEAD, error)
}

// SuiteOf returns the suite of TLS 1.3 with a number; ok is false where it is
// not known here.
func SuiteOf(id uint16) (s Suite, ok bool) {
	switch id {
	case 0x1301:
		return Suite{sha256.New, 16, GCM}, true
	case 0x1302:
		return Suite{sha512.New384, 32, GCM}, true
	case 0x1303:
		return Suite{sha256.New, chacha20poly1305.KeySize, chacha20poly1305.New}, true
	case 0x1304:
		return Suite{sha256.New, 16, CCM}, true
	case 0x1305:
		return Suite{sha256.New, 16, CCM8}, true
	}
	return Suite{}, false
}

// GCM returns AES-GCM with a key of 16 or 32 bytes.
func GCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// ExpandLabel is HKDF-Expand-Label with an empty context (RFC 8446 §7.1). It
// returns nil for a length that HKDF cannot give.
func ExpandLabel(h func() hash.Hash, secret []byte, label string, length int) []byte {
	return expand(h, secret, "tls13 "+label, length)
}

// ExpandLabelDTLS is ExpandLabel for DTLS 1.3 (RFC 9147 §5.9).
func ExpandLabelDTLS(h func() hash.Hash, secret []byte, label string, length int) []byte {
	return expand(h, secret, "dtls13"+label, length)
}

func expand(h func() hash.Hash, secret []byte, label string, length int) []byte {
	info := []byte{byte(length >> 8), byte(length), byte(len(label))}
	info = append(append(info, label...), 0)
	out, err := hkdf.Expand(h, secret, string(info), length)
	if err != nil {
		return nil
	}
	return out
}
