package kernel

import (
	"strconv"

	"github.com/cilium/ebpf/asm"

	"blindspot/capture"
)

// parser emits what both programs begin with: a walk through the headers of a
// packet, down to TCP or UDP. It is the same walk as Viewer's, step by step.
//
// It ends at one of the labels unparsed, fragment, tcp and udp. The innermost
// addresses that were found are in stackSrc and stackDst, 0 for none.
type parser struct {
	builder
	cfg   Config
	keyed bool // notes encapsulations in the key
}

// begin clears the stack, by asking for bytes that no packet has: a helper that
// finds none writes zeros. Where the loader has no CAP_PERFMON the kernel puts a
// barrier behind each store to a part of the stack that nothing was written to,
// and a packet would take twice as long.
func (p *parser) begin() {
	p.emit(
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R2, -1),
		asm.Mov.Reg(asm.R3, asm.R10),
		asm.Add.Imm(asm.R3, stackAll),
		asm.Mov.Imm(asm.R4, -stackAll),
		asm.FnSkbLoadBytes.Call(),
	)
	p.context(asm.R1, skbLen)
	p.emit(asm.StoreMem(asm.R10, stackEnd, asm.R1, asm.DWord))
}

// fromLink walks a frame that begins with its link layer, at offset 0.
func (p *parser) fromLink() {
	p.emit(asm.Mov.Imm(asm.R7, 0))
	switch link := linkOf(p.cfg); {
	case link == capture.LinkEthernet:
		p.stripped()
		p.fetch(0, 14, "unparsed")
		p.halfAt(asm.R8, 12)
		p.emit(asm.Mov.Imm(asm.R7, 14))
		p.jump(at("ether", 1))
	case isRaw(link):
		p.jump(at("ip", 1))
	default:
		p.jump("unparsed")
	}
}

// stripped notes the tag that the kernel took off the frame.
func (p *parser) stripped() {
	none := p.fresh()
	p.context(asm.R1, skbVLANPresent)
	p.emit(asm.JEq.Imm(asm.R1, 0, none))
	p.context(asm.R1, skbVLANTag)
	p.emit(asm.And.Imm(asm.R1, 0xfff), asm.JEq.Imm(asm.R1, 0, none))
	p.push(kindVLAN)
	p.label(none)
}

// push notes an encapsulation of a kind, with its ID in R1.
func (p *parser) push(kind int32) {
	p.emit(asm.Mov.Imm(asm.R5, kind))
	p.pushR5()
}

// pushR5 takes the kind from R5.
func (p *parser) pushR5() {
	if !p.keyed {
		return
	}
	p.emit(
		asm.LoadMem(asm.R3, asm.R10, keyKinds, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R3),
		asm.RSh.Imm(asm.R4, 8*(maxPath-1)),
		asm.JNE.Imm(asm.R4, 0, "unparsed"),
		asm.LSh.Imm(asm.R3, 8),
		asm.Or.Reg(asm.R3, asm.R5),
		asm.StoreMem(asm.R10, keyKinds, asm.R3, asm.Word),
	)
	for i := int16(maxPath - 1); i > 0; i-- {
		p.emit(
			asm.LoadMem(asm.R3, asm.R10, keyIDs+4*(i-1), asm.Word),
			asm.StoreMem(asm.R10, keyIDs+4*i, asm.R3, asm.Word),
		)
	}
	p.emit(asm.StoreMem(asm.R10, keyIDs, asm.R1, asm.Word))
}

// walk emits the steps, as often as they may be taken. A loop that counts would
// be shorter. But where the loader may not ask for speculation to be ignored
// (CAP_PERFMON), the kernel also follows the branches that are never taken, and
// there such a loop has no end.
func (p *parser) walk() {
	var once builder
	p.builder, once = once, p.builder
	p.ethernet()
	p.ip()
	p.ipv4()
	p.ipv6()
	p.protocol()
	p.gre()
	p.erspan()
	p.udp()
	p.vxlan()
	p.geneve()
	p.gtp()
	p.moreHeaders()
	p.builder, once = once, p.builder
	for step := 1; step < maxSteps; step++ {
		p.ins = append(p.ins, unrolled(once.ins, step)...)
	}
}

// unrolled are the steps with labels of their own. Those that begin a step lead
// to the next.
func unrolled(once asm.Instructions, step int) asm.Instructions {
	local := make(map[string]bool)
	for _, in := range once {
		local[in.Symbol()] = true
	}
	list := make(asm.Instructions, 0, len(once))
	for _, in := range once {
		in.Metadata = asm.Metadata{}
		list = append(list, in)
	}
	for i, in := range once {
		if s := in.Symbol(); s != "" {
			list[i] = list[i].WithSymbol(at(s, step))
		}
		switch to := in.Reference(); {
		case to == "":
		case (to == "ether" || to == "protocol") && step+1 < maxSteps:
			list[i] = list[i].WithReference(at(to, step+1))
		case to == "ether" || to == "protocol":
			list[i] = list[i].WithReference("unparsed")
		case local[to]:
			list[i] = list[i].WithReference(at(to, step))
		default:
			list[i] = list[i].WithReference(to)
		}
	}
	return list
}

// at is a label of a step.
func at(label string, step int) string { return label + "." + strconv.Itoa(step) }

// ethernet: R8 is an EtherType at label ether; at bridged a frame begins.
func (p *parser) ethernet() {
	p.label("bridged")
	p.fetch(0, 14, "unparsed")
	p.byteAt(asm.R1, 6)
	p.emit(asm.And.Imm(asm.R1, 1), asm.JNE.Imm(asm.R1, 0, "unparsed"))
	p.halfAt(asm.R8, 12)
	p.emit(asm.Add.Imm(asm.R7, 14))
	p.jump("ether")

	p.label("ether")
	p.emit(
		asm.JEq.Imm(asm.R8, etherIPv4, "ipv4"),
		asm.JEq.Imm(asm.R8, etherIPv6, "ipv6"),
		asm.JEq.Imm(asm.R8, etherTag, "vlan"),
		asm.JEq.Imm(asm.R8, etherService, "vlan"),
		asm.JEq.Imm(asm.R8, etherOldTag, "vlan"),
		asm.JEq.Imm(asm.R8, etherBridged, "bridged"),
	)
	p.moreTypes()
	p.jump("unparsed")

	p.label("vlan")
	p.fetch(0, 4, "unparsed")
	p.halfAt(asm.R1, 0)
	p.emit(asm.And.Imm(asm.R1, 0xfff), asm.JEq.Imm(asm.R1, 0, "priority"))
	p.push(kindVLAN)
	p.label("priority")
	p.halfAt(asm.R8, 2)
	p.emit(asm.Add.Imm(asm.R7, 4))
	p.jump("ether")
}

// ip: a header of either version begins.
func (p *parser) ip() {
	p.label("ip")
	p.fetch(0, 1, "unparsed")
	p.byteAt(asm.R1, 0)
	p.emit(
		asm.RSh.Imm(asm.R1, 4),
		asm.JEq.Imm(asm.R1, 4, "ipv4"),
		asm.JEq.Imm(asm.R1, 6, "ipv6"),
	)
	p.jump("unparsed")
}

func (p *parser) ipv4() {
	offloaded := p.fresh()
	p.label("ipv4")
	p.fetch(0, 20, "unparsed")
	p.byteAt(asm.R1, 0)
	p.emit(
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.RSh.Imm(asm.R2, 4),
		asm.JNE.Imm(asm.R2, 4, "unparsed"),
		asm.And.Imm(asm.R1, 15),
		asm.JLT.Imm(asm.R1, 5, "unparsed"),
		asm.LSh.Imm(asm.R1, 2),
	)
	p.halfAt(asm.R2, 2)
	p.emit(
		asm.JEq.Imm(asm.R2, 0, offloaded),
		asm.JLT.Reg(asm.R2, asm.R1, "unparsed"),
	)
	p.shorten()
	p.label(offloaded)
	for _, side := range []struct{ to, from int16 }{{stackSrc, 12}, {stackDst, 16}} {
		p.emit(
			asm.Mov.Imm(asm.R0, 0),
			asm.StoreMem(asm.R10, side.to, asm.R0, asm.DWord),
			asm.StoreMem(asm.R10, side.to+8, asm.R0, asm.Half),
			asm.Mov.Imm(asm.R0, 0xffff),
			asm.StoreMem(asm.R10, side.to+10, asm.R0, asm.Half),
			asm.LoadMem(asm.R0, asm.R10, stackBuf+side.from, asm.Word),
			asm.StoreMem(asm.R10, side.to+12, asm.R0, asm.Word),
		)
	}
	p.emit(asm.Add.Reg(asm.R7, asm.R1))
	p.halfAt(asm.R1, 6)
	p.emit(asm.And.Imm(asm.R1, 0x3fff))
	p.fragmentIPv4()
	p.byteAt(asm.R8, 9)
	p.jump("protocol")
}

// shorten ends the packet R2 bytes behind R7. A fan-out does not look: a mirror
// that truncates what it sends must not part the long packets of a flow from
// the short ones.
func (p *parser) shorten() {
	if !p.keyed {
		return
	}
	p.room(asm.R3)
	p.emit(
		asm.JSGT.Reg(asm.R2, asm.R3, "unparsed"),
		asm.Add.Reg(asm.R2, asm.R7),
		asm.StoreMem(asm.R10, stackEnd, asm.R2, asm.DWord),
	)
}

func (p *parser) ipv6() {
	offloaded := p.fresh()
	p.label("ipv6")
	p.fetch(0, 40, "unparsed")
	p.byteAt(asm.R1, 0)
	p.emit(asm.RSh.Imm(asm.R1, 4), asm.JNE.Imm(asm.R1, 6, "unparsed"))
	p.halfAt(asm.R2, 4)
	p.emit(asm.JEq.Imm(asm.R2, 0, offloaded), asm.Add.Imm(asm.R2, 40))
	p.shorten()
	p.label(offloaded)
	p.copy(stackSrc, stackBuf+8, 16)
	p.copy(stackDst, stackBuf+24, 16)
	p.byteAt(asm.R8, 6)
	p.emit(asm.Add.Imm(asm.R7, 40))
	p.jump("protocol")
}

// protocol: R8 is an IP protocol or the type of an extension header.
func (p *parser) protocol() {
	p.label("protocol")
	p.emit(
		asm.JEq.Imm(asm.R8, protoTCP, "tcp"),
		asm.JEq.Imm(asm.R8, protoUDP, "udp"),
		asm.JEq.Imm(asm.R8, protoGRE, "gre"),
		asm.JEq.Imm(asm.R8, protoIPv4, "ipip"),
		asm.JEq.Imm(asm.R8, protoIPv6, "6in4"),
		asm.JEq.Imm(asm.R8, protoHopByHop, "extension"),
		asm.JEq.Imm(asm.R8, protoRouting, "extension"),
		asm.JEq.Imm(asm.R8, protoDestination, "extension"),
		asm.JEq.Imm(asm.R8, protoFragment, "fraghdr"),
		asm.JEq.Imm(asm.R8, protoAH, "ah"),
	)
	p.jump("unparsed")

	p.label("ipip")
	p.emit(asm.Mov.Imm(asm.R1, 0))
	p.push(kindIPIP)
	p.jump("ipv4")

	p.label("6in4")
	p.emit(asm.Mov.Imm(asm.R1, 0))
	p.push(kind6in4)
	p.jump("ipv6")

	p.label("extension")
	p.fetch(0, 4, "unparsed")
	p.byteAt(asm.R1, 1)
	p.emit(asm.Add.Imm(asm.R1, 1), asm.LSh.Imm(asm.R1, 3))
	p.jump("next")

	p.label("ah")
	p.fetch(0, 4, "unparsed")
	p.byteAt(asm.R1, 1)
	p.emit(
		asm.Add.Imm(asm.R1, 2),
		asm.LSh.Imm(asm.R1, 2),
		asm.JGE.Imm(asm.R1, 12, "next"),
		asm.Mov.Imm(asm.R1, 12),
	)
	p.jump("next")

	p.label("fraghdr")
	p.fetch(0, 4, "unparsed")
	p.halfAt(asm.R1, 2)
	p.emit(asm.And.Imm(asm.R1, 0xfff9))
	p.fragmentIPv6()
	p.emit(asm.Mov.Imm(asm.R1, 8))
	p.label("next")
	p.byteAt(asm.R8, 0)
	p.emit(asm.Add.Reg(asm.R7, asm.R1))
	p.jump("protocol")
}
