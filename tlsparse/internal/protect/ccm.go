package protect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// errOpen says that a tag does not fit: another key, or other bytes.
var errOpen = errors.New("ccm: message authentication failed")

// ccm is AES-CCM (RFC 3610, NIST SP 800-38C) with nonces of nonce bytes and
// tags of tag bytes.
type ccm struct {
	block cipher.Block
	nonce int
	tag   int
}

// CCM returns AES-CCM as TLS uses it (RFC 6655 §4): nonces of 12 bytes, tags of
// 16.
func CCM(key []byte) (cipher.AEAD, error) { return newCCM(key, IVLen, 16) }

// CCM8 is CCM with tags of 8 bytes.
func CCM8(key []byte) (cipher.AEAD, error) { return newCCM(key, IVLen, 8) }

func newCCM(key []byte, nonce, tag int) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &ccm{block, nonce, tag}, nil
}

func (c *ccm) NonceSize() int { return c.nonce }
func (c *ccm) Overhead() int  { return c.tag }

// Seal implements cipher.AEAD. dst and plaintext must not overlap, unless
// plaintext[:0] is dst's end.
func (c *ccm) Seal(dst, nonce, plaintext, additional []byte) []byte {
	tag := c.authenticate(nonce, plaintext, additional)
	n := len(dst)
	dst = append(dst, plaintext...)
	c.stream(nonce, 1).XORKeyStream(dst[n:], dst[n:])
	c.stream(nonce, 0).XORKeyStream(tag[:], tag[:])
	return append(dst, tag[:c.tag]...)
}

// Open implements cipher.AEAD. Where the tag does not fit, what was decrypted
// is wiped.
func (c *ccm) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	if len(nonce) != c.nonce || len(ciphertext) < c.tag {
		return nil, errOpen
	}
	var tag [aes.BlockSize]byte
	copy(tag[:], ciphertext[len(ciphertext)-c.tag:])
	ciphertext = ciphertext[:len(ciphertext)-c.tag]
	n := len(dst)
	dst = append(dst, ciphertext...)
	plain := dst[n:]
	c.stream(nonce, 1).XORKeyStream(plain, plain)
	want := c.authenticate(nonce, plain, additional)
	c.stream(nonce, 0).XORKeyStream(want[:], want[:])
	if subtle.ConstantTimeCompare(tag[:c.tag], want[:c.tag]) != 1 {
		clear(plain)
		return nil, errOpen
	}
	return dst, nil
}

// stream is counter mode from a counter on (RFC 3610 §2.3).
func (c *ccm) stream(nonce []byte, counter byte) cipher.Stream {
	var iv [aes.BlockSize]byte
	iv[0] = byte(14 - c.nonce) // L' = L-1, and L = 15 - nonce
	copy(iv[1:], nonce)
	iv[aes.BlockSize-1] = counter
	return cipher.NewCTR(c.block, iv[:])
}

// authenticate is the CBC-MAC before its encryption (RFC 3610 §2.2).
func (c *ccm) authenticate(nonce, plaintext, additional []byte) [aes.BlockSize]byte {
	var mac [aes.BlockSize]byte
	binary.BigEndian.PutUint64(mac[8:], uint64(len(plaintext))) // the nonce covers its high bytes
	mac[0] = byte((c.tag-2)/2)<<3 | byte(14-c.nonce)
	if len(additional) > 0 {
		mac[0] |= 0x40
	}
	copy(mac[1:], nonce)
	c.block.Encrypt(mac[:], mac[:])
	if n := len(additional); n > 0 { // always below 2^16 - 2^8
		first := append([]byte{byte(n >> 8), byte(n)}, additional...)
		c.absorb(&mac, first)
	}
	c.absorb(&mac, plaintext)
	return mac
}

// absorb adds b, padded with zeros to whole blocks.
func (c *ccm) absorb(mac *[aes.BlockSize]byte, b []byte) {
	for len(b) > 0 {
		n := subtle.XORBytes(mac[:], mac[:], b[:min(len(b), aes.BlockSize)])
		c.block.Encrypt(mac[:], mac[:])
		b = b[n:]
	}
}
