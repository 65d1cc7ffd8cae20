package kernel

import (
	"strconv"

	"github.com/cilium/ebpf/asm"
)

// builder assembles a program. Registers that helpers keep have one use each
// throughout: R6 is the context, R7 the offset of the header at hand, R8 the
// protocol that comes next or what a packet was taken for.
type builder struct {
	ins     asm.Instructions
	pending string // label of the next instruction
	labels  int
}

// The stack, as offsets from the frame pointer.
const (
	stackKey  = -keySize
	keyLo     = stackKey
	keyHi     = stackKey + 16
	keyLoPort = stackKey + 32
	keyHiPort = stackKey + 34
	keyIDs    = stackKey + 36
	keyKinds  = stackKey + 52
	keyProto  = stackKey + 56

	stackDst  = stackKey - 16
	stackSrc  = stackDst - 16
	stackBuf  = stackSrc - bufSize
	stackEnd  = stackBuf - 8 // where the packet at hand ends
	stackKeep = stackEnd - 8 // how much of it is kept
	stackSlot = stackKeep - 8
	stackMem  = stackSlot - 64 // memory of the classic program

	stackPiece  = stackMem - pieceSize // of a fan-out: the fragment at hand
	stackPieced = stackPiece - 8       // whether there is one
	stackAll    = stackPieced

	bufSize = 48
)

// Fields of the context (struct __sk_buff).
const (
	skbLen         = 0
	skbPktType     = 4
	skbMark        = 8
	skbQueue       = 12
	skbProtocol    = 16
	skbVLANPresent = 20
	skbVLANTag     = 24
	skbVLANProto   = 28
	skbIfindex     = 40
	skbHash        = 68
)

const packetOutgoing = 4 // of skb->pkt_type

func (b *builder) emit(list ...asm.Instruction) {
	for _, in := range list {
		if b.pending != "" {
			in = in.WithSymbol(b.pending)
			b.pending = ""
		}
		b.ins = append(b.ins, in)
	}
}

// label names the next instruction.
func (b *builder) label(name string) {
	if b.pending != "" { // two names for one place
		b.emit(asm.Ja.Label(name))
	}
	b.pending = name
}

// fresh returns a label that is not in use.
func (b *builder) fresh() string {
	b.labels++
	return "l" + strconv.Itoa(b.labels)
}

func (b *builder) jump(label string) { b.emit(asm.Ja.Label(label)) }

// fetch reads n bytes of the packet at R7+at into the buffer, and jumps where
// there are fewer.
func (b *builder) fetch(at int32, n int, short string) {
	b.emit(asm.Mov.Reg(asm.R2, asm.R7))
	if at != 0 {
		b.emit(asm.Add.Imm(asm.R2, at))
	}
	b.fetchR2(n, short)
}

// fetchR2 reads at R2.
func (b *builder) fetchR2(n int, short string) {
	b.emit(
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R3, asm.R10),
		asm.Add.Imm(asm.R3, stackBuf),
		asm.Mov.Imm(asm.R4, int32(n)),
		asm.FnSkbLoadBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, short),
	)
}

// byteAt, halfAt and wordAt load a field of the buffer, in the host's order.
func (b *builder) byteAt(r asm.Register, at int16) {
	b.emit(asm.LoadMem(r, asm.R10, stackBuf+at, asm.Byte))
}

func (b *builder) halfAt(r asm.Register, at int16) {
	b.emit(asm.LoadMem(r, asm.R10, stackBuf+at, asm.Half), asm.HostTo(asm.BE, r, asm.Half))
}

func (b *builder) wordAt(r asm.Register, at int16) {
	b.emit(asm.LoadMem(r, asm.R10, stackBuf+at, asm.Word), asm.HostTo(asm.BE, r, asm.Word))
}

// context loads a field of the context.
func (b *builder) context(r asm.Register, field int16) {
	b.emit(asm.LoadMem(r, asm.R6, field, asm.Word))
}

// room sets r to how many bytes there are from R7 to the end.
func (b *builder) room(r asm.Register) {
	b.emit(asm.LoadMem(r, asm.R10, stackEnd, asm.DWord), asm.Sub.Reg(r, asm.R7))
}

// zero clears n bytes of the stack.
func (b *builder) zero(at int16, n int) {
	b.emit(asm.Mov.Imm(asm.R0, 0))
	for i := 0; i < n; i += 8 {
		b.emit(asm.StoreMem(asm.R10, at+int16(i), asm.R0, asm.DWord))
	}
}

// copy copies within the stack.
func (b *builder) copy(to, from int16, n int) {
	for i := int16(0); i < int16(n); i += 8 {
		b.emit(
			asm.LoadMem(asm.R0, asm.R10, from+i, asm.DWord),
			asm.StoreMem(asm.R10, to+i, asm.R0, asm.DWord),
		)
	}
}
