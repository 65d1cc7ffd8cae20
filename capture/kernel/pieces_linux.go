package kernel

import "github.com/cilium/ebpf/asm"

// The fragments of a packet with a tunnel in it have to reach one ring, and the
// one of the flow within. The addresses within are in the first fragment alone:
// so a fan-out remembers for the others where it went, in a map. Those that
// arrive before the first go by the outer pair of addresses.

// maxPieces is how many fragmented packets with tunnels a fan-out remembers;
// the oldest are forgotten.
const maxPieces = 1 << 13

// The key of a packet in that map: both addresses, ID, protocol.
const (
	pieceSize  = 40
	pieceSrc   = stackPiece
	pieceDst   = stackPiece + 16
	pieceID    = stackPiece + 32
	pieceProto = stackPiece + 36
)

// fragmentIPv4 goes on with packets that are whole. R1 has offset and MF, the
// buffer the header (RFC 791, section 3.1).
func (p *parser) fragmentIPv4() {
	if p.keyed {
		p.emit(asm.JNE.Imm(asm.R1, 0, "fragment"))
		return
	}
	whole := p.fresh()
	p.emit(
		asm.JEq.Imm(asm.R1, 0, whole),
		asm.And.Imm(asm.R1, 0x1fff),
		asm.LoadMem(asm.R2, asm.R10, stackBuf+4, asm.Half),
	)
	p.byteAt(asm.R3, 9)
	p.piece()
	p.label(whole)
}

// fragmentIPv6 does so where the buffer has four bytes of a fragment header
// (RFC 8200, section 4.5).
func (p *parser) fragmentIPv6() {
	if p.keyed {
		p.emit(asm.JNE.Imm(asm.R1, 0, "fragment"))
		return
	}
	whole := p.fresh()
	p.emit(asm.JEq.Imm(asm.R1, 0, whole))
	p.fetch(0, 8, "fragment")
	p.halfAt(asm.R1, 2)
	p.emit(
		asm.And.Imm(asm.R1, 0xfff8),
		asm.LoadMem(asm.R2, asm.R10, stackBuf+4, asm.Word),
	)
	p.byteAt(asm.R3, 0)
	p.piece()
	p.label(whole)
}

// piece notes the outermost packet that is fragmented, with ID R2 and protocol
// R3, and goes on with a first fragment, of which R1 is 0.
func (p *parser) piece() {
	noted, first := p.fresh(), p.fresh()
	p.emit(
		asm.LoadMem(asm.R0, asm.R10, stackPieced, asm.DWord),
		asm.JNE.Imm(asm.R0, 0, noted),
	)
	p.copy(pieceSrc, stackSrc, 16)
	p.copy(pieceDst, stackDst, 16)
	p.emit(
		asm.StoreMem(asm.R10, pieceID, asm.R2, asm.Word),
		asm.StoreMem(asm.R10, pieceProto, asm.R3, asm.Word),
		asm.JNE.Imm(asm.R1, 0, "later"),
		asm.Mov.Imm(asm.R0, 1),
		asm.StoreMem(asm.R10, stackPieced, asm.R0, asm.DWord),
	)
	p.jump(first)
	p.label(noted)
	p.emit(asm.JNE.Imm(asm.R1, 0, "fragment"))
	p.label(first)
}

// later sends a fragment after the first of its packet.
func (p *parser) later(pieces int) {
	p.label("later")
	p.mapCall(asm.FnMapLookupElem, pieces, stackPiece)
	p.emit(
		asm.JEq.Imm(asm.R0, 0, "fragment"),
		asm.LoadMem(asm.R0, asm.R0, 0, asm.Word),
		asm.Return(),
	)
}

// first remembers R0 for the fragments that come after a first one, where there
// is a tunnel in it, and returns it.
func (p *parser) first(pieces int) {
	p.emit(
		asm.StoreMem(asm.R10, stackSlot, asm.R0, asm.DWord),
		asm.LoadMem(asm.R1, asm.R10, stackPieced, asm.DWord),
		asm.JEq.Imm(asm.R1, 0, "return"),
	)
	for at := int16(0); at < 16; at += 8 {
		for _, pair := range [][2]int16{{pieceSrc, stackSrc}, {pieceDst, stackDst}} {
			p.emit(
				asm.LoadMem(asm.R1, asm.R10, pair[0]+at, asm.DWord),
				asm.LoadMem(asm.R2, asm.R10, pair[1]+at, asm.DWord),
				asm.JNE.Reg(asm.R1, asm.R2, "remember"),
			)
		}
	}
	p.jump("return")
	p.label("remember")
	p.emit(
		asm.LoadMapPtr(asm.R1, pieces),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, stackPiece),
		asm.Mov.Reg(asm.R3, asm.R10),
		asm.Add.Imm(asm.R3, stackSlot),
		asm.Mov.Imm(asm.R4, 0), // BPF_ANY
		asm.FnMapUpdateElem.Call(),
	)
	p.label("return")
	p.emit(asm.LoadMem(asm.R0, asm.R10, stackSlot, asm.Word), asm.Return())
}
