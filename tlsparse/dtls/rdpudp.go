package dtls

import "encoding/binary"

// Flags of an RDP-UDP packet, version 1 (MS-RDPEUDP §2.2.2.1).
const (
	rdpSYN        = 0x0001
	rdpFIN        = 0x0002
	rdpACK        = 0x0004
	rdpDATA       = 0x0008
	rdpFEC        = 0x0010
	rdpACKOfACKs  = 0x0100
	rdpHeaderLen  = 8
	rdpSourceLen  = 8 // snCoded, snSourceStart
	rdpMaxVector  = 2048
	rdpKnownFlags = 0x1fff
)

// parseRDPUDP returns the payload of an RDP-UDP packet with data: header,
// vector of acknowledgements, source header, payload (MS-RDPEUDP §2.2.2).
func parseRDPUDP(b []byte) ([]byte, bool) {
	if len(b) < rdpHeaderLen {
		return nil, false
	}
	flags := binary.BigEndian.Uint16(b[6:])
	if flags&rdpDATA == 0 || flags&(rdpSYN|rdpFIN|rdpFEC) != 0 || flags&^rdpKnownFlags != 0 {
		return nil, false
	}
	b = b[rdpHeaderLen:]
	if flags&rdpACK != 0 {
		if len(b) < 2 {
			return nil, false
		}
		n := int(binary.BigEndian.Uint16(b))
		whole := (2 + n + 3) &^ 3
		if n > rdpMaxVector || len(b) < whole {
			return nil, false
		}
		b = b[whole:]
	}
	if flags&rdpACKOfACKs != 0 {
		if len(b) < 4 {
			return nil, false
		}
		b = b[4:]
	}
	if len(b) < rdpSourceLen {
		return nil, false
	}
	return b[rdpSourceLen:], true
}
