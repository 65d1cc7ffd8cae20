package decode

import "encoding/binary"

const (
	gtpHeader     = 8
	gtpOptional   = 4    // sequence, N-PDU number, next extension
	gtpVersion    = 0x30 // version 1, GTP and not GTP'
	gtpExtensions = 0x04
	gtpOptions    = 0x07 // extension, sequence or N-PDU number: all three fields are there
	gtpPDU        = 0xff // message type of user data

	// maxGTPExtensions bounds the extension headers of one packet.
	maxGTPExtensions = 8
)

var kindGTP = newKind("gtp", true)

func init() {
	register("gtp", "GTP-U of mobile networks, with extension headers", "3GPP TS 29.281").udp(gtp, 2152)
}

// gtp decodes user data of GTP version 1 (3GPP TS 29.281, section 5.1): flags,
// message type, length, TEID, and maybe a sequence number and extensions.
func gtp(d *Decoder, b []byte, missing int) verdict {
	if len(b) < gtpHeader {
		return d.cut(missing)
	}
	length := int(binary.BigEndian.Uint16(b[2:]))
	if b[0]&0xf8 != gtpVersion || b[1] != gtpPDU || gtpHeader+length > len(b)+missing {
		return notMine
	}
	flags, id := b[0], binary.BigEndian.Uint32(b[4:])
	b, missing = limit(b[gtpHeader:], missing, length)
	b, ok := skipGTP(flags, b)
	if !ok {
		return d.cut(missing)
	}
	switch {
	case looksIP(b, missing):
		return inner(d.push(kindGTP, id) && raw(d, b, missing))
	case looksEthernetIP(b, missing): // of a 5G session
		return inner(d.push(kindGTP, id) && ethernet(d, b, missing))
	}
	return notMine
}

// skipGTP skips the optional fields and the extension headers (section 5.2):
// length in words, content, type of the next.
func skipGTP(flags byte, b []byte) ([]byte, bool) {
	if flags&gtpOptions == 0 {
		return b, true
	}
	if len(b) < gtpOptional {
		return nil, false
	}
	next := b[3]
	b = b[gtpOptional:]
	if flags&gtpExtensions == 0 {
		return b, true
	}
	for range maxGTPExtensions {
		if next == 0 {
			return b, true
		}
		if len(b) == 0 || b[0] == 0 || int(b[0])*4 > len(b) {
			return nil, false
		}
		size := int(b[0]) * 4
		next, b = b[size-1], b[size:]
	}
	return nil, false
}
