package filter

import (
	"slices"
	"strconv"

	"golang.org/x/net/bpf"
)

// The operation codes of classic BPF (linux/bpf_common.h).
const (
	opLoadWord  = 0x20 // ld [k]
	opLoadHalf  = 0x28 // ldh [k]
	opLoadByte  = 0x30 // ldb [k]
	opLoadXWord = 0x40 // ld [x+k]
	opLoadXHalf = 0x48
	opLoadXByte = 0x50
	opLoadLen   = 0x80 // ld #pktlen
	opLoadConst = 0x00 // ld #k
	opLoadMem   = 0x60 // ld M[k]
	opLoadXIP   = 0xb1 // ldxb 4*([k]&0xf)
	opStore     = 0x02 // st M[k]
	opToX       = 0x07 // tax
	opReturn    = 0x06 // ret #k

	opAdd    = 0x04
	opSub    = 0x14
	opMul    = 0x24
	opDiv    = 0x34
	opOr     = 0x44
	opAnd    = 0x54
	opLeft   = 0x64
	opRight  = 0x74
	opNegate = 0x84
	opModulo = 0x94
	opXor    = 0xa4
	opWithX  = 0x08 // the operand is X, not k

	opJump        = 0x05
	opJumpEqual   = 0x15
	opJumpGreater = 0x25
	opJumpAtLeast = 0x35
	opJumpSet     = 0x45
)

// What the kernel knows of a packet beside its bytes (linux/filter.h).
const (
	adOffset      = 0xfffff000
	adVLANTag     = adOffset + 44
	adVLANPresent = adOffset + 48
)

// label is an instruction, counted from the end of the program.
type label int

// program is assembled from its end to its beginning: wherever it jumps is
// there already.
type program struct {
	code   []bpf.RawInstruction // the last one first
	beside bool                 // the outer tag is beside the packet
}

func (p *program) top() label { return label(len(p.code) - 1) }

func (p *program) emit(op uint16, k uint32) label {
	p.code = append(p.code, bpf.RawInstruction{Op: op, K: k})
	return p.top()
}

func (p *program) ret(k uint32) label { return p.emit(opReturn, k) }

// op emits an instruction that goes on at next.
func (p *program) op(op uint16, k uint32, next label) label {
	p.reach(next)
	return p.emit(op, k)
}

// reach has the next instruction that is emitted run into one.
func (p *program) reach(next label) {
	if next != p.top() {
		p.emit(opJump, uint32(p.top()-next))
	}
}

// maxSkip is how far a condition jumps.
const maxSkip = 255

// branch emits a condition on A.
func (p *program) branch(op uint16, k uint32, yes, no label) label {
	if yes == no {
		return yes
	}
	yes = p.near(yes, 1) // one for no may come in between
	no = p.near(no, 0)
	p.code = append(p.code, bpf.RawInstruction{Op: op, Jt: uint8(p.top() - yes), Jf: uint8(p.top() - no), K: k})
	return p.top()
}

// near returns a label at which l is reached, from which a condition is not
// too far away even with more instructions in between.
func (p *program) near(l label, more int) label {
	if int(p.top()-l)+more > maxSkip {
		return p.emit(opJump, uint32(p.top()-l))
	}
	return l
}

// assemble turns the program around.
func (p *program) assemble(expr string, entry label) ([]bpf.RawInstruction, error) {
	p.reach(entry)
	if len(p.code) > maxInstructions {
		return nil, &Error{Expr: expr, Pos: -1, Reason: "takes " + strconv.Itoa(len(p.code)) + " instructions of the 4096 that the kernel allows", Hint: "write it shorter, with net or portrange"}
	}
	slices.Reverse(p.code)
	return p.code, nil
}

// node is a condition: it emits code that goes on at yes or no, and returns
// where that begins.
type node func(p *program, yes, no label) label

func always(_ *program, yes, _ label) label { return yes }

func never(_ *program, _, no label) label { return no }

func not(n node) node {
	return func(p *program, yes, no label) label { return n(p, no, yes) }
}

func all(nodes ...node) node {
	return func(p *program, yes, no label) label {
		for _, n := range slices.Backward(nodes) {
			yes = n(p, yes, no)
		}
		return yes
	}
}

func either(nodes ...node) node {
	return func(p *program, yes, no label) label {
		for _, n := range slices.Backward(nodes) {
			no = n(p, yes, no)
		}
		return no
	}
}
