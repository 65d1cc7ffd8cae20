package decode

import "encoding/binary"

// What follows tells a tunnel's payload from bytes that are something else:
// where the header does not say what is inside (MPLS, L2TPv3, GTP), and on
// UDP ports that belong to nobody. A packet that the snaplen cut is judged by
// what there is of it.

// looksIP reports whether b begins with an IP header that fits.
func looksIP(b []byte, missing int) bool {
	if len(b) == 0 {
		return missing > 0
	}
	switch b[0] >> 4 {
	case 4:
		return looksIPv4(b, missing)
	case 6:
		return looksIPv6(b, missing)
	}
	return false
}

func looksIPv4(b []byte, missing int) bool {
	if len(b) < ipv4Header {
		return missing > 0 && (len(b) == 0 || b[0]>>4 == 4 && b[0]&15 >= 5)
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	return b[0]>>4 == 4 && header >= ipv4Header &&
		(total == 0 || total >= header && total <= len(b)+missing)
}

func looksIPv6(b []byte, missing int) bool {
	if len(b) < ipv6Header {
		return missing > 0 && (len(b) == 0 || b[0]>>4 == 6)
	}
	return b[0]>>4 == 6 && ipv6Header+int(binary.BigEndian.Uint16(b[4:])) <= len(b)+missing
}

// fillsIP reports whether b is one IP packet, neither more nor less.
func fillsIP(b []byte, missing int) bool {
	switch {
	case !looksIP(b, missing):
		return false
	case len(b) < ipv4Header:
		return true
	case b[0]>>4 == 4:
		return int(binary.BigEndian.Uint16(b[2:])) == len(b)+missing
	}
	return len(b) < ipv6Header || ipv6Header+int(binary.BigEndian.Uint16(b[4:])) == len(b)+missing
}

// looksEthernetIP reports whether b begins with an Ethernet frame that holds
// IP, in one VLAN or none.
func looksEthernetIP(b []byte, missing int) bool {
	if len(b) < etherHeader+vlanHeader || b[6]&1 != 0 { // a group sends nothing
		return false
	}
	typ, body := binary.BigEndian.Uint16(b[12:]), b[etherHeader:]
	if typ == etherVLAN {
		typ, body = binary.BigEndian.Uint16(body[2:]), body[vlanHeader:]
	}
	switch typ {
	case etherIPv4:
		return looksIPv4(body, missing)
	case etherIPv6:
		return looksIPv6(body, missing)
	}
	return false
}

// looksEthernet reports whether b may begin with an Ethernet frame of any
// content: neither address contradicts, and the type is one or a length.
func looksEthernet(b []byte, missing int) bool {
	if len(b) < etherHeader {
		return missing > 0
	}
	typ := binary.BigEndian.Uint16(b[12:])
	switch {
	case b[6]&1 != 0:
		return false
	case typ == etherIPv4:
		return looksIPv4(b[etherHeader:], missing)
	case typ == etherIPv6:
		return looksIPv6(b[etherHeader:], missing)
	}
	return typ >= minEtherType || int(typ) <= len(b)+missing-etherHeader
}

// cut is a tunnel's verdict on a datagram that ends in its header: by the
// snaplen, or because it is none.
func (d *Decoder) cut(missing int) verdict {
	if missing == 0 {
		return notMine
	}
	d.stats.TruncatedHeader++
	return nothing
}
