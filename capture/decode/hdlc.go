package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

// Cisco HDLC addresses.
const (
	hdlcUnicast   = 0x0f
	hdlcMulticast = 0x8f
	hdlcHeader    = 4
)

func init() { register("hdlc", "Cisco HDLC", "RFC 1547").link(hdlc, capture.LinkCHDLC) }

// hdlc decodes Cisco HDLC: address, control, EtherType.
func hdlc(d *Decoder, b []byte, missing int) bool {
	if len(b) < hdlcHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return d.cooked(max(binary.BigEndian.Uint16(b[2:]), maxEther802+1), b[hdlcHeader:], missing)
}
