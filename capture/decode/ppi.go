package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

const ppiHeader = 8

func init() {
	register("ppi", "per-packet information around another link type", "LINKTYPE_PPI").link(ppi, capture.LinkPPI)
}

// ppi decodes a frame behind a per-packet information header: version, flags,
// length, link type; in little endian.
func ppi(d *Decoder, b []byte, missing int) bool {
	if len(b) < ppiHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	size, link := int(binary.LittleEndian.Uint16(b[2:])), binary.LittleEndian.Uint32(b[4:])
	switch {
	case b[0] != 0 || size < ppiHeader:
		d.stats.MalformedLink++
		return false
	case size > len(b):
		return d.short(missing, &d.stats.MalformedLink)
	case link >= uint32(len(links)) || links[link] == nil || link == uint32(capture.LinkPPI):
		d.stats.UnknownLink++
		return false
	}
	return links[link](d, b[size:], missing)
}
