package decode

import (
	"encoding/binary"
	"fmt"
)

// GRE (RFC 2784, RFC 2890, RFC 1701, RFC 2637).
const (
	protocolGRE = 47
	greHeader   = 4
	greChecksum = 0x8000
	greRouting  = 0x4000
	greKey      = 0x2000
	greSequence = 0x1000
	greAck      = 0x0080 // version 1
	greVersion  = 0x0007

	grePPP      = 0x880b
	greERSPAN   = 0x88be // type I and II
	greERSPAN3  = 0x22eb
	greWCCP     = 0x883e
	greEthernet = 0x6558 // transparent Ethernet bridging
)

var (
	kindGRE    = newKind("gre", false)
	kindGREKey = newKind("gre", true)
	kindPPTP   = newKind("pptp", true)
)

func init() {
	register("gre", "any EtherType over IP, with every option; WCCP", "RFC 2784, RFC 2890, RFC 1701").protocol(gre, protocolGRE)
	register("pptp", "PPP over enhanced GRE", "RFC 2637").within(fmt.Sprintf("GRE version 1, type 0x%04x", grePPP))
	register("teb", "bridged Ethernet within GRE and GENEVE", "RFC 1701, RFC 7637").etherType(ethernet, greEthernet)
}

// gre takes a GRE header off.
func gre(d *Decoder, b []byte, missing int) bool {
	if len(b) < greHeader {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	flags, typ := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	switch {
	case flags&greVersion == 1 && typ == grePPP:
		return d.pptp(flags, b, missing)
	case flags&greVersion != 0:
		d.stats.MalformedTunnel++
		return false
	}
	size, key := greSize(flags)
	if len(b) < size {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	kind, id := kindGRE, uint32(0)
	if flags&greKey != 0 {
		kind, id = kindGREKey, binary.BigEndian.Uint32(b[key:])
	}
	b = b[size:]
	if flags&greRouting != 0 {
		var ok bool
		if b, ok = skipRouting(b); !ok {
			return d.short(missing, &d.stats.MalformedTunnel)
		}
	}
	switch typ {
	case greERSPAN:
		return erspan(d, flags&greSequence != 0, b, missing)
	case greERSPAN3:
		return erspan3(d, b, missing)
	}
	return d.push(kind, id) && d.greInner(typ, b, missing)
}

// greSize returns the length of the header up to the routing, and where a key
// is.
func greSize(flags uint16) (size, key int) {
	size = greHeader
	if flags&(greChecksum|greRouting) != 0 {
		size += 4 // checksum, offset
	}
	key = size
	if flags&greKey != 0 {
		size += 4
	}
	if flags&greSequence != 0 {
		size += 4
	}
	return size, key
}

// skipRouting skips the source routes, up to the empty one (RFC 1701).
func skipRouting(b []byte) ([]byte, bool) {
	for len(b) >= 4 {
		family, size := binary.BigEndian.Uint16(b), int(b[3])
		b = b[4:]
		if family == 0 && size == 0 {
			return b, true
		}
		if size > len(b) {
			break
		}
		b = b[size:]
	}
	return nil, false
}

// greInner decodes the payload of a type. None is a length.
func (d *Decoder) greInner(typ uint16, b []byte, missing int) bool {
	switch typ {
	case grePPP:
		return ppp(d, b, missing)
	case greWCCP:
		return wccp(d, b, missing)
	case etherCMD:
		return cmdGRE(d, b, missing)
	}
	return d.etherType(max(typ, maxEther802+1), b, missing)
}

// wccp decodes what a WCCP router redirects: IP, with version 2 behind a
// header of four bytes (draft-wilson-wrec-wccp-v2, section 4.12).
func wccp(d *Decoder, b []byte, missing int) bool {
	if !looksIP(b, missing) && len(b) >= 4 {
		b = b[4:]
	}
	return raw(d, b, missing)
}

// pptp takes the header of enhanced GRE off (RFC 2637, section 4.1): payload
// length and call, then sequence and acknowledgement where the flags say so.
func (d *Decoder) pptp(flags uint16, b []byte, missing int) bool {
	size := greHeader + 4
	if flags&greSequence != 0 {
		size += 4
	}
	if flags&greAck != 0 {
		size += 4
	}
	if len(b) < size {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	if !d.push(kindPPTP, uint32(binary.BigEndian.Uint16(b[6:]))) {
		return false
	}
	if flags&greSequence == 0 { // an acknowledgement alone
		d.stats.NotIP++
		return false
	}
	b, missing = limit(b[size:], missing, int(binary.BigEndian.Uint16(b[4:])))
	return ppp(d, b, missing)
}
