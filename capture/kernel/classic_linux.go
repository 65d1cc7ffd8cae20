package kernel

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"
)

// Classic programs (Linux, Documentation/networking/filter.rst): the class of an
// operation and its parts.
const (
	classLd, classLdx, classSt, classStx = 0, 1, 2, 3
	classALU, classJump, classRet        = 4, 5, 6
	classMisc                            = 7

	modeImm, modeAbs, modeInd, modeMem, modeLen, modeMSH = 0x00, 0x20, 0x40, 0x60, 0x80, 0xa0

	sizeWord, sizeHalf, sizeByte = 0x00, 0x08, 0x10

	fromX    = 0x08 // operand X instead of K
	retA     = 0x10 // class Ret
	miscTXA  = 0x80
	ancil    = 0xfffff000 // SKF_AD_OFF: from here on what the kernel knows of a packet
	memWords = 16

	maxClassic = 4096 // instructions (BPF_MAXINSNS)
)

// The parts of a packet that the kernel knows (SKF_AD_…).
const (
	ancilProtocol = 0
	ancilPktType  = 4
	ancilIfindex  = 8
	ancilMark     = 20
	ancilQueue    = 24
	ancilRxHash   = 32
	ancilCPU      = 36
	ancilALUXor   = 40
	ancilVLANTag  = 44
	ancilVLAN     = 48
	ancilRandom   = 56
	ancilVLANProt = 60
)

// classic emits a classic program in front of the rest: where it rejects a
// packet it jumps to rejected, else it stores how much is kept in stackKeep and
// jumps to asked. A is R7, X is R8, the context R6.
//
// It does what the kernel does with the same program: reading past the packet
// and dividing by zero reject it.
func (b *builder) classic(list []bpf.RawInstruction, asked, rejected string) error {
	if len(list) > maxClassic {
		return fmt.Errorf("a filter of %d instructions: the kernel takes up to %d", len(list), maxClassic)
	}
	if last := list[len(list)-1]; last.Op&7 != classRet {
		return fmt.Errorf("a filter must end in a return, not in operation 0x%02x", last.Op)
	}
	b.emit(asm.Mov.Imm(asm.R7, 0), asm.Mov.Imm(asm.R8, 0))
	b.zero(stackMem, memWords*4)
	for i, in := range list {
		b.label(classicLabel(i))
		if err := b.classicOne(in, i, len(list), asked, rejected); err != nil {
			return fmt.Errorf("filter, instruction %d: %w", i, err)
		}
	}
	return nil
}

func classicLabel(i int) string { return fmt.Sprintf("classic%d", i) }

func (b *builder) classicOne(in bpf.RawInstruction, at, n int, asked, rejected string) error {
	switch in.Op & 7 {
	case classLd:
		return b.classicLoad(in, asm.R7, rejected)
	case classLdx:
		return b.classicLoad(in, asm.R8, rejected)
	case classSt, classStx:
		r := asm.R7
		if in.Op&7 == classStx {
			r = asm.R8
		}
		if in.K >= memWords {
			return fmt.Errorf("memory word %d of %d", in.K, memWords)
		}
		b.emit(asm.StoreMem(asm.R10, stackMem+4*int16(in.K), r, asm.Word))
		return nil
	case classALU:
		return b.classicALU(in, rejected)
	case classJump:
		return b.classicJump(in, at, n)
	case classRet:
		b.classicReturn(in, asked, rejected)
		return nil
	}
	if in.Op&miscTXA != 0 {
		b.emit(asm.Mov.Reg32(asm.R7, asm.R8))
	} else {
		b.emit(asm.Mov.Reg32(asm.R8, asm.R7))
	}
	return nil
}

// classicLoad loads A or X.
func (b *builder) classicLoad(in bpf.RawInstruction, r asm.Register, rejected string) error {
	size, width := asm.Word, 4
	switch in.Op & 0x18 {
	case sizeHalf:
		size, width = asm.Half, 2
	case sizeByte:
		size, width = asm.Byte, 1
	}
	switch mode := in.Op & 0xe0; {
	case mode == modeImm:
		b.emit(asm.Mov.Imm32(r, int32(in.K)))
	case mode == modeMem:
		if in.K >= memWords {
			return fmt.Errorf("memory word %d of %d", in.K, memWords)
		}
		b.emit(asm.LoadMem(r, asm.R10, stackMem+4*int16(in.K), asm.Word))
	case mode == modeLen:
		b.context(r, skbLen)
	case mode == modeMSH && r == asm.R8:
		b.emit(asm.Mov.Imm32(asm.R2, int32(in.K)))
		b.fetchR2(1, rejected)
		b.byteAt(r, 0)
		b.emit(asm.And.Imm32(r, 15), asm.LSh.Imm32(r, 2))
	case mode == modeAbs && in.K >= ancil && r == asm.R7:
		return b.classicAncillary(in.K - ancil)
	case (mode == modeAbs || mode == modeInd) && r == asm.R7:
		if mode == modeAbs && int32(in.K) < 0 {
			return fmt.Errorf("offset %d, which counts from another header", int32(in.K))
		}
		b.emit(asm.Mov.Imm32(asm.R2, int32(in.K)))
		if mode == modeInd {
			b.emit(asm.Add.Reg32(asm.R2, asm.R8))
		}
		b.fetchR2(width, rejected)
		b.emit(asm.LoadMem(r, asm.R10, stackBuf, size))
		if size != asm.Byte {
			b.emit(asm.HostTo(asm.BE, r, size))
		}
	default:
		return fmt.Errorf("operation 0x%02x is none", in.Op)
	}
	return nil
}

// classicAncillary loads what the kernel knows of a packet into A.
func (b *builder) classicAncillary(what uint32) error {
	fields := map[uint32]int16{
		ancilPktType: skbPktType, ancilIfindex: skbIfindex, ancilMark: skbMark, ancilQueue: skbQueue,
		ancilRxHash: skbHash, ancilVLANTag: skbVLANTag, ancilVLAN: skbVLANPresent,
	}
	swapped := map[uint32]int16{ancilProtocol: skbProtocol, ancilVLANProt: skbVLANProto}
	switch field, ok := fields[what]; {
	case ok:
		b.context(asm.R7, field)
	case what == ancilProtocol || what == ancilVLANProt:
		b.context(asm.R7, swapped[what])
		b.emit(asm.HostTo(asm.BE, asm.R7, asm.Half))
	case what == ancilALUXor:
		b.emit(asm.Xor.Reg32(asm.R7, asm.R8))
	case what == ancilCPU:
		b.emit(asm.FnGetSmpProcessorId.Call(), asm.Mov.Reg32(asm.R7, asm.R0))
	case what == ancilRandom:
		b.emit(asm.FnGetPrandomU32.Call(), asm.Mov.Reg32(asm.R7, asm.R0))
	default:
		return fmt.Errorf("extension %d, which programs of this kind cannot ask for", what)
	}
	return nil
}

func (b *builder) classicALU(in bpf.RawInstruction, rejected string) error {
	ops := map[uint16]asm.ALUOp{
		0x00: asm.Add, 0x10: asm.Sub, 0x20: asm.Mul, 0x30: asm.Div, 0x40: asm.Or, 0x50: asm.And,
		0x60: asm.LSh, 0x70: asm.RSh, 0x90: asm.Mod, 0xa0: asm.Xor,
	}
	code, x := in.Op&0xf0, in.Op&fromX != 0
	op, ok := ops[code]
	switch {
	case code == 0x80:
		b.emit(asm.Instruction{OpCode: asm.Neg.Op32(asm.ImmSource), Dst: asm.R7})
		return nil
	case !ok:
		return fmt.Errorf("operation 0x%02x is none", in.Op)
	case (op == asm.Div || op == asm.Mod) && !x && in.K == 0:
		return fmt.Errorf("a division by 0")
	case (op == asm.LSh || op == asm.RSh) && !x && in.K > 31:
		return fmt.Errorf("a shift by %d", in.K)
	case (op == asm.Div || op == asm.Mod) && x:
		b.emit(asm.JEq.Imm32(asm.R8, 0, rejected))
	}
	if x {
		b.emit(op.Reg32(asm.R7, asm.R8))
	} else {
		b.emit(op.Imm32(asm.R7, int32(in.K)))
	}
	return nil
}

func (b *builder) classicJump(in bpf.RawInstruction, at, n int) error {
	target := func(skip uint32) (string, error) {
		if to := uint64(at) + 1 + uint64(skip); to < uint64(n) {
			return classicLabel(int(to)), nil
		}
		return "", fmt.Errorf("a jump past the end")
	}
	if in.Op&0xf0 == 0 {
		to, err := target(in.K)
		if err == nil {
			b.jump(to)
		}
		return err
	}
	op, ok := map[uint16]asm.JumpOp{0x10: asm.JEq, 0x20: asm.JGT, 0x30: asm.JGE, 0x40: asm.JSet}[in.Op&0xf0]
	if !ok {
		return fmt.Errorf("operation 0x%02x is none", in.Op)
	}
	yes, err := target(uint32(in.Jt))
	if err != nil {
		return err
	}
	no, err := target(uint32(in.Jf))
	if err != nil {
		return err
	}
	if in.Op&fromX != 0 {
		b.emit(op.Reg32(asm.R7, asm.R8, yes))
	} else {
		b.emit(op.Imm32(asm.R7, int32(in.K), yes))
	}
	b.jump(no)
	return nil
}

// classicReturn ends the classic program: 0 rejects.
func (b *builder) classicReturn(in bpf.RawInstruction, asked, rejected string) {
	if in.Op&retA == 0 {
		if in.K == 0 {
			b.jump(rejected)
			return
		}
		b.emit(asm.Mov.Imm32(asm.R7, int32(in.K)))
	} else {
		b.emit(asm.JEq.Imm32(asm.R7, 0, rejected))
	}
	b.emit(asm.StoreMem(asm.R10, stackKeep, asm.R7, asm.DWord))
	b.jump(asked)
}
