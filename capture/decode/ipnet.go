package decode

import "blindspot/capture"

const ipnetHeader = 24

func init() {
	register("ipnet", "Solaris IP observability", "LINKTYPE_IPNET").link(ipnet, capture.LinkIPNET)
}

// ipnet decodes Solaris IP observability: version, family, hook, length,
// interfaces, zones; then IP.
func ipnet(d *Decoder, b []byte, missing int) bool {
	if len(b) < ipnetHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return raw(d, b[ipnetHeader:], missing)
}
