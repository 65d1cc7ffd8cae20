package filter

import "blindspot/capture"

// place is what words stand for at a point of the expression: "vlan" and
// "mpls" move everything behind them.
type place struct {
	link capture.LinkType
	tags int // VLAN tags in front of the network layer
	mpls int // labels
}

const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherRARP = 0x8035
	etherVLAN = 0x8100
	etherIPv6 = 0x86dd
	etherMPLS = 0x8847

	etherHeader = 14
	typeAt      = 12 // of an Ethernet frame
	tagSize     = 4
	labelSize   = 4
	maxLength   = 1500 // up to here it is no EtherType (IEEE 802.3, section 3.2.6)
)

func (at place) raw() bool { return at.link == capture.LinkRaw }

// inFrame is the number of tags that are in the frame.
func (at place) inFrame(p *program) uint32 {
	if p.beside && at.tags > 0 {
		return uint32(at.tags - 1)
	}
	return uint32(at.tags)
}

// etherType is where the EtherType is.
func (at place) etherType(p *program) uint32 { return typeAt + tagSize*at.inFrame(p) }

// network is where the network layer begins.
func (at place) network(p *program) uint32 {
	if at.raw() {
		return 0
	}
	return etherHeader + tagSize*at.inFrame(p) + labelSize*uint32(at.mpls)
}

// field is a place within a packet, of 1, 2 or 4 bytes.
type field struct {
	op     uint16
	offset func(p *program) uint32
	x      func(p *program) uint32 // where the IPv4 header is whose length is added; nil: none
}

func (at place) fromNetwork(op uint16, offset uint32) field {
	return field{op: op, offset: func(p *program) uint32 { return at.network(p) + offset }}
}

// test loads a field, and compares what is left under a mask.
func (f field) test(op uint16, mask, k uint32) node {
	return func(p *program, yes, no label) label {
		if yes == no {
			return yes
		}
		next := p.branch(op, k, yes, no)
		if mask != 0xffffffff {
			next = p.op(opAnd, mask, next)
		}
		load := f.op
		if f.x != nil {
			load += opLoadXWord - opLoadWord
		}
		next = p.op(load, f.offset(p), next)
		if f.x != nil {
			next = p.op(opLoadXIP, f.x(p), next)
		}
		return next
	}
}

func (f field) is(k uint32) node { return f.test(opJumpEqual, 0xffffffff, k) }

func (f field) masked(mask, k uint32) node { return f.test(opJumpEqual, mask, k) }

// between is for a range, both ends included.
func (f field) between(low, high uint32) node {
	return all(f.test(opJumpAtLeast, 0xffffffff, low), not(f.test(opJumpGreater, 0xffffffff, high)))
}

// proto is the condition that a network protocol follows.
func (at place) proto(typ uint32) node {
	switch {
	case at.mpls > 0:
		return at.protoBehindLabel(typ)
	case at.raw():
		return at.version(typ)
	case typ <= maxLength:
		lengthField := field{op: opLoadHalf, offset: at.etherType}
		return all(not(lengthField.test(opJumpGreater, 0xffffffff, maxLength)), at.fromNetwork(opLoadByte, 0).is(typ))
	}
	return field{op: opLoadHalf, offset: at.etherType}.is(typ)
}

// version tells IP by its first four bits.
func (at place) version(typ uint32) node {
	first := at.fromNetwork(opLoadByte, 0)
	switch typ {
	case etherIPv4:
		return first.masked(0xf0, 0x40)
	case etherIPv6:
		return first.masked(0xf0, 0x60)
	}
	return never
}

// protoBehindLabel holds behind the last label of a stack (RFC 3032, section 2.1).
func (at place) protoBehindLabel(typ uint32) node {
	if typ != etherIPv4 && typ != etherIPv6 {
		return never
	}
	return all(at.bottom(), at.version(typ))
}

// bottom says that the label in front of the network layer is the last one.
func (at place) bottom() node {
	last := field{op: opLoadByte, offset: func(p *program) uint32 { return at.network(p) - 2 }}
	return last.masked(1, 1)
}

// vlan is the condition for a tag, of a VLAN or of any (-1), and the place
// behind it.
func (at place) vlan(id int) (node, place) {
	behind := at
	behind.tags++
	typ := field{op: opLoadHalf, offset: at.etherType}
	tagged := either(typ.is(etherVLAN), typ.is(0x88a8), typ.is(0x9100))
	tag := field{op: opLoadHalf, offset: func(p *program) uint32 { return at.etherType(p) + 2 }}
	beside := field{op: opLoadByte, offset: func(*program) uint32 { return adVLANTag }}
	return func(p *program, yes, no label) label {
		if p.beside && at.tags == 0 {
			if id < 0 {
				return yes
			}
			return beside.masked(0xfff, uint32(id))(p, yes, no)
		}
		if id < 0 {
			return tagged(p, yes, no)
		}
		return all(tagged, tag.masked(0xfff, uint32(id)))(p, yes, no)
	}, behind
}

// label is the condition for an MPLS label, of a number or of any (-1), and
// the place behind it.
func (at place) label(number int) (node, place) {
	behind := at
	behind.mpls++
	is := not(at.bottom())
	if at.mpls == 0 {
		is = at.proto(etherMPLS)
	}
	if number >= 0 {
		is = all(is, at.fromNetwork(opLoadWord, 0).masked(0xfffff000, uint32(number)<<12))
	}
	return is, behind
}
