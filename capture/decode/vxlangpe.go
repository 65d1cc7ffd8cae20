package decode

// Next protocols of VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe, section 3.2) and of
// NSH (RFC 8300, section 2.2), which agree.
const (
	nextIPv4     = 1
	nextIPv6     = 2
	nextEthernet = 3
	nextNSH      = 4
	nextMPLS     = 5
)

const (
	gpeHasNext = 0x04
	gpeUnknown = 0xf0 // reserved flags and a version other than 0
	gpeOAM     = 0x01
)

func init() {
	register("vxlan-gpe", "VXLAN with IP, Ethernet, NSH or MPLS inside", "draft-ietf-nvo3-vxlan-gpe").udp(vxlanGPE, 4790)
}

// vxlanGPE decodes VXLAN-GPE: flags, two reserved bytes, next protocol, VNI.
func vxlanGPE(d *Decoder, b []byte, missing int) verdict {
	if len(b) < vxlanHeader {
		return d.cut(missing)
	}
	if b[0]&gpeHasNext == 0 {
		return vxlan(d, b, missing)
	}
	body := b[vxlanHeader:]
	if b[0]&(vxlanHasVNI|gpeUnknown|gpeOAM) != vxlanHasVNI || b[1] != 0 || b[2] != 0 || b[7] != 0 ||
		!fitsNext(b[3], body, missing) {
		return notMine
	}
	return inner(d.push(kindVXLAN, id24(b[4:])) && d.next(b[3], body, missing))
}

// fitsNext reports whether b can be of a next protocol.
func fitsNext(next uint8, b []byte, missing int) bool {
	switch next {
	case nextIPv4:
		return looksIPv4(b, missing)
	case nextIPv6:
		return looksIPv6(b, missing)
	case nextEthernet:
		return looksEthernet(b, missing)
	case nextNSH:
		return looksNSH(b, missing)
	}
	return next == nextMPLS
}

// next decodes b of a next protocol.
func (d *Decoder) next(next uint8, b []byte, missing int) bool {
	switch next {
	case nextIPv4:
		return ipv4(d, b, missing)
	case nextIPv6:
		return ipv6(d, b, missing)
	case nextEthernet:
		return ethernet(d, b, missing)
	case nextNSH:
		return nsh(d, b, missing)
	case nextMPLS:
		return mpls(d, b, missing)
	}
	d.stats.NotIP++
	return false
}
