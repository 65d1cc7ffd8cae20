package kernel

import (
	"encoding/binary"

	"blindspot/capture"
)

// What is what the program of a cut-off takes a packet for.
type What uint8

// What a packet can be. The openers are those from which the table may learn
// of a handshake though it knows the flow: they pass, and end what was said of
// the flow before.
const (
	Unparsed What = iota // nothing that the program sees into: passes
	Fragment             // of IP: passes
	SYN                  // opener
	Hello                // opener: a TCP segment that begins with a hello
	LongForm             // opener: a QUIC long header
	DTLS                 // opener: a DTLS handshake or alert, an OpenVPN reset
	Closing              // FIN or RST: passes
	Exempt               // passes as well
	Data                 // is cut off where its flow is
)

// Opener reports whether a packet may begin a handshake.
func (w What) Opener() bool { return w >= SYN && w <= DTLS }

// EtherTypes, IP protocols and ports.
const (
	etherIPv4    = 0x0800
	etherIPv6    = 0x86dd
	etherTag     = 0x8100
	etherService = 0x88a8
	etherOldTag  = 0x9100
	etherBridged = 0x6558 // within GRE and GENEVE
	etherERSPAN  = 0x88be
	etherERSPAN3 = 0x22eb

	protoHopByHop    = 0
	protoIPv4        = 4
	protoTCP         = 6
	protoUDP         = 17
	protoIPv6        = 41
	protoRouting     = 43
	protoFragment    = 44
	protoGRE         = 47
	protoAH          = 51
	protoDestination = 60
)

// maxSteps bounds the tags, extension headers and tunnels of one packet.
const maxSteps = 12

// maxGTP bounds the extension headers of one GTP packet.
const maxGTP = 4

// tunnelKind is what the programs know of a tunnel over UDP.
type tunnelKind uint8

const (
	tunnelNone  tunnelKind = iota
	tunnelOther            // the decoder looks into it, the programs do not
	tunnelVXLAN
	tunnelGENEVE
	tunnelGTP
)

// Viewer says of packets in user space what the program says of them in the
// kernel. It must be told the same Config. It belongs to one goroutine.
type Viewer struct {
	link  capture.LinkType
	ports map[uint16]tunnelKind
	p     view
}

// view is the packet at hand.
type view struct {
	b        []byte // captured
	off, end int
	key      Key
	src, dst [16]byte
	steps    int
}

// NewViewer returns a Viewer for a program with cfg.
func NewViewer(cfg Config) *Viewer { return &Viewer{link: linkOf(cfg), ports: portsOf(cfg)} }

// View says what the program takes a packet for, and the key of one that may be
// cut off and of openers. Of a packet that the snaplen cut it may say Unparsed
// where the program had more to see; it never says anything else that the
// program does not.
func (v *Viewer) View(p *capture.Packet) (*Key, What) {
	x := &v.p
	x.b, x.off, x.end, x.steps = p.Data, 0, p.Length, maxSteps
	x.key = Key{}
	if p.Link != v.link {
		return nil, Unparsed
	}
	var w What
	switch {
	case v.link == capture.LinkEthernet:
		w = v.ethernet(false)
	case isRaw(v.link):
		w = v.ip()
	}
	return &x.key, w
}

// need returns n bytes at an offset, nil where they are not there.
func (x *view) need(at, n int) []byte {
	if at+n > len(x.b) {
		return nil
	}
	return x.b[at : at+n]
}

// push notes an encapsulation, and reports false where there are too many.
func (x *view) push(kind, id uint32) bool {
	k := &x.key
	if k.Kinds>>(8*(maxPath-1)) != 0 {
		return false
	}
	copy(k.IDs[1:], k.IDs[:])
	k.IDs[0] = id
	k.Kinds = k.Kinds<<8 | kind
	return true
}

// ethernet reads an Ethernet header. Of one within a tunnel the source is no
// group.
func (v *Viewer) ethernet(inner bool) What {
	x := &v.p
	b := x.need(x.off, 14)
	if b == nil || inner && b[6]&1 != 0 {
		return Unparsed
	}
	x.off += 14
	return v.etherType(be16(b[12:]))
}

func (v *Viewer) etherType(typ uint16) What {
	x := &v.p
	for {
		if x.steps--; x.steps == 0 {
			return Unparsed
		}
		switch typ {
		case etherIPv4:
			return v.ipv4()
		case etherIPv6:
			return v.ipv6()
		case etherBridged:
			return v.ethernet(true)
		case etherTag, etherService, etherOldTag:
		default:
			return Unparsed
		}
		b := x.need(x.off, 4)
		if b == nil {
			return Unparsed
		}
		if id := be16(b) & 0xfff; id != 0 && !x.push(kindVLAN, uint32(id)) {
			return Unparsed
		}
		typ = be16(b[2:])
		x.off += 4
	}
}

// ip reads an IP header of either version.
func (v *Viewer) ip() What {
	b := v.p.need(v.p.off, 1)
	switch {
	case b == nil:
	case b[0]>>4 == 4:
		return v.ipv4()
	case b[0]>>4 == 6:
		return v.ipv6()
	}
	return Unparsed
}

func (v *Viewer) ipv4() What {
	x := &v.p
	b := x.need(x.off, 20)
	if b == nil || b[0]>>4 != 4 || b[0]&15 < 5 {
		return Unparsed
	}
	header, total := int(b[0]&15)*4, int(be16(b[2:]))
	if total != 0 { // 0: segmentation offload made more than fits the field
		if total < header || total > x.end-x.off {
			return Unparsed
		}
		x.end = x.off + total
	}
	x.src, x.dst = mapped(b[12:]), mapped(b[16:])
	x.off += header
	if be16(b[6:])&0x3fff != 0 {
		return Fragment
	}
	return v.protocol(b[9])
}

func mapped(b []byte) (a [16]byte) {
	a[10], a[11] = 0xff, 0xff
	copy(a[12:], b[:4])
	return a
}

func (v *Viewer) ipv6() What {
	x := &v.p
	b := x.need(x.off, 40)
	if b == nil || b[0]>>4 != 6 {
		return Unparsed
	}
	if size := int(be16(b[4:])); size != 0 {
		if 40+size > x.end-x.off {
			return Unparsed
		}
		x.end = x.off + 40 + size
	}
	x.src, x.dst = [16]byte(b[8:24]), [16]byte(b[24:40])
	x.off += 40
	return v.protocol(b[6])
}

func (v *Viewer) protocol(next uint8) What {
	x := &v.p
	for {
		if x.steps--; x.steps == 0 {
			return Unparsed
		}
		switch next {
		case protoTCP:
			return v.tcp()
		case protoUDP:
			return v.udp()
		case protoGRE:
			return v.gre()
		case protoIPv4:
			if !x.push(kindIPIP, 0) {
				return Unparsed
			}
			return v.ipv4()
		case protoIPv6:
			if !x.push(kind6in4, 0) {
				return Unparsed
			}
			return v.ipv6()
		case protoHopByHop, protoRouting, protoDestination, protoFragment, protoAH:
		default:
			return Unparsed
		}
		b := x.need(x.off, 4)
		if b == nil {
			return Unparsed
		}
		switch next {
		case protoFragment:
			if be16(b[2:])&0xfff9 != 0 {
				return Fragment
			}
			x.off += 8
		case protoAH:
			x.off += max(12, (int(b[1])+2)*4)
		default:
			x.off += (int(b[1]) + 1) * 8
		}
		next = b[0]
	}
}

func (v *Viewer) tcp() What {
	x := &v.p
	b := x.need(x.off, 20)
	if b == nil || x.end-x.off < 20 {
		return Unparsed
	}
	size := int(b[12]>>4) * 4
	if size < 20 || size > x.end-x.off {
		return Unparsed
	}
	x.ends(b, protoTCP)
	flags := b[13]
	x.off += size
	if flags&2 != 0 {
		return SYN
	}
	if x.end-x.off >= 6 {
		b := x.need(x.off, 6)
		switch {
		case b == nil:
			return Unparsed
		case b[0] != 0x16 || b[1] != 3:
		case b[5] == 1 || b[5] == 2:
			return Hello
		default:
			return Exempt
		}
	}
	if flags&5 != 0 {
		return Closing
	}
	return Data
}

// ends writes the ends into the key, the lower one first.
func (x *view) ends(ports []byte, proto uint32) {
	k := &x.key
	k.Proto = proto
	s, d := native16(ports), native16(ports[2:])
	if lowerEnd(&x.src, s, &x.dst, d) {
		k.Lo, k.LoPort, k.Hi, k.HiPort = x.src, s, x.dst, d
	} else {
		k.Lo, k.LoPort, k.Hi, k.HiPort = x.dst, d, x.src, s
	}
}

// lowerEnd compares as the program does: the halves as numbers of the host.
func lowerEnd(a *[16]byte, ap uint16, b *[16]byte, bp uint16) bool {
	if x, y := binary.NativeEndian.Uint64(a[8:]), binary.NativeEndian.Uint64(b[8:]); x != y {
		return x < y
	}
	if x, y := binary.NativeEndian.Uint64(a[:]), binary.NativeEndian.Uint64(b[:]); x != y {
		return x < y
	}
	return ap <= bp
}

func (v *Viewer) udp() What {
	x := &v.p
	b := x.need(x.off, 8)
	if b == nil || x.end-x.off < 8 {
		return Unparsed
	}
	if size := int(be16(b[4:])); size != 0 {
		if size < 8 || size > x.end-x.off {
			return Unparsed
		}
		x.end = x.off + size
	}
	kind := v.ports[be16(b[2:])]
	if kind == tunnelNone {
		kind = v.ports[be16(b)]
	}
	x.off += 8
	switch kind {
	case tunnelVXLAN:
		return v.vxlan()
	case tunnelGENEVE:
		return v.geneve()
	case tunnelGTP:
		return v.gtp()
	case tunnelOther:
		return Unparsed
	}
	x.ends(b, protoUDP)
	return x.datagram()
}

func be16(b []byte) uint16     { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32     { return binary.BigEndian.Uint32(b) }
func native16(b []byte) uint16 { return binary.NativeEndian.Uint16(b) }
