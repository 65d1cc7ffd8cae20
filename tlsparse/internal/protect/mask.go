package protect

import (
	"crypto/aes"
	"encoding/binary"

	"golang.org/x/crypto/chacha20"
)

// SampleLen is the length of what a mask is made from.
const SampleLen = 16

// Mask hides a packet's or record's number: it is the key of the header
// protection of QUIC (RFC 9001 §5.4) or of the record number encryption of DTLS
// 1.3 (RFC 9147 §4.2.3), which are the same.
type Mask func(sample *[SampleLen]byte) (mask [SampleLen]byte)

// MaskOf returns the Mask of a cipher suite of TLS 1.3 with a key. Of
// ChaCha20's, the first bytes are of use.
func MaskOf(suite uint16, key []byte) (Mask, error) {
	if suite == 0x1303 {
		key = append([]byte(nil), key...)
		return func(sample *[SampleLen]byte) (mask [SampleLen]byte) {
			c, err := chacha20.NewUnauthenticatedCipher(key, sample[4:])
			if err != nil {
				return mask // of a key that is no key
			}
			c.SetCounter(binary.LittleEndian.Uint32(sample[:]))
			c.XORKeyStream(mask[:], mask[:])
			return mask
		}, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return func(sample *[SampleLen]byte) (mask [SampleLen]byte) {
		block.Encrypt(mask[:], sample[:])
		return mask
	}, nil
}
