package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

const (
	sllHeader  = 16
	sll2Header = 20
	sllLLC     = 4 // "protocol" of a frame with an 802.2 header
)

func init() {
	register("sll", "Linux cooked capture, version 1", "LINKTYPE_LINUX_SLL").link(sll, capture.LinkLinuxSLL)
	register("sll2", "Linux cooked capture, version 2", "LINKTYPE_LINUX_SLL2").link(sll2, capture.LinkLinuxSLL2)
}

// sll decodes Linux cooked capture v1: packet type, hardware type, address
// length, address, protocol.
func sll(d *Decoder, b []byte, missing int) bool {
	if len(b) < sllHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return d.cooked(binary.BigEndian.Uint16(b[14:]), b[sllHeader:], missing)
}

// sll2 decodes Linux cooked capture v2, which begins with the protocol.
func sll2(d *Decoder, b []byte, missing int) bool {
	if len(b) < sll2Header {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return d.cooked(binary.BigEndian.Uint16(b), b[sll2Header:], missing)
}

// cooked decodes what follows a cooked header. Its protocol is never a length.
func (d *Decoder) cooked(protocol uint16, b []byte, missing int) bool {
	if protocol == sllLLC {
		return llc(d, b, missing)
	}
	return d.etherType(max(protocol, maxEther802+1), b, missing)
}
