package decode

// IP in IP (RFC 2003, RFC 2473, RFC 4213).
const (
	protocolIPv4     = 4
	protocolIPv6     = 41
	protocolEthernet = 143 // in SRv6 (RFC 8986, section 4.9)
)

var (
	kindIPIP     = newKind("ipip", false)
	kind6in4     = newKind("6in4", false)
	kind4in6     = newKind("4in6", false)
	kind6in6     = newKind("6in6", false)
	kindEthernet = newKind("ethernet", false)
)

func init() {
	register("4in6, ipip", "IPv4 in IP", "RFC 2003, RFC 2473").protocol(inIP4, protocolIPv4)
	register("6in4, 6in6", "IPv6 in IP", "RFC 4213, RFC 2473").protocol(inIP6, protocolIPv6)
	register("ethernet", "Ethernet in IP, as SRv6 carries it", "RFC 8986").protocol(inIPEthernet, protocolEthernet)
}

// inIP4 decodes IPv4 in IP.
func inIP4(d *Decoder, b []byte, missing int) bool {
	return d.push(d.inside(kindIPIP, kind4in6), 0) && ipv4(d, b, missing)
}

// inIP6 decodes IPv6 in IP.
func inIP6(d *Decoder, b []byte, missing int) bool {
	return d.push(d.inside(kind6in4, kind6in6), 0) && ipv6(d, b, missing)
}

// inIPEthernet decodes Ethernet in IP.
func inIPEthernet(d *Decoder, b []byte, missing int) bool {
	return d.push(kindEthernet, 0) && ethernet(d, b, missing)
}

// inside chooses by the version of the IP header before.
func (d *Decoder) inside(v4, v6 Kind) Kind {
	if isMapped(&d.seg.Src) {
		return v4
	}
	return v6
}

// isMapped reports whether an address is an IPv4 address.
func isMapped(a *[16]byte) bool {
	return [12]byte(a[:12]) == [12]byte{10: 0xff, 11: 0xff}
}
