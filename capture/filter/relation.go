package filter

import (
	"strconv"
	"strings"
)

// arithmetic is an expression of numbers and bytes: code that leaves its value
// in A and goes on at next, with scratch memory from slot on free.
type arithmetic struct {
	code  func(p *program, slot uint32, next label) label
	needs []node // what must hold of a packet so that it has these bytes
	slots uint32 // of scratch memory
	known bool   // it is the number value
	value uint32
}

const (
	maxSlots = 16      // BPF_MEMWORDS of the kernel
	maxIndex = 1 << 20 // further than any packet, and below where the kernel keeps what is beside it
)

func number(v uint32) arithmetic {
	return arithmetic{known: true, value: v, code: func(p *program, _ uint32, next label) label { return p.op(opLoadConst, v, next) }}
}

// comparisons, longest first.
var comparisons = []struct {
	symbol string
	op     uint16
	negate bool
}{
	{"==", opJumpEqual, false}, {"!=", opJumpEqual, true}, {"<=", opJumpGreater, true}, {">=", opJumpAtLeast, false},
	{"=", opJumpEqual, false}, {"<", opJumpAtLeast, true}, {">", opJumpGreater, false},
}

// relation reads a comparison of bytes or numbers. It returns nil, and leaves
// the parser where it was, if there is none.
func (p *parser) relation() (node, error) {
	begin := p.pos
	left, err := p.sum(0)
	if err != nil {
		if p.isBytes(begin) {
			return nil, err
		}
		p.pos = begin
		return nil, nil
	}
	for _, c := range comparisons {
		if !p.symbol(c.symbol) {
			continue
		}
		right, err := p.sum(0)
		if err != nil {
			return nil, err
		}
		p.quals = qualifiers{}
		n := compare(c.op, left, right)
		if c.negate {
			n = not(n)
		}
		return all(append(append(left.needs[:len(left.needs):len(left.needs)], right.needs...), n)...), nil
	}
	if p.isBytes(begin) {
		return nil, p.fault(p.pos, "a comparison should follow", "as in tcp[13] & 2 != 0")
	}
	p.pos = begin
	return nil, nil
}

// isBytes reports whether the text at pos can only be arithmetic.
func (p *parser) isBytes(pos int) bool {
	at := p.pos
	defer func() { p.pos = at }()
	p.pos = pos
	word := p.word()
	p.next()
	return word == "len" || isProtocol(word) && p.peek() == '['
}

func compare(op uint16, left, right arithmetic) node {
	return func(p *program, yes, no label) label {
		if right.known {
			return left.code(p, 0, p.branch(op, right.value, yes, no))
		}
		return pair(left, right, 0, p, p.branch(op|opWithX, 0, yes, no))
	}
}

// pair emits code that leaves left in A and right in X.
func pair(left, right arithmetic, slot uint32, p *program, next label) label {
	next = p.op(opLoadMem, slot, next)
	next = p.op(opToX, 0, next)
	next = right.code(p, slot+1, next)
	next = p.op(opStore, slot, next)
	return left.code(p, slot, next)
}

// operators by how tight they bind, loosest first.
var operators = [][]struct {
	symbol string
	op     uint16
}{
	{{"|", opOr}, {"&", opAnd}, {"^", opXor}},
	{{"<<", opLeft}, {">>", opRight}},
	{{"+", opAdd}, {"-", opSub}},
	{{"*", opMul}, {"/", opDiv}, {"%", opModulo}},
}

// sum reads operands with operators of a level and of those that bind tighter.
func (p *parser) sum(level int) (arithmetic, error) {
	if level == len(operators) {
		return p.operand()
	}
	left, err := p.sum(level + 1)
	if err != nil {
		return left, err
	}
	for {
		op, ok := p.operator(level)
		if !ok {
			return left, nil
		}
		begin := p.pos
		right, err := p.sum(level + 1)
		if err != nil {
			return left, err
		}
		if (op == opDiv || op == opModulo) && right.known && right.value == 0 {
			return left, p.fault(begin, "a division by zero", "")
		}
		if (op == opLeft || op == opRight) && right.known && right.value > 31 {
			return left, p.fault(begin, "a shift by more than 31 bits", "")
		}
		left = combine(op, left, right)
		if left.slots > maxSlots {
			return left, p.fault(begin, "too many parentheses within each other", "")
		}
	}
}

func (p *parser) operator(level int) (uint16, bool) {
	if p.peek() == 0 {
		return 0, false
	}
	rest := p.expr[p.pos:]
	if strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "||") {
		return 0, false
	}
	for _, o := range operators[level] {
		if p.symbol(o.symbol) {
			return o.op, true
		}
	}
	return 0, false
}

func combine(op uint16, left, right arithmetic) arithmetic {
	a := arithmetic{needs: append(left.needs[:len(left.needs):len(left.needs)], right.needs...)}
	if right.known {
		a.slots = left.slots
		a.code = func(p *program, slot uint32, next label) label {
			return left.code(p, slot, p.op(op, right.value, next))
		}
		return a
	}
	a.slots = max(left.slots, right.slots+1)
	a.code = func(p *program, slot uint32, next label) label {
		return pair(left, right, slot, p, p.op(op|opWithX, 0, next))
	}
	return a
}

// operand is a number, a name for one, len, bytes of a header, or arithmetic
// in parentheses.
func (p *parser) operand() (arithmetic, error) {
	defer p.enter()()
	if p.depth > maxDepth {
		return arithmetic{}, p.fault(p.pos, "too many parentheses within each other", "")
	}
	switch {
	case p.symbol("("):
		a, err := p.sum(0)
		if err == nil && !p.symbol(")") {
			err = p.fault(p.pos, "a parenthesis is not closed", "")
		}
		return a, err
	case p.symbol("-"):
		a, err := p.operand()
		return negate(a), err
	}
	return p.named()
}

func negate(a arithmetic) arithmetic {
	if a.known {
		return number(-a.value)
	}
	code := a.code
	a.code = func(p *program, slot uint32, next label) label { return code(p, slot, p.op(opNegate, 0, next)) }
	return a
}

func (p *parser) named() (arithmetic, error) {
	begin := p.pos
	word := p.name()
	if word == "len" {
		p.pos += len(word)
		return arithmetic{code: func(p *program, _ uint32, next label) label { return p.op(opLoadLen, 0, next) }}, nil
	}
	if v, ok := constants[word]; ok {
		p.pos += len(word)
		return number(v), nil
	}
	if isProtocol(word) {
		p.pos += len(word)
		if p.symbol("[") {
			return p.bytes(word, begin)
		}
		return arithmetic{}, p.unexpected()
	}
	v, err := strconv.ParseUint(word, 0, 32)
	if err != nil {
		return arithmetic{}, p.fault(begin, "a number, len or bytes such as tcp[13] should stand here", "")
	}
	p.pos += len(word)
	return number(uint32(v)), nil
}

// name returns the word of arithmetic at which the parser is. The hyphen of
// "tcp-syn" belongs to it, that of "2-1" does not.
func (p *parser) name() string {
	word := p.word()
	if i := strings.IndexByte(word, ':'); i >= 0 { // "ip[2:2]"
		word = word[:i]
	}
	if i := strings.IndexByte(word, '-'); i >= 0 && constants[word] == 0 {
		if _, ok := constants[word]; !ok {
			word = word[:i]
		}
	}
	return word
}

// bytes reads the index and size behind "proto[".
func (p *parser) bytes(proto string, begin int) (arithmetic, error) {
	index, err := p.sum(0)
	if err != nil {
		return index, err
	}
	if index.known && index.value > maxIndex {
		return index, p.fault(begin, "no packet is that long", "")
	}
	size := number(1)
	if p.symbol(":") {
		if size, err = p.named(); err != nil {
			return size, err
		}
	}
	ops := map[uint32]uint16{1: opLoadByte, 2: opLoadHalf, 4: opLoadWord}
	op, ok := ops[size.value]
	if !size.known || !ok {
		return size, p.fault(begin, "only 1, 2 or 4 bytes can be loaded", "")
	}
	if !p.symbol("]") {
		return size, p.fault(p.pos, "a bracket is not closed", "")
	}
	return p.load(proto, op, index), nil
}

// load is size bytes at an index into the header of a protocol.
func (p *parser) load(proto string, op uint16, index arithmetic) arithmetic {
	at := p.at
	a := arithmetic{needs: index.needs, slots: index.slots + 1}
	base := at.network
	header := false // the length of the IPv4 header is added
	t, isTransport := transports[proto]
	switch {
	case isLink(proto):
		base = func(*program) uint32 { return 0 }
	case proto == "icmp6":
		a.needs = append(a.needs, all(at.proto(etherIPv6), at.fromNetwork(opLoadByte, ip6Next).is(t.number)))
		base = func(p *program) uint32 { return at.network(p) + ip6Header }
	case isTransport:
		a.needs = append(a.needs, at.ip4Proto(t.number), at.firstFragment())
		header = true
	default:
		a.needs = append(a.needs, at.proto(networks[proto]))
	}
	a.code = func(p *program, slot uint32, next label) label {
		return loadAt(p, op, index, base(p), header, slot, next)
	}
	return a
}

// loadAt emits the load itself. A packet that is too short matches nothing.
func loadAt(p *program, op uint16, index arithmetic, base uint32, header bool, slot uint32, next label) label {
	const toX = opLoadXWord - opLoadWord
	switch {
	case index.known && !header:
		return p.op(op, base+index.value, next)
	case index.known:
		return p.op(opLoadXIP, base, p.op(op+toX, base+index.value, next))
	case !header:
		return index.code(p, slot, p.op(opToX, 0, p.op(op+toX, base, next)))
	}
	next = p.op(opToX, 0, p.op(op+toX, base, next))
	return index.code(p, slot, p.op(opLoadXIP, base, p.op(opAdd|opWithX, 0, next)))
}
