package decode

import "encoding/binary"

const (
	etherMPLS     = 0x8847
	etherMPLSUp   = 0x8848 // upstream-assigned labels (RFC 5332)
	protocolMPLS  = 137    // MPLS in IP (RFC 4023)
	labelSize     = 4
	labelBottom   = 0x100
	labelIPv4     = 0 // explicit null (RFC 3032, section 2.1)
	labelIPv6     = 2
	labelEntropy  = 7 // indicates that an entropy label follows (RFC 6790)
	controlWord   = 4 // bytes (RFC 4385, section 3)
	nibbleChannel = 1 // associated channel header (RFC 4385, section 5)
	maxUDPLabels  = 8 // in a datagram that is to be MPLS
)

var kindMPLS = newKind("mpls", true)

func init() {
	register("mpls", "label stacks with IP, and Ethernet pseudowires", "RFC 3032, RFC 4448, RFC 4023, RFC 7510").
		etherType(mpls, etherMPLS, etherMPLSUp).
		protocol(mpls, protocolMPLS).
		udp(mplsUDP, 6635)
}

// mpls takes a label stack off (RFC 3032, section 2.1), one header a label.
// Entropy labels are hashes of the flow and no path: they are not noted.
func mpls(d *Decoder, b []byte, missing int) bool {
	entropy := false
	for {
		if len(b) < labelSize {
			return d.short(missing, &d.stats.MalformedTunnel)
		}
		if !d.descend() {
			return false
		}
		entry := binary.BigEndian.Uint32(b)
		label := entry >> 12
		b = b[labelSize:]
		if label != labelEntropy && !entropy && !d.push(kindMPLS, label) {
			return false
		}
		entropy = label == labelEntropy
		if entry&labelBottom != 0 {
			return d.labelled(label, b, missing)
		}
	}
}

// labelled decodes what follows the bottom label. Nothing says what it is: IP
// by its version, or a pseudowire with Ethernet, with or without a control
// word (RFC 4448), whose addresses may begin like IP.
func (d *Decoder) labelled(label uint32, b []byte, missing int) bool {
	switch {
	case len(b) == 0:
		return d.short(missing, &d.stats.MalformedTunnel)
	case label == labelIPv4:
		return ipv4(d, b, missing)
	case label == labelIPv6:
		return ipv6(d, b, missing)
	case hasControlWord(b) && looksEthernetIP(b[controlWord:], missing):
		return ethernet(d, b[controlWord:], missing)
	case looksEthernetIP(b, missing):
		return ethernet(d, b, missing)
	case looksIP(b, missing):
		return raw(d, b, missing)
	}
	return d.pseudowire(b, missing)
}

// pseudowire decodes a pseudowire that holds no IP at first sight.
func (d *Decoder) pseudowire(b []byte, missing int) bool {
	switch b[0] >> 4 {
	case nibbleChannel:
		d.stats.Other++
		return false
	case 4, 6:
		if !looksEthernet(b, missing) {
			return raw(d, b, missing) // counts what is wrong with it
		}
	case 0:
		if len(b) >= controlWord && looksEthernet(b[controlWord:], missing) {
			return ethernet(d, b[controlWord:], missing)
		}
	}
	return ethernet(d, b, missing)
}

// hasControlWord reports whether b may begin with the control word of an
// Ethernet pseudowire: 16 zero bits and a sequence number (RFC 4448, section
// 4.6).
func hasControlWord(b []byte) bool { return len(b) >= controlWord && b[0] == 0 && b[1] == 0 }

// mplsUDP decodes MPLS over UDP (RFC 7510).
func mplsUDP(d *Decoder, b []byte, missing int) verdict {
	for at := 0; at < maxUDPLabels*labelSize; at += labelSize {
		if len(b) < at+labelSize {
			return d.cut(missing)
		}
		entry := binary.BigEndian.Uint32(b[at:])
		if entry&labelBottom == 0 {
			continue
		}
		body := b[at+labelSize:]
		if fillsIP(body, missing) || looksEthernetIP(body, missing) ||
			hasControlWord(body) && looksEthernetIP(body[controlWord:], missing) {
			return inner(mpls(d, b, missing))
		}
		return notMine
	}
	return notMine
}
