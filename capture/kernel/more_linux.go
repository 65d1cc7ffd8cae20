package kernel

import "github.com/cilium/ebpf/asm"

// What a fan-out sees into and a cut-off does not: headers whose content may
// differ by direction, or that nothing announces.

const (
	etherMPLS   = 0x8847
	etherMPLSUp = 0x8848
	etherPPPoE  = 0x8864
	etherCMD    = 0x8909

	pppIPv4 = 0x0021
	pppIPv6 = 0x0057
)

// moreTypes are more EtherTypes, of R8.
func (p *parser) moreTypes() {
	if p.keyed {
		return
	}
	p.emit(
		asm.JEq.Imm(asm.R8, etherMPLS, "mpls"),
		asm.JEq.Imm(asm.R8, etherMPLSUp, "mpls"),
		asm.JEq.Imm(asm.R8, etherPPPoE, "pppoe"),
		asm.JEq.Imm(asm.R8, etherCMD, "cmd"),
	)
}

// moreHeaders are their headers.
func (p *parser) moreHeaders() {
	if p.keyed {
		return
	}
	p.cmd()
	p.pppoe()
	p.mpls()
}

// cmd takes Cisco MetaData off (draft-smith-kandula-sxp).
func (p *parser) cmd() {
	p.label("cmd")
	p.fetch(0, 8, "unparsed")
	p.halfAt(asm.R8, 6)
	p.emit(asm.Add.Imm(asm.R7, 8))
	p.jump("ether")
}

// pppoe takes the header of a session off (RFC 2516, section 4), and PPP's.
func (p *parser) pppoe() {
	p.label("pppoe")
	p.fetch(0, 8, "unparsed")
	p.halfAt(asm.R1, 0)
	p.emit(asm.JNE.Imm(asm.R1, 0x1100, "unparsed"))
	p.halfAt(asm.R1, 6)
	p.emit(
		asm.Add.Imm(asm.R7, 8),
		asm.JEq.Imm(asm.R1, pppIPv4, "ipv4"),
		asm.JEq.Imm(asm.R1, pppIPv6, "ipv6"),
	)
	p.jump("unparsed")
}

// mpls takes a label off (RFC 3032, section 2.1). Nothing says what follows the
// last: 0x45 begins IPv4 and, being odd, no Ethernet address of one station; a
// zero begins a control word (RFC 4448, section 4.6).
func (p *parser) mpls() {
	p.label("mpls")
	p.fetch(0, 4, "unparsed")
	p.byteAt(asm.R1, 2)
	p.emit(
		asm.Add.Imm(asm.R7, 4),
		asm.And.Imm(asm.R1, 1),
		asm.JEq.Imm(asm.R1, 0, "ether"), // R8 is still that of MPLS
	)
	p.fetch(0, 14, "unparsed")
	p.byteAt(asm.R1, 0)
	p.emit(
		asm.JEq.Imm(asm.R1, 0x45, "ipv4"),
		asm.RSh.Imm(asm.R1, 4),
		asm.JEq.Imm(asm.R1, 1, "unparsed"), // associated channel (RFC 4385, section 5)
		asm.JEq.Imm(asm.R1, 6, "mpls6"),
		asm.JNE.Imm(asm.R1, 0, "bridged"),
	)
	p.halfAt(asm.R1, 0)
	p.emit(
		asm.JNE.Imm(asm.R1, 0, "bridged"),
		asm.Add.Imm(asm.R7, 4),
	)
	p.jump("bridged")

	p.label("mpls6") // IPv6, or a frame to an address that begins so
	p.halfAt(asm.R1, 12)
	for _, typ := range []int32{etherIPv4, etherIPv6, etherTag} {
		p.emit(asm.JEq.Imm(asm.R1, typ, "bridged"))
	}
	p.jump("ipv6")
}
