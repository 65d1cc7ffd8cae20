package capture

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// identity is a running hash over record headers: 128 bits, a multiplication
// for each eight bytes. It tells captures apart that were made apart; it does
// not withstand someone who wants two captures to be taken for one.
type identity struct{ a, b uint64 }

func newIdentity() identity {
	return identity{0x243f6a8885a308d3, 0x13198a2e03707344} // digits of pi
}

// add mixes two words in.
func (i *identity) add(x, y uint64) {
	h, l := bits.Mul64(i.a^x, y^0xa4093822299f31d1)
	i.a = h ^ l ^ bits.RotateLeft64(i.b, 23)
	h, l = bits.Mul64(i.b^y, x^0x082efa98ec4e6c89)
	i.b = h ^ l ^ i.a
}

// sum returns the hash of everything added, of the number of packets and of
// the length of the stream.
func (i identity) sum(packets uint64, length int64) [32]byte {
	var b [32]byte
	binary.LittleEndian.PutUint64(b[0:], i.a)
	binary.LittleEndian.PutUint64(b[8:], i.b)
	binary.LittleEndian.PutUint64(b[16:], packets)
	binary.LittleEndian.PutUint64(b[24:], uint64(length))
	return sha256.Sum256(b[:])
}
