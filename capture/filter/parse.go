package filter

import (
	"slices"
	"strconv"
	"strings"
)

// parser reads an expression from left to right (pcap-filter(7)).
type parser struct {
	expr  string
	pos   int
	depth int
	at    place

	quals qualifiers // of the last primitive, which a bare value repeats
}

// qualifiers stand in front of a value.
type qualifiers struct {
	proto string // "tcp", "ip", "ether", or empty
	side  side
	kind  string // "host", "net", "port", "portrange", "proto", or empty for host
	valid bool   // a value may follow
}

func (p *parser) parse() (node, error) {
	if p.word() == "" && p.peek() == 0 {
		return always, nil
	}
	n, err := p.expression()
	if err == nil && p.peek() != 0 {
		err = p.unexpected()
	}
	return n, err
}

// expression is terms with and and or, which bind alike, from left to right.
func (p *parser) expression() (node, error) {
	defer p.enter()()
	if p.depth > maxDepth {
		return nil, p.fault(p.pos, "too many parentheses within each other", "")
	}
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	for {
		join := p.conjunction()
		if join == nil {
			return left, nil
		}
		right, err := p.term()
		if err != nil {
			return nil, err
		}
		left = join(left, right)
	}
}

// enter counts how deep the parser is. What it returns leaves again.
func (p *parser) enter() (leave func()) {
	p.depth++
	return func() { p.depth-- }
}

func (p *parser) conjunction() func(...node) node {
	switch {
	case p.accept("and"), p.symbol("&&"):
		return all
	case p.accept("or"), p.symbol("||"):
		return either
	}
	return nil
}

func (p *parser) term() (node, error) {
	if p.accept("not") || p.peek() == '!' && !strings.HasPrefix(p.expr[p.pos:], "!=") && p.symbol("!") {
		defer p.enter()()
		if p.depth > maxDepth {
			return nil, p.fault(p.pos, "too many negations within each other", "")
		}
		n, err := p.term()
		if err != nil {
			return nil, err
		}
		return not(n), nil
	}
	if n, err := p.relation(); n != nil || err != nil {
		return n, err
	}
	if p.symbol("(") {
		return p.parenthesis()
	}
	return p.primitive()
}

func (p *parser) parenthesis() (node, error) {
	n, err := p.expression()
	if err != nil {
		return nil, err
	}
	if !p.symbol(")") {
		return nil, p.fault(p.pos, "a parenthesis is not closed", "")
	}
	return n, nil
}

// primitive is qualifiers and a value, or a word by itself.
func (p *parser) primitive() (node, error) {
	begin := p.pos
	switch word := p.word(); word {
	case "":
		return nil, p.unexpected()
	case "vlan":
		return p.vlan()
	case "mpls":
		return p.mpls()
	case "less", "greater":
		return p.lessOrGreater(word)
	case "broadcast", "multicast":
		return p.alone(qualifiers{proto: "ether"}, begin)
	}
	quals, err := p.qualifiers()
	if err != nil {
		return nil, err
	}
	if !quals.valid { // no qualifier at all: a value that repeats the last ones
		if !p.quals.valid {
			return nil, p.unknown()
		}
		quals = p.quals
	} else if n, err := p.alone(quals, begin); n != nil || err != nil {
		return n, err
	}
	p.quals = quals
	if p.symbol("(") {
		return p.values(quals)
	}
	return p.value(quals, begin)
}

// values is a list in parentheses behind qualifiers: "port (80 or 443)".
func (p *parser) values(quals qualifiers) (node, error) {
	n, err := p.parenthesis()
	p.quals = quals
	return n, err
}

// qualifiers reads protocol, direction and kind, as far as they are there.
func (p *parser) qualifiers() (q qualifiers, err error) {
	if word := p.word(); isProtocol(word) {
		p.next()
		q.proto, q.valid = word, true
	}
	if s, ok := p.direction(); ok {
		q.side, q.valid = s, true
	}
	switch word := p.word(); word {
	case "host", "net", "port", "portrange", "proto":
		p.next()
		q.kind, q.valid = word, true
	}
	return q, nil
}

func isProtocol(word string) bool {
	_, isTransport := transports[word]
	_, isNetwork := networks[word]
	return isTransport || isNetwork || isLink(word)
}

// direction reads src, dst, "src or dst" and "src and dst".
func (p *parser) direction() (s side, ok bool) {
	s, ok = p.oneSide()
	if !ok {
		return anySide, false
	}
	begin := p.pos
	both, join := anySide, ""
	switch {
	case p.accept("or"):
		join = "or"
	case p.accept("and"):
		both, join = bothSides, "and"
	}
	if other, ok := p.oneSide(); join != "" && ok && other != s {
		return both, true
	}
	p.pos = begin
	return s, true
}

func (p *parser) oneSide() (side, bool) {
	switch {
	case p.accept("src"):
		return source, true
	case p.accept("dst"):
		return destination, true
	}
	return anySide, false
}

// vlan reads the number behind "vlan", if there is one.
func (p *parser) vlan() (node, error) {
	begin := p.pos
	p.next()
	if p.at.raw() || p.at.mpls > 0 {
		return nil, p.fault(begin, "there is no VLAN tag here", "put it in front of mpls; raw IP has none")
	}
	id, err := p.optionalNumber(4095)
	if err != nil {
		return nil, err
	}
	n, behind := p.at.vlan(id)
	p.at = behind
	p.quals = qualifiers{}
	return n, nil
}

func (p *parser) mpls() (node, error) {
	begin := p.pos
	p.next()
	if p.at.raw() {
		return nil, p.fault(begin, "there is no MPLS label on raw IP", "")
	}
	number, err := p.optionalNumber(1<<20 - 1)
	if err != nil {
		return nil, err
	}
	n, behind := p.at.label(number)
	p.at = behind
	p.quals = qualifiers{}
	return n, nil
}

// optionalNumber returns -1 where no number follows.
func (p *parser) optionalNumber(most uint64) (int, error) {
	word := p.word()
	if word == "" || word[0] < '0' || word[0] > '9' {
		return -1, nil
	}
	begin := p.pos
	p.next()
	v, err := strconv.ParseUint(word, 0, 32)
	if err != nil || v > most {
		return 0, p.fault(begin, "'"+word+"' is no number up to "+strconv.FormatUint(most, 10), "")
	}
	return int(v), nil
}

func (p *parser) lessOrGreater(word string) (node, error) {
	p.next()
	begin := p.pos
	v, err := p.optionalNumber(1<<32 - 1)
	if err != nil {
		return nil, err
	}
	if v < 0 {
		return nil, p.fault(begin, "a length must follow '"+word+"'", "")
	}
	p.quals = qualifiers{}
	if word == "less" {
		return not(length(opJumpGreater, uint32(v))), nil
	}
	return length(opJumpAtLeast, uint32(v)), nil
}

// space passes what separates words.
func (p *parser) space() {
	for p.pos < len(p.expr) && strings.IndexByte(" \t\r\n", p.expr[p.pos]) >= 0 {
		p.pos++
	}
}

// peek returns the next character that is no space, 0 at the end.
func (p *parser) peek() byte {
	p.space()
	if p.pos < len(p.expr) {
		return p.expr[p.pos]
	}
	return 0
}

// word returns the word at which the parser is: a name, a number or an
// address.
func (p *parser) word() string {
	p.space()
	end := p.pos
	if end < len(p.expr) && p.expr[end] == '\\' {
		end++
	}
	for end < len(p.expr) && isWord(p.expr[end]) {
		end++
	}
	return p.expr[p.pos:end]
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == ':' || c == '-' || c == '_'
}

// next goes behind the word.
func (p *parser) next() { p.pos += len(p.word()) }

func (p *parser) accept(word string) bool {
	if p.word() != word {
		return false
	}
	p.next()
	return true
}

func (p *parser) symbol(s string) bool {
	p.space()
	if !strings.HasPrefix(p.expr[p.pos:], s) {
		return false
	}
	p.pos += len(s)
	return true
}

func (p *parser) fault(pos int, reason, hint string) *Error {
	for pos < len(p.expr) && p.expr[pos] == ' ' {
		pos++
	}
	return &Error{Expr: p.expr, Pos: pos, Reason: reason, Hint: hint}
}

// unexpected says that something else should be here.
func (p *parser) unexpected() *Error {
	switch c := p.peek(); {
	case c == 0:
		return p.fault(p.pos, "it ends where a condition should follow", "")
	case p.word() == "":
		return p.fault(p.pos, "'"+string([]rune(p.expr[p.pos:])[:1])+"' is not expected here", "")
	}
	return p.fault(p.pos, "'"+p.word()+"' is not expected here", "put and, or between two conditions")
}

// unknown is for a word that begins no condition.
func (p *parser) unknown() *Error {
	word := p.word()
	switch {
	case slices.Contains(others, word):
		return p.fault(p.pos, "tcpdump's '"+word+"' is not supported", "use host, net, port, proto, vlan, and bytes as in tcp[13]")
	case word[0] >= '0' && word[0] <= '9' || strings.Contains(word, ":"):
		return p.fault(p.pos, "it is not said what '"+word+"' is", "put host, net, port or proto in front")
	case word == "and", word == "or":
		return p.fault(p.pos, "a condition should stand in front of '"+word+"'", "")
	}
	return p.fault(p.pos, "'"+word+"' is no word of filters", "use host, net, port, proto, vlan, tcp, udp, and, or, not")
}
