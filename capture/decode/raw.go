package decode

import "blindspot/capture"

func init() {
	register("raw", "IP of either version, without a link layer", "LINKTYPE_RAW").link(raw, capture.LinkRaw, capture.LinkRaw12, capture.LinkRaw14)
	register("ipv4", "IPv4; options, fragments", "RFC 791").link(ipv4, capture.LinkIPv4)
	register("ipv6", "IPv6; extension headers, jumbograms, fragments", "RFC 8200, RFC 2675").link(ipv6, capture.LinkIPv6)
}

// raw decodes a packet that begins with IP of either version.
func raw(d *Decoder, b []byte, missing int) bool {
	if len(b) == 0 {
		return d.short(missing, &d.stats.MalformedLink)
	}
	switch b[0] >> 4 {
	case 4:
		return ipv4(d, b, missing)
	case 6:
		return ipv6(d, b, missing)
	}
	d.stats.NotIP++
	return false
}
