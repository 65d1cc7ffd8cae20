package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

const (
	etherPPPoE  = 0x8864 // session; discovery (0x8863) carries no IP
	pppoeHeader = 6
	pppoeVer    = 0x11 // version 1, type 1
)

var kindPPPoE = newKind("pppoe", true)

func init() {
	register("pppoe", "PPP over Ethernet, sessions", "RFC 2516").
		etherType(pppoe, etherPPPoE).
		link(pppoe, capture.LinkPPPEther)
}

// pppoe takes a session header off (RFC 2516, section 4): version and type,
// code, session, length.
func pppoe(d *Decoder, b []byte, missing int) bool {
	if len(b) < pppoeHeader {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	if b[0] != pppoeVer {
		d.stats.MalformedTunnel++
		return false
	}
	if b[1] != 0 { // discovery
		d.stats.NotIP++
		return false
	}
	if !d.push(kindPPPoE, uint32(binary.BigEndian.Uint16(b[2:]))) {
		return false
	}
	b, missing = limit(b[pppoeHeader:], missing, int(binary.BigEndian.Uint16(b[4:])))
	return ppp(d, b, missing)
}
