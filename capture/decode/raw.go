package decode

import "blindspot/capture"

func init() {
	registerLink(raw, capture.LinkRaw, capture.LinkRaw12, capture.LinkRaw14)
	registerLink(ipv4, capture.LinkIPv4)
	registerLink(ipv6, capture.LinkIPv6)
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
