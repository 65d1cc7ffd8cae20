package decode

import "encoding/binary"

const (
	etherNSH  = 0x894f
	nshHeader = 8
)

var kindNSH = newKind("nsh", true)

func init() { register("nsh", "Network Service Header", "RFC 8300").etherType(nsh, etherNSH) }

// nsh takes a Network Service Header off (RFC 8300, section 2): version, TTL,
// length in words, metadata type, next protocol; service path and index;
// metadata.
func nsh(d *Decoder, b []byte, missing int) bool {
	if len(b) < nshHeader {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	if !looksNSH(b, missing) {
		d.stats.MalformedTunnel++
		return false
	}
	size := nshSize(b)
	if len(b) < size {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	return d.push(kindNSH, id24(b[4:])) && d.next(b[3], b[size:], missing)
}

// nshSize returns the length of a header, of which two bytes are there.
func nshSize(b []byte) int { return int(binary.BigEndian.Uint16(b)&0x3f) * 4 }

func looksNSH(b []byte, missing int) bool {
	if len(b) < nshHeader {
		return missing > 0
	}
	size := nshSize(b)
	return b[0]>>6 == 0 && size >= nshHeader && size <= len(b)+missing
}
