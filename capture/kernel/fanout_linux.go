package kernel

import (
	"math/rand/v2"

	"github.com/cilium/ebpf/asm"

	"blindspot/capture"
)

// fanout emits the program of a fan-out. The kernel takes what it returns
// modulo the number of rings. The map is that of pieces.
func fanout(cfg Config, pieces int) asm.Instructions {
	p := &parser{cfg: cfg}
	p.begin()
	p.fromNetwork()
	p.walk()
	p.later(pieces)
	for _, end := range []string{"tcp", "datagram", "fragment", "unparsed"} {
		p.label(end)
	}
	p.emit(
		asm.LoadMem(asm.R1, asm.R10, stackSrc, asm.DWord),
		asm.LoadMem(asm.R2, asm.R10, stackSrc+8, asm.DWord),
		asm.LoadMem(asm.R3, asm.R10, stackDst, asm.DWord),
		asm.LoadMem(asm.R4, asm.R10, stackDst+8, asm.DWord),
		asm.Mov.Reg(asm.R5, asm.R1),
		asm.Or.Reg(asm.R5, asm.R2),
		asm.Or.Reg(asm.R5, asm.R3),
		asm.Or.Reg(asm.R5, asm.R4),
		asm.JNE.Imm(asm.R5, 0, "hash"),
	)
	p.macs()
	p.label("hash")
	p.mixed()
	p.first(pieces)
	return reachable(p.ins)
}

// fromNetwork walks a packet as a fan-out is shown it: one that came in without
// its link layer, one that goes out with it.
func (p *parser) fromNetwork() {
	p.emit(asm.Mov.Imm(asm.R7, 0))
	switch link := linkOf(p.cfg); {
	case link == capture.LinkEthernet:
		p.context(asm.R8, skbProtocol)
		p.emit(asm.HostTo(asm.BE, asm.R8, asm.Half))
		p.context(asm.R1, skbPktType)
		p.emit(asm.JNE.Imm(asm.R1, packetOutgoing, at("ether", 1)))
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

// macs takes the addresses of the frame, where no others were found.
func (p *parser) macs() {
	p.zero(stackBuf, 16)
	for _, mac := range []struct{ to, from int32 }{{stackBuf, 0}, {stackBuf + 8, 6}} {
		p.emit(
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Imm(asm.R2, mac.from),
			asm.Mov.Reg(asm.R3, asm.R10),
			asm.Add.Imm(asm.R3, mac.to),
			asm.Mov.Imm(asm.R4, 6),
			asm.Mov.Imm(asm.R5, 0), // BPF_HDR_START_MAC
			asm.FnSkbLoadBytesRelative.Call(),
		)
	}
	p.emit(
		asm.LoadMem(asm.R1, asm.R10, stackBuf, asm.DWord),
		asm.Mov.Imm(asm.R2, 0),
		asm.LoadMem(asm.R3, asm.R10, stackBuf+8, asm.DWord),
		asm.Mov.Imm(asm.R4, 0),
	)
}

// mixed leaves in R0 a hash of the addresses in R1, R2 and in R3, R4 that is the
// same for both orders. It is keyed, so that nobody can load one ring on purpose.
func (p *parser) mixed() {
	key := func() int64 { return int64(rand.Uint64() | 1) }
	multiply := func(r asm.Register, k int64) {
		p.emit(asm.LoadImm(asm.R0, k, asm.DWord), asm.Mul.Reg(r, asm.R0))
	}
	fold := func(r asm.Register) {
		p.emit(asm.Mov.Reg(asm.R0, r), asm.RSh.Imm(asm.R0, 32), asm.Xor.Reg(r, asm.R0))
	}
	k := [4]int64{key(), key(), key(), key()}
	for _, r := range [][2]asm.Register{{asm.R1, asm.R2}, {asm.R3, asm.R4}} {
		multiply(r[0], k[0])
		fold(r[0])
		p.emit(asm.Xor.Reg(r[0], r[1]))
		multiply(r[0], k[1])
		fold(r[0])
		multiply(r[0], k[2])
		fold(r[0])
	}
	p.emit(asm.Add.Reg(asm.R1, asm.R3))
	multiply(asm.R1, k[3])
	p.emit(asm.Mov.Reg(asm.R0, asm.R1), asm.RSh.Imm(asm.R0, 32))
}
