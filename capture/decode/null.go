package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

func init() {
	register("null", "loopback of BSD and macOS, in either byte order", "LINKTYPE_NULL, LINKTYPE_LOOP").link(null, capture.LinkNull, capture.LinkLoop)
}

// null decodes the loopback header of BSD and macOS: an address family, in
// the byte order of whatever machine captured.
func null(d *Decoder, b []byte, missing int) bool {
	if len(b) < 4 {
		return d.short(missing, &d.stats.MalformedLink)
	}
	family := min(binary.LittleEndian.Uint32(b), binary.BigEndian.Uint32(b))
	switch family {
	case 2: // AF_INET everywhere
		return ipv4(d, b[4:], missing)
	case 10, 24, 28, 30: // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS
		return ipv6(d, b[4:], missing)
	}
	// Some writers put an EtherType into the last two bytes.
	return d.etherType(max(binary.BigEndian.Uint16(b[2:]), maxEther802+1), b[4:], missing)
}
