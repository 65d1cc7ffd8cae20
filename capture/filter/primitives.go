package filter

import (
	"encoding/binary"
	"net/netip"
)

const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
	protoFrag6  = 44 // fragment header of IPv6 (RFC 8200, section 4.5)
)

// side is which address or port is meant.
type side uint8

const (
	anySide side = iota
	source
	destination
	bothSides
)

// sides combines the conditions on the two ends.
func (s side) of(src, dst node) node {
	switch s {
	case source:
		return src
	case destination:
		return dst
	case bothSides:
		return all(src, dst)
	}
	return either(src, dst)
}

// Offsets within the headers (RFC 791, section 3.1; RFC 8200, section 3).
const (
	ip4Fragment = 6
	ip4Protocol = 9
	ip4Source   = 12
	ip4Dest     = 16
	ip6Next     = 6
	ip6Source   = 8
	ip6Dest     = 24
	ip6Header   = 40
	arpSender   = 14 // of IPv4 over Ethernet (RFC 826)
	arpTarget   = 24
)

// ip4Proto and ip6Proto are the conditions for a protocol within IP. One
// fragment header of IPv6 is stepped over.
func (at place) ip4Proto(number uint32) node {
	return all(at.proto(etherIPv4), at.fromNetwork(opLoadByte, ip4Protocol).is(number))
}

func (at place) ip6Proto(number uint32) node {
	next := at.fromNetwork(opLoadByte, ip6Next)
	return all(at.proto(etherIPv6), either(next.is(number), all(next.is(protoFrag6), at.fromNetwork(opLoadByte, ip6Header).is(number))))
}

// prefix4 is the condition for IPv4 addresses at an offset of the network
// layer.
func (at place) prefix4(offset uint32, addr, mask uint32) node {
	if mask == 0 {
		return always
	}
	return at.fromNetwork(opLoadWord, offset).masked(mask, addr)
}

func (at place) prefix6(offset uint32, net netip.Prefix) node {
	addr, bits := net.Addr().As16(), net.Bits()
	var words []node
	for i := uint32(0); i < 16 && bits > 0; i, bits = i+4, bits-32 {
		mask := ^uint32(0)
		if bits < 32 {
			mask <<= 32 - bits
		}
		words = append(words, at.fromNetwork(opLoadWord, offset+i).masked(mask, binary.BigEndian.Uint32(addr[i:])&mask))
	}
	return all(words...)
}

func (at place) in4(s side, addr, mask uint32) node {
	return all(at.proto(etherIPv4), s.of(at.prefix4(ip4Source, addr, mask), at.prefix4(ip4Dest, addr, mask)))
}

func (at place) inARP(s side, typ, addr, mask uint32) node {
	return all(at.proto(typ), s.of(at.prefix4(arpSender, addr, mask), at.prefix4(arpTarget, addr, mask)))
}

func (at place) in6(s side, net netip.Prefix) node {
	return all(at.proto(etherIPv6), s.of(at.prefix6(ip6Source, net), at.prefix6(ip6Dest, net)))
}

// ports is the condition for ports from low to high with one of the
// protocols. Only the first fragment has any.
func (at place) ports(s side, protocols []uint32, low, high uint32) node {
	return either(
		all(at.proto(etherIPv6), anyOf(at.fromNetwork(opLoadByte, ip6Next), protocols),
			s.of(at.port6(0, low, high), at.port6(2, low, high))),
		all(at.proto(etherIPv4), anyOf(at.fromNetwork(opLoadByte, ip4Protocol), protocols), at.firstFragment(),
			s.of(at.port4(0, low, high), at.port4(2, low, high))))
}

func anyOf(f field, values []uint32) node {
	var nodes []node
	for _, v := range values {
		nodes = append(nodes, f.is(v))
	}
	return either(nodes...)
}

func (at place) firstFragment() node {
	return not(at.fromNetwork(opLoadHalf, ip4Fragment).test(opJumpSet, 0xffffffff, 0x1fff))
}

func (at place) port4(offset, low, high uint32) node {
	return port(field{op: opLoadHalf, offset: func(p *program) uint32 { return at.network(p) + offset }, x: at.network}, low, high)
}

func (at place) port6(offset, low, high uint32) node {
	return port(at.fromNetwork(opLoadHalf, ip6Header+offset), low, high)
}

func port(f field, low, high uint32) node {
	if low == high {
		return f.is(low)
	}
	return f.between(low, high)
}

// mac is the condition for an Ethernet address.
func (at place) mac(s side, addr [6]byte) node {
	of := func(offset uint32) node {
		return all(
			frame(opLoadWord, offset+2).is(binary.BigEndian.Uint32(addr[2:])),
			frame(opLoadHalf, offset).is(uint32(binary.BigEndian.Uint16(addr[:]))))
	}
	return s.of(of(6), of(0))
}

// frame is a field from the beginning of the packet.
func frame(op uint16, offset uint32) field {
	return field{op: op, offset: func(*program) uint32 { return offset }}
}

// length is the condition for the packet's length.
func length(op uint16, k uint32) node {
	return func(p *program, yes, no label) label { return p.op(opLoadLen, 0, p.branch(op, k, yes, no)) }
}
