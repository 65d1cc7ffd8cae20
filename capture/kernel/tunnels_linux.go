package kernel

import "github.com/cilium/ebpf/asm"

func (p *parser) gre() {
	summed, keyless, unnumbered := p.fresh(), p.fresh(), p.fresh()
	p.label("gre")
	p.fetch(0, 4, "unparsed")
	p.halfAt(asm.R8, 2)
	p.halfAt(asm.R1, 0)
	p.emit(
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.And.Imm(asm.R2, 0x4007), // routing, version
		asm.JNE.Imm(asm.R2, 0, "unparsed"),
		asm.StoreMem(asm.R10, stackSlot, asm.R1, asm.DWord),
		asm.Add.Imm(asm.R7, 4),
		asm.JSet.Imm(asm.R1, 0x8000, summed+"y"),
	)
	p.jump(summed)
	p.label(summed + "y")
	p.emit(asm.Add.Imm(asm.R7, 4))
	p.label(summed)
	p.emit(
		asm.Mov.Imm(asm.R0, 0),
		asm.StoreMem(asm.R10, stackBuf, asm.R0, asm.Word),
		asm.JSet.Imm(asm.R1, 0x2000, keyless+"n"),
		asm.Mov.Imm(asm.R5, kindGRE),
	)
	p.jump(keyless)
	p.label(keyless + "n")
	p.fetch(0, 4, "unparsed")
	p.emit(asm.Add.Imm(asm.R7, 4), asm.Mov.Imm(asm.R5, kindGREKey))
	p.label(keyless)
	p.emit(
		asm.LoadMem(asm.R2, asm.R10, stackSlot, asm.DWord),
		asm.And.Imm(asm.R2, 0x1000),
		asm.JEq.Imm(asm.R2, 0, unnumbered),
		asm.Add.Imm(asm.R7, 4),
	)
	p.label(unnumbered)
	p.emit(
		asm.JEq.Imm(asm.R8, etherERSPAN, "erspan"),
		asm.JEq.Imm(asm.R8, etherERSPAN3, "erspan3"),
		asm.JEq.Imm(asm.R8, etherCMD, "unparsed"), // in another form than within Ethernet
	)
	p.wordAt(asm.R1, 0)
	p.pushR5()
	p.jump("ether")
}

// erspan: R2 is 0 for type I.
func (p *parser) erspan() {
	p.label("erspan")
	p.emit(asm.JNE.Imm(asm.R2, 0, "erspan2"), asm.Mov.Imm(asm.R1, 0))
	p.push(kindERSPAN1)
	p.jump("bridged")

	p.label("erspan2")
	p.fetch(0, 8, "unparsed")
	p.session(1)
	p.emit(asm.Add.Imm(asm.R7, 8))
	p.jump("bridged")

	p.label("erspan3")
	p.fetch(0, 12, "unparsed")
	p.byteAt(asm.R1, 10)
	p.emit(
		asm.RSh.Imm(asm.R1, 2),
		asm.And.Imm(asm.R1, 31),
		asm.JEq.Imm(asm.R1, 2, "unparsed"),
	)
	p.session(2)
	p.byteAt(asm.R1, 11)
	p.emit(
		asm.And.Imm(asm.R1, 1),
		asm.LSh.Imm(asm.R1, 3),
		asm.Add.Imm(asm.R1, 12),
		asm.Add.Reg(asm.R7, asm.R1),
	)
	p.jump("bridged")
}

// session checks the version of an ERSPAN header and notes its session.
func (p *parser) session(version int32) {
	p.byteAt(asm.R1, 0)
	p.emit(asm.RSh.Imm(asm.R1, 4), asm.JNE.Imm(asm.R1, version, "unparsed"))
	p.halfAt(asm.R1, 2)
	p.emit(asm.And.Imm(asm.R1, 0x3ff))
	p.push(kindERSPAN)
}

// udp takes the header off and looks for a tunnel on its ports.
func (p *parser) udp() {
	jumbo := p.fresh()
	p.label("udp")
	p.fetch(0, 8, "unparsed")
	p.room(asm.R3)
	p.emit(asm.JSLT.Imm(asm.R3, 8, "unparsed"))
	p.halfAt(asm.R2, 4)
	p.emit(
		asm.JEq.Imm(asm.R2, 0, jumbo),
		asm.JLT.Imm(asm.R2, 8, "unparsed"),
	)
	p.shorten()
	p.label(jumbo)
	p.emit(asm.Add.Imm(asm.R7, 8))
	ports := portsOf(p.cfg)
	for _, at := range []int16{2, 0} { // the destination's first, as the decoder does
		p.halfAt(asm.R1, at)
		for _, port := range sortedPorts(ports) {
			p.emit(asm.JEq.Imm(asm.R1, int32(port), tunnelLabel[ports[port]]))
		}
	}
	p.jump("datagram")
}

var tunnelLabel = map[tunnelKind]string{
	tunnelOther: "unparsed", tunnelVXLAN: "vxlan", tunnelGENEVE: "geneve", tunnelGTP: "gtp",
}

func (p *parser) vxlan() {
	fits := p.fresh()
	p.label("vxlan")
	p.fetch(0, 8, "unparsed")
	p.wordAt(asm.R1, 0)
	p.emit(
		asm.JEq.Imm(asm.R1, 0x08000000, fits),
		asm.RSh.Imm(asm.R1, 16),
		asm.And.Imm(asm.R1, 0xffb7),
		asm.JNE.Imm(asm.R1, 0x8800, "unparsed"), // group policy
	)
	p.label(fits)
	p.network(kindVXLAN)
	p.emit(asm.Add.Imm(asm.R7, 8))
	p.jump("bridged")
}

// network notes the 24-bit number at 4, behind which a byte is 0.
func (p *parser) network(kind int32) {
	p.byteAt(asm.R1, 7)
	p.emit(asm.JNE.Imm(asm.R1, 0, "unparsed"))
	p.wordAt(asm.R1, 4)
	p.emit(asm.RSh.Imm(asm.R1, 8))
	p.push(kind)
}

func (p *parser) geneve() {
	p.label("geneve")
	p.fetch(0, 8, "unparsed")
	p.halfAt(asm.R1, 0)
	p.emit(
		asm.And.Imm(asm.R1, 0xc0bf), // version, control, reserved
		asm.JNE.Imm(asm.R1, 0, "unparsed"),
	)
	p.network(kindGENEVE)
	p.byteAt(asm.R1, 0)
	p.emit(
		asm.And.Imm(asm.R1, 0x3f),
		asm.LSh.Imm(asm.R1, 2),
		asm.Add.Imm(asm.R1, 8),
		asm.Add.Reg(asm.R7, asm.R1),
	)
	p.halfAt(asm.R8, 2)
	p.jump("ether")
}

func (p *parser) gtp() {
	p.label("gtp")
	p.fetch(0, 8, "unparsed")
	p.halfAt(asm.R1, 0)
	p.emit(
		asm.Mov.Reg(asm.R8, asm.R1),
		asm.RSh.Imm(asm.R8, 8), // flags
		asm.And.Imm(asm.R1, 0xf8ff),
		asm.JNE.Imm(asm.R1, 0x30ff, "unparsed"),
	)
	p.halfAt(asm.R2, 2)
	p.emit(asm.Add.Imm(asm.R2, 8))
	p.shorten()
	p.wordAt(asm.R1, 4)
	p.push(kindGTP)
	p.emit(
		asm.Add.Imm(asm.R7, 8),
		asm.Mov.Reg(asm.R1, asm.R8),
		asm.And.Imm(asm.R1, 7),
		asm.JEq.Imm(asm.R1, 0, "ip"),
	)
	p.fetch(0, 4, "unparsed")
	p.emit(
		asm.Add.Imm(asm.R7, 4),
		asm.And.Imm(asm.R8, 4),
		asm.JEq.Imm(asm.R8, 0, "ip"),
	)
	p.byteAt(asm.R8, 3)
	for range maxGTP {
		p.emit(asm.JEq.Imm(asm.R8, 0, "ip"))
		p.fetch(0, 1, "unparsed")
		p.byteAt(asm.R1, 0)
		p.emit(
			asm.JEq.Imm(asm.R1, 0, "unparsed"),
			asm.LSh.Imm(asm.R1, 2),
			asm.Add.Reg(asm.R7, asm.R1),
		)
		p.fetch(-1, 1, "unparsed")
		p.byteAt(asm.R8, 0)
	}
	p.emit(asm.JEq.Imm(asm.R8, 0, "ip"))
	p.jump("unparsed")
}
