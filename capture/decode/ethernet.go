package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

const (
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	maxEther802 = 1500 // up to here the field is a length (IEEE 802.3, section 3.2.6)

	minEtherType = 1536 // from here it is an EtherType
)

func init() {
	register("ethernet-ii", "Ethernet II, and 802.3 with LLC and SNAP", "IEEE 802.3, RFC 1042").link(ethernet, capture.LinkEthernet)
}

// ethernet decodes an Ethernet II or 802.3 frame.
func ethernet(d *Decoder, b []byte, missing int) bool {
	if len(b) < etherHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return d.etherType(binary.BigEndian.Uint16(b[12:]), b[etherHeader:], missing)
}

// etherType decodes b, which follows an EtherType or a length.
func (d *Decoder) etherType(typ uint16, b []byte, missing int) bool {
	switch {
	case !d.descend():
		return false
	case typ == etherIPv4:
		return ipv4(d, b, missing)
	case typ == etherIPv6:
		return ipv6(d, b, missing)
	case typ <= maxEther802:
		b, missing = limit(b, missing, int(typ))
		return llc(d, b, missing)
	case etherIndex[typ] != 0:
		return etherLayers[etherIndex[typ]](d, b, missing)
	}
	d.stats.NotIP++
	return false
}

// limit cuts b to the length that a header gives; what is behind it is
// padding. It returns how many of these bytes were not captured.
func limit(b []byte, missing, length int) ([]byte, int) {
	if length <= len(b) {
		return b[:length:length], 0
	}
	return b, length - len(b)
}
