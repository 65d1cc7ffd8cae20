package filter

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// alone returns the condition of qualifiers behind which no value follows:
// "tcp", "ip6", "ether broadcast". It returns nil where one must follow.
func (p *parser) alone(q qualifiers, begin int) (node, error) {
	if q.kind != "" || q.side != anySide {
		return nil, nil
	}
	switch word := p.word(); word {
	case "broadcast", "multicast":
		p.next()
		p.quals = qualifiers{}
		return p.group(q, word, begin)
	}
	if p.followsValue() {
		return nil, nil
	}
	p.quals = qualifiers{}
	if typ, ok := networks[q.proto]; ok {
		return p.at.proto(typ), nil
	}
	if t, ok := transports[q.proto]; ok {
		return p.at.transport(t), nil
	}
	return nil, p.fault(begin, "it is not said what of '"+q.proto+"'", "write ether host, ether src, ether dst or ether proto")
}

// followsValue reports whether what comes is no conjunction, parenthesis or
// end: then it is a value.
func (p *parser) followsValue() bool {
	switch c := p.peek(); {
	case c == '(':
		return true
	case c == 0 || c == ')' || c == '&' || c == '|':
		return false
	}
	switch p.word() {
	case "and", "or", "":
		return false
	}
	return true
}

func (at place) transport(t transport) node {
	var nodes []node
	if t.ip4 {
		nodes = append(nodes, at.ip4Proto(t.number))
	}
	if t.ip6 {
		nodes = append(nodes, at.ip6Proto(t.number))
	}
	return either(nodes...)
}

// group is broadcast and multicast.
func (p *parser) group(q qualifiers, word string, begin int) (node, error) {
	switch {
	case isLink(q.proto) && p.at.raw():
	case isLink(q.proto) && word == "multicast":
		return frame(opLoadByte, 0).test(opJumpSet, 0xffffffff, 1), nil
	case isLink(q.proto):
		return p.at.mac(destination, [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), nil
	case q.proto == "ip" && word == "multicast":
		return all(p.at.proto(etherIPv4), p.at.fromNetwork(opLoadByte, ip4Dest).test(opJumpAtLeast, 0xffffffff, 224)), nil
	case q.proto == "ip6" && word == "multicast":
		return all(p.at.proto(etherIPv6), p.at.fromNetwork(opLoadByte, ip6Dest).is(0xff)), nil
	}
	return nil, p.fault(begin, "'"+strings.TrimSpace(q.proto+" "+word)+"' is not supported here", "write ip multicast, ip6 multicast, ether broadcast or ether multicast")
}

// value reads what stands behind qualifiers.
func (p *parser) value(q qualifiers, begin int) (node, error) {
	valueAt := p.pos
	word := p.word()
	if word == "" {
		return nil, p.unexpected()
	}
	p.next()
	switch q.kind {
	case "port", "portrange":
		return p.port(q, word, begin, valueAt)
	case "proto":
		return p.protocol(q, strings.TrimPrefix(word, "\\"), begin, valueAt)
	}
	if isLink(q.proto) {
		return p.mac(q, word, valueAt)
	}
	return p.address(q, word, begin, valueAt)
}

// port reads a port or a range.
func (p *parser) port(q qualifiers, word string, begin, valueAt int) (node, error) {
	protocols := []uint32{protoSCTP, protoTCP, protoUDP}
	if q.proto != "" {
		if q.proto != "tcp" && q.proto != "udp" && q.proto != "sctp" {
			return nil, p.fault(begin, "'"+q.proto+"' has no ports", "write tcp, udp or sctp, or nothing, in front of "+q.kind)
		}
		protocols = []uint32{transports[q.proto].number}
	}
	first, second, isRange := strings.Cut(word, "-")
	if _, named := services[word]; named || q.kind == "port" && isRange || !isRange {
		first, second = word, word
	}
	low, ok := portNumber(first)
	high, okHigh := portNumber(second)
	if !ok || !okHigh {
		hint := "write its number"
		if q.kind == "port" && isRange {
			hint = "write portrange for a range"
		}
		return nil, p.fault(valueAt, "'"+word+"' is no port that is known here", hint)
	}
	return p.at.ports(q.side, protocols, min(low, high), max(low, high)), nil
}

func portNumber(s string) (uint32, bool) {
	if v, ok := services[s]; ok {
		return v, true
	}
	v, err := strconv.ParseUint(s, 0, 16)
	return uint32(v), err == nil
}

// protocol reads what follows proto: of IP, or of Ethernet behind ether.
func (p *parser) protocol(q qualifiers, word string, begin, valueAt int) (node, error) {
	if q.side != anySide {
		return nil, p.fault(begin, "a protocol has no direction", "leave src and dst out")
	}
	if isLink(q.proto) {
		return p.etherProtocol(word, valueAt)
	}
	t := transport{ip4: q.proto != "ip6", ip6: q.proto != "ip"}
	if q.proto != "" && t.ip4 && t.ip6 {
		return nil, p.fault(begin, "proto goes with ip, ip6 and ether only", "")
	}
	v, err := strconv.ParseUint(word, 0, 8)
	t.number = uint32(v)
	if err != nil {
		known, named := transports[word]
		t.number = known.number
		if !named {
			if t.number, named = numbers[word]; !named {
				return nil, p.fault(valueAt, "'"+word+"' is no protocol that is known here", "write its number, up to 255")
			}
		}
	}
	return p.at.transport(t), nil
}

func (p *parser) etherProtocol(word string, valueAt int) (node, error) {
	if typ, ok := networks[word]; ok {
		return p.at.proto(typ), nil
	}
	v, err := strconv.ParseUint(word, 0, 16)
	if err != nil {
		return nil, p.fault(valueAt, "'"+word+"' is no EtherType that is known here", "write its number, as 0x88cc")
	}
	return p.at.proto(uint32(v)), nil
}

// mac reads an Ethernet address.
func (p *parser) mac(q qualifiers, word string, valueAt int) (node, error) {
	addr, err := net.ParseMAC(word)
	switch {
	case p.at.raw():
		return nil, p.fault(valueAt, "raw IP has no Ethernet addresses", "")
	case err != nil || len(addr) != 6 || q.kind == "net":
		return nil, p.fault(valueAt, "'"+word+"' is no Ethernet address", "write it as 02:00:00:00:00:01")
	}
	return p.at.mac(q.side, [6]byte(addr)), nil
}

// address reads an address, or with net a prefix: "10.0.0.0/8", "10",
// "10.0.0.0 mask 255.0.0.0", "2001:db8::/32".
func (p *parser) address(q qualifiers, word string, begin, valueAt int) (node, error) {
	if _, ok := transports[q.proto]; ok {
		return nil, p.fault(begin, "'"+q.proto+"' has no addresses of its own", "write '"+q.proto+" and host …'")
	}
	bits := ""
	if p.symbol("/") {
		bits = p.word()
		p.next()
		if q.kind != "net" {
			return nil, p.fault(valueAt, "a prefix is no host", "write net in front")
		}
	}
	if strings.Contains(word, ":") {
		return p.address6(q, word, bits, begin, valueAt)
	}
	addr, length, ok := dotted(word)
	if !ok {
		return nil, p.fault(valueAt, "'"+word+"' is no address", "names are not looked up: write the address")
	}
	if _, err := strconv.ParseUint(word, 0, 32); err == nil && q.kind != "net" {
		length, addr = 32, addr>>(32-length) // "host 10" is 0.0.0.10
	}
	mask := ^uint32(0) << (32 - length)
	if bits != "" {
		n, err := strconv.ParseUint(bits, 10, 8)
		if err != nil || n > 32 {
			return nil, p.fault(valueAt, "'/"+bits+"' is no length of an IPv4 prefix", "write 0 to 32")
		}
		mask = uint32(uint64(0xffffffff) << (32 - n))
	} else if q.kind == "net" && p.accept("mask") {
		m, length, ok := dotted(p.word())
		if !ok || length != 32 {
			return nil, p.fault(p.pos, "'"+p.word()+"' is no mask", "write it as 255.0.0.0")
		}
		p.next()
		mask = m
	}
	if addr&^mask != 0 {
		return nil, p.fault(valueAt, "'"+word+"' has bits outside of its mask", "write the network's own address, as 10.0.0.0/8")
	}
	return p.hosts4(q, addr, mask, begin)
}

func (p *parser) hosts4(q qualifiers, addr, mask uint32, begin int) (node, error) {
	switch q.proto {
	case "ip":
		return p.at.in4(q.side, addr, mask), nil
	case "arp", "rarp":
		return p.at.inARP(q.side, networks[q.proto], addr, mask), nil
	case "ip6":
		return nil, p.fault(begin, "this is no address of IPv6", "write ip, or nothing, in front")
	}
	return either(p.at.in4(q.side, addr, mask), p.at.inARP(q.side, etherARP, addr, mask), p.at.inARP(q.side, etherRARP, addr, mask)), nil
}

func (p *parser) address6(q qualifiers, word, bits string, begin, valueAt int) (node, error) {
	addr, err := netip.ParseAddr(word)
	if err != nil {
		return nil, p.fault(valueAt, "'"+word+"' is no address", "write it as 2001:db8::1")
	}
	if q.proto != "" && q.proto != "ip6" {
		return nil, p.fault(begin, "this is an address of IPv6", "write ip6, or nothing, in front")
	}
	length := uint64(128)
	if bits != "" {
		if length, err = strconv.ParseUint(bits, 10, 8); err != nil || length > 128 {
			return nil, p.fault(valueAt, "'/"+bits+"' is no length of an IPv6 prefix", "write 0 to 128")
		}
	}
	net := netip.PrefixFrom(addr, int(length))
	if net.Masked().Addr() != addr {
		return nil, p.fault(valueAt, "'"+word+"' has bits outside of its mask", "write the network's own address, as 2001:db8::/32")
	}
	return p.at.in6(q.side, net), nil
}

// dotted reads one to four numbers with dots, and returns them at the upper
// end, with the length of the prefix that they are.
func dotted(s string) (addr uint32, length int, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) == 1 {
		v, err := strconv.ParseUint(s, 0, 32)
		return short(uint32(v), err == nil)
	}
	if len(parts) > 4 {
		return 0, 0, false
	}
	var b [4]byte
	for i, part := range parts {
		v, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return 0, 0, false
		}
		b[i] = byte(v)
	}
	return binary.BigEndian.Uint32(b[:]), 8 * len(parts), true
}

// short moves a number to the upper end, as in "net 10".
func short(v uint32, ok bool) (uint32, int, bool) {
	length := 32
	for v != 0 && v&0xff000000 == 0 {
		v <<= 8
		length -= 8
	}
	return v, length, ok
}
