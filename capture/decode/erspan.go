package decode

import (
	"encoding/binary"
	"fmt"
)

const (
	erspan2Header  = 8
	erspan3Header  = 12
	erspanPlatform = 8 // bytes of the platform-specific subheader
	erspanSession  = 0x3ff
	erspanFrameIP  = 2
	erspanVersion2 = 1
	erspanVersion3 = 2
)

var (
	kindERSPAN1 = newKind("erspan", false)
	kindERSPAN  = newKind("erspan", true)
)

func init() {
	register("erspan", "Cisco's mirror over GRE, types I, II and III", "draft-foschiano-erspan").
		within(fmt.Sprintf("GRE type 0x%04x, 0x%04x", greERSPAN, greERSPAN3))
}

// erspan decodes type I, which has no header, and type II, which GRE numbers
// (draft-foschiano-erspan, sections 4.1 and 4.2): version and VLAN; class,
// encapsulation, truncation and session; index.
func erspan(d *Decoder, numbered bool, b []byte, missing int) bool {
	if !numbered {
		return d.push(kindERSPAN1, 0) && ethernet(d, b, missing)
	}
	if len(b) < erspan2Header {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	if b[0]>>4 != erspanVersion2 {
		d.stats.MalformedTunnel++
		return false
	}
	return d.push(kindERSPAN, erspanID(b)) && ethernet(d, b[erspan2Header:], missing)
}

// erspan3 decodes type III (section 4.3), which adds a timestamp, a security
// group tag, the kind of frame, and maybe a subheader.
func erspan3(d *Decoder, b []byte, missing int) bool {
	if len(b) < erspan3Header {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	if b[0]>>4 != erspanVersion3 {
		d.stats.MalformedTunnel++
		return false
	}
	size, frame := erspan3Header, b[10]>>2&31
	if b[11]&1 != 0 {
		size += erspanPlatform
	}
	if len(b) < size {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	if !d.push(kindERSPAN, erspanID(b)) {
		return false
	}
	if frame == erspanFrameIP {
		return raw(d, b[size:], missing)
	}
	return ethernet(d, b[size:], missing)
}

func erspanID(b []byte) uint32 { return uint32(binary.BigEndian.Uint16(b[2:]) & erspanSession) }
