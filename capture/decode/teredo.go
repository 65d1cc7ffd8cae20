package decode

import "encoding/binary"

const (
	teredoOrigin     = 8          // bytes of an origin indication
	teredoAuth       = 4 + 9      // of an authentication, without identifier and value
	teredoPrefix     = 0x20010000 // 2001::/32
	teredoOriginKind = 0
	teredoAuthKind   = 1
)

var kindTeredo = newKind("teredo", false)

func init() { register("teredo", "IPv6 over UDP through NATs", "RFC 4380").udp(teredo, 3544) }

// teredo decodes IPv6 behind an authentication and an origin indication, each
// optional (RFC 4380, section 5.1.1).
func teredo(d *Decoder, b []byte, missing int) verdict {
	if len(b) >= 4 && b[0] == 0 && b[1] == teredoAuthKind {
		size := teredoAuth + int(b[2]) + int(b[3])
		if size > len(b) {
			return d.cut(missing)
		}
		b = b[size:]
	}
	if len(b) >= 2 && b[0] == 0 && b[1] == teredoOriginKind {
		if teredoOrigin > len(b) {
			return d.cut(missing)
		}
		b = b[teredoOrigin:]
	}
	if len(b) < ipv6Header {
		return d.cut(missing)
	}
	if !looksIPv6(b, missing) || !teredoAddress(b[8:]) && !teredoAddress(b[24:]) {
		return notMine
	}
	return inner(d.push(kindTeredo, 0) && ipv6(d, b, missing))
}

// teredoAddress reports whether an address is a Teredo client's. What a client
// and its server say to each other has none, and is no traffic.
func teredoAddress(b []byte) bool { return binary.BigEndian.Uint32(b) == teredoPrefix }
