package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

const (
	nflogHeader  = 4
	nflogTLV     = 4
	nflogPayload = 9
	nflogMaxType = 64 // real types stay below; tells the byte order
)

func init() {
	register("nflog", "log of Linux netfilter", "LINKTYPE_NFLOG").link(nflog, capture.LinkNFLog)
}

// nflog decodes the log of Linux netfilter: family, version, resource; then
// attributes of length and type in the byte order of whatever machine
// captured, padded to four bytes, the payload being one of them.
func nflog(d *Decoder, b []byte, missing int) bool {
	if len(b) < nflogHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	if b[1] != 0 { // version
		d.stats.MalformedLink++
		return false
	}
	for b = b[nflogHeader:]; len(b) >= nflogTLV; {
		size, typ := nflogAttribute(b)
		if size < nflogTLV {
			d.stats.MalformedLink++
			return false
		}
		if typ == nflogPayload {
			b, missing = limit(b[nflogTLV:], missing, size-nflogTLV)
			return raw(d, b, missing)
		}
		size = (size + 3) &^ 3
		if size > len(b) {
			break
		}
		b = b[size:]
	}
	if missing == 0 && len(b) == 0 { // no payload was logged
		d.stats.NotIP++
		return false
	}
	return d.short(missing, &d.stats.MalformedLink)
}

// nflogAttribute returns an attribute's length and type.
func nflogAttribute(b []byte) (size int, typ uint16) {
	if typ = binary.LittleEndian.Uint16(b[2:]); typ < nflogMaxType {
		return int(binary.LittleEndian.Uint16(b)), typ
	}
	return int(binary.BigEndian.Uint16(b)), binary.BigEndian.Uint16(b[2:])
}
