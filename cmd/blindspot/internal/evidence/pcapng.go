package evidence

import (
	"encoding/binary"

	"blindspot/capture"
)

// Blocks of pcapng (draft-ietf-opsawg-pcapng, sections 4.1 to 4.3).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6

	byteOrder = 0x1a2b3c4d

	optionEnd        = 0
	optionName       = 2 // if_name
	optionResolution = 9 // if_tsresol
	nanoseconds      = 9 // 10^-9
)

// source is an interface of the capture.
type source struct {
	name string
	link capture.LinkType
}

// appendSection appends the head of a section.
func appendSection(b []byte) []byte {
	return block(b, blockSection, func(b []byte) []byte {
		b = binary.LittleEndian.AppendUint32(b, byteOrder)
		b = binary.LittleEndian.AppendUint16(b, 1) // version 1.0
		b = binary.LittleEndian.AppendUint16(b, 0)
		return binary.LittleEndian.AppendUint64(b, ^uint64(0)) // length unknown
	})
}

// appendInterface appends the description of an interface. Its number is how
// many came before it.
func appendInterface(b []byte, s source) []byte {
	return block(b, blockInterface, func(b []byte) []byte {
		b = binary.LittleEndian.AppendUint16(b, uint16(s.link))
		b = append(b, 0, 0)                        // reserved
		b = binary.LittleEndian.AppendUint32(b, 0) // no snaplen
		b = option(b, optionName, []byte(s.name))  //
		b = option(b, optionResolution, []byte{nanoseconds})
		return option(b, optionEnd, nil)
	})
}

// appendPacket appends a packet of interface n.
func appendPacket(b []byte, n int, f *frame) []byte {
	return block(b, blockPacket, func(b []byte) []byte {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
		b = binary.LittleEndian.AppendUint32(b, uint32(uint64(f.time)>>32))
		b = binary.LittleEndian.AppendUint32(b, uint32(f.time))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.data)))
		b = binary.LittleEndian.AppendUint32(b, uint32(f.length))
		return pad(append(b, f.data...))
	})
}

// block appends a block around what body appends.
func block(b []byte, kind uint32, body func([]byte) []byte) []byte {
	begin := len(b)
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = body(append(b, 0, 0, 0, 0))
	length := uint32(len(b) - begin + 4)
	binary.LittleEndian.PutUint32(b[begin+4:], length)
	return binary.LittleEndian.AppendUint32(b, length)
}

func option(b []byte, code uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	return append(b, make([]byte, -len(value)&3)...)
}

// pad fills a block up to a multiple of four bytes.
func pad(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }
