package tlsparse

import (
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// cut8 is ReadUint8LengthPrefixed, small enough to be inlined, as cut16 is: hellos
// consist of such lists.
func cut8(s *cryptobyte.String, out *cryptobyte.String) bool {
	b := *s
	if len(b) < 1 || 1+int(b[0]) > len(b) {
		return false
	}
	end := 1 + int(b[0])
	*out, *s = b[1:end], b[end:]
	return true
}

// cut16 is ReadUint16LengthPrefixed.
func cut16(s *cryptobyte.String, out *cryptobyte.String) bool {
	b := *s
	if len(b) < 2 {
		return false
	}
	end := 2 + (int(b[0])<<8 | int(b[1]))
	if end > len(b) {
		return false
	}
	*out, *s = b[2:end], b[end:]
	return true
}

// cutExtension takes an extension off the front of a block (RFC 8446 §4.2).
func cutExtension(s *cryptobyte.String) (typ uint16, data cryptobyte.String, ok bool) {
	b := *s
	if len(b) < 4 {
		return 0, nil, false
	}
	end := 4 + (int(b[2])<<8 | int(b[3]))
	if end > len(b) {
		return 0, nil, false
	}
	*s = b[end:]
	return uint16(b[0])<<8 | uint16(b[1]), b[4:end], true
}

// readUint16s appends all of s to dst as 16-bit values; ok is false where one
// byte is left over.
func readUint16s(s cryptobyte.String, dst []uint16) (_ []uint16, ok bool) {
	from := len(dst)
	dst = slices.Grow(dst, len(s)/2)[:from+len(s)/2]
	for i := range dst[from:] {
		dst[from+i] = binary.BigEndian.Uint16(s[2*i:])
	}
	return dst, len(s)%2 == 0
}

// readList16 appends the 16-bit values of a list with a 16-bit length, which
// fills s, to dst.
func readList16(s cryptobyte.String, dst []uint16) ([]uint16, bool) {
	var list cryptobyte.String
	if !cut16(&s, &list) {
		return dst, false
	}
	dst, ok := readUint16s(list, dst)
	return dst, ok && s.Empty()
}

// readList8 is readList16 for a list with an 8-bit length.
func readList8(s cryptobyte.String, dst []uint16) ([]uint16, bool) {
	var list cryptobyte.String
	if !cut8(&s, &list) {
		return dst, false
	}
	dst, ok := readUint16s(list, dst)
	return dst, ok && s.Empty()
}

// readBytes8 returns the bytes of a list with an 8-bit length, which fills s.
func readBytes8(s cryptobyte.String) ([]byte, bool) {
	var list cryptobyte.String
	if !cut8(&s, &list) {
		return nil, false
	}
	return list, s.Empty()
}

// readALPN appends the protocol names of s (RFC 7301 §3.1) to dst.
func readALPN(s cryptobyte.String, dst [][]byte) ([][]byte, bool) {
	var list, name cryptobyte.String
	ok := cut16(&s, &list) && s.Empty()
	for !list.Empty() {
		if !cut8(&list, &name) {
			return dst, false
		}
		dst = append(dst, name)
	}
	return dst, ok
}

// readDNs appends the DER of each distinguished name of s, a list with a 16-bit
// length in which each name has one too (RFC 8446 §4.2.4), to dst.
func readDNs(s cryptobyte.String, dst [][]byte) ([][]byte, bool) {
	var list, name cryptobyte.String
	ok := s.ReadUint16LengthPrefixed(&list) && s.Empty()
	for !list.Empty() {
		if !list.ReadUint16LengthPrefixed(&name) {
			return dst, false
		}
		dst = append(dst, name)
	}
	return dst, ok
}

// extensionSet remembers the extension types of one message, to find doubles.
type extensionSet struct {
	low uint64 // types below 64
}

// maxDoubleSearch bounds the search for doubles among types above 63, which is
// linear: nobody honest sends as many.
const maxDoubleSearch = 64

// add reports whether typ is new: list are the types seen before it.
func (e *extensionSet) add(typ uint16, list []uint16) bool {
	if typ < 64 {
		bit := uint64(1) << typ
		fresh := e.low&bit == 0
		e.low |= bit
		return fresh
	}
	for _, t := range list[:min(len(list), maxDoubleSearch)] {
		if t == typ {
			return false
		}
	}
	return true
}
