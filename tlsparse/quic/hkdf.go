package quic

import "crypto/sha256"

// HKDF with SHA-256 (RFC 5869) for short inputs, without an allocation: with
// crypto/hkdf, deriving the keys would be most of what a new connection costs. A
// test holds it against crypto/hkdf.

// maxHMACInput is longer than any label or connection id.
const maxHMACInput = sha256.BlockSize

// extract is HKDF-Extract (RFC 5869 §2.2).
func extract(secret []byte, salt string) [sha256.Size]byte {
	var key [sha256.BlockSize]byte
	copy(key[:], salt)
	return hmac(&key, secret, nil)
}

// expand is HKDF-Expand (RFC 5869 §2.3) up to one block, of which the caller
// takes what it needs.
func expand(secret []byte, info string) [sha256.Size]byte {
	var key [sha256.BlockSize]byte
	copy(key[:], secret)
	var msg [maxHMACInput]byte
	n := copy(msg[:], info)
	return hmac(&key, msg[:n], []byte{1})
}

// hmac is HMAC-SHA-256 (RFC 2104) of a and b, which together are at most
// maxHMACInput bytes, with a key no longer than a block.
func hmac(key *[sha256.BlockSize]byte, a, b []byte) [sha256.Size]byte {
	var in [sha256.BlockSize + maxHMACInput]byte
	var out [sha256.BlockSize + sha256.Size]byte
	for i, k := range key {
		in[i], out[i] = k^0x36, k^0x5c
	}
	n := sha256.BlockSize + copy(in[sha256.BlockSize:], a)
	n += copy(in[n:], b)
	inner := sha256.Sum256(in[:n])
	copy(out[sha256.BlockSize:], inner[:])
	return sha256.Sum256(out[:])
}
