package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

// PPP protocol numbers (IANA "Point-to-Point Protocol Field Assignments").
const (
	pppIPv4       = 0x0021
	pppIPv6       = 0x0057
	pppBridged    = 0x0031
	pppEncrypted  = 0x0053
	pppCompressed = 0x00fd // also Microsoft's encryption (RFC 3078)
	pppMPLS       = 0x0281
	pppMPLSUp     = 0x0283
)

func init() {
	register("ppp", "IP, MPLS, Ethernet; encrypted ones are counted", "RFC 1661, RFC 1662").
		link(ppp, capture.LinkPPP).
		link(pppHDLC, capture.LinkPPPHDLC).
		link(pppDirection, capture.LinkPPPDir)
}

// ppp decodes a PPP frame (RFC 1661, section 2) with or without the address
// and control bytes of HDLC (RFC 1662, section 3.1).
func ppp(d *Decoder, b []byte, missing int) bool {
	protocol, b, ok := pppProtocol(b)
	if !ok {
		return d.short(missing, &d.stats.MalformedLink)
	}
	switch protocol {
	case pppIPv4:
		return ipv4(d, b, missing)
	case pppIPv6:
		return ipv6(d, b, missing)
	case pppMPLS, pppMPLSUp:
		return mpls(d, b, missing)
	case pppBridged:
		return d.bridged(b, missing)
	case pppEncrypted, pppCompressed:
		d.stats.Encrypted++
		return false
	}
	d.stats.NotIP++
	return false
}

// pppProtocol takes the protocol off, which is one byte where its lowest bit
// says that it ends there (RFC 1661, section 6.5).
func pppProtocol(b []byte) (protocol uint16, rest []byte, ok bool) {
	if len(b) >= 2 && b[0] == 0xff && b[1] == 3 {
		b = b[2:]
	}
	switch {
	case len(b) >= 1 && b[0]&1 != 0:
		return uint16(b[0]), b[1:], true
	case len(b) >= 2:
		return binary.BigEndian.Uint16(b), b[2:], true
	}
	return 0, nil, false
}

// looksPPP reports whether b begins with a PPP frame whose protocol is known
// to run over tunnels.
func looksPPP(b []byte, missing int) bool {
	protocol, rest, ok := pppProtocol(b)
	switch {
	case !ok:
		return missing > 0
	case protocol == pppIPv4:
		return looksIPv4(rest, missing)
	case protocol == pppIPv6:
		return looksIPv6(rest, missing)
	case protocol&0x101 != 1: // RFC 1661, section 2
		return false
	}
	switch protocol >> 12 {
	case 0, 8, 12: // network layer, its control, the link's control
		return true
	}
	return false
}

// bridged decodes a bridged frame (RFC 3518, section 4.1): flags, MAC type.
func (d *Decoder) bridged(b []byte, missing int) bool {
	const header, lanID, ethernet8023 = 2, 4, 1
	if len(b) < header {
		return d.short(missing, &d.stats.MalformedLink)
	}
	size := header
	if b[0]&0x40 != 0 {
		size += lanID
	}
	if len(b) < size {
		return d.short(missing, &d.stats.MalformedLink)
	}
	if b[1] != ethernet8023 {
		d.stats.NotIP++
		return false
	}
	return ethernet(d, b[size:], missing)
}

// pppHDLC decodes PPP in HDLC-like framing, or Cisco's.
func pppHDLC(d *Decoder, b []byte, missing int) bool {
	if len(b) > 0 && (b[0] == hdlcUnicast || b[0] == hdlcMulticast) {
		return hdlc(d, b, missing)
	}
	return ppp(d, b, missing)
}

// pppDirection decodes PPP behind a byte that says whether it was sent.
func pppDirection(d *Decoder, b []byte, missing int) bool {
	if len(b) == 0 {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return ppp(d, b[1:], missing)
}
