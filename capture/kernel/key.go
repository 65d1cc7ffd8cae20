package kernel

import (
	"encoding/binary"
	"unsafe"
)

// Key is a flow as the programs know it: both ends in canonical order, the
// encapsulations around it, and TCP or UDP. The layout is that of the map; the
// numbers are in the byte order of the host, addresses as on the wire.
type Key struct {
	Lo, Hi         [16]byte // IPv4 in IPv4-mapped form
	LoPort, HiPort uint16   // in network order
	IDs            [maxPath]uint32
	Kinds          uint32 // of encapsulations, a byte each, the innermost lowest
	Proto          uint32
	_              uint32
}

// maxPath is how many encapsulations with their IDs a key holds. Flows in more
// are never cut off.
const maxPath = 4

// Kinds of encapsulations. VLAN tags of every EtherType are one kind.
const (
	kindVLAN = 1 + iota
	kindVXLAN
	kindGENEVE
	kindGRE
	kindGREKey
	kindERSPAN1
	kindERSPAN
	kindIPIP
	kind6in4
	kindGTP
)

const (
	keySize       = 64
	hashOdd       = 0x9e3779b97f4a7c15
	hashOddSigned = hashOdd - 1<<64
)

// bytes are the key as the map has it.
func (k *Key) bytes() *[keySize]byte { return (*[keySize]byte)(unsafe.Pointer(k)) }

var _ [keySize]byte = [unsafe.Sizeof(Key{})]byte{}

// hash is what the program computes of a key, to choose a counter of openers.
func (k *Key) hash() uint64 {
	h, b := uint64(0), k.bytes()
	for i := 0; i < keySize; i += 8 {
		h = (h ^ binary.NativeEndian.Uint64(b[i:])) * hashOdd
		h ^= h >> 32
	}
	return h
}

// slotOf says which counter counts the openers of a flow.
func slotOf(hash uint64) uint32 { return uint32(hash & (openerSlots - 1)) }
