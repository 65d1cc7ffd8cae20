//go:build linux

package main

import (
	"slices"
	"strings"
)

// Tunnel traps: one handshake of TLS 1.2, inside of what a mirror or a network
// may put around it. Outside are 10.78.0.1 (the client's side) and 10.78.0.2.
var tunnelTraps = slices.Concat([]trap{
	wrap("tunnel-gre", "GRE with IP inside", gre(0, 0x0800, nil, segment.packet), "gre"),
	wrap("tunnel-gre-key", "GRE with checksum, key and sequence number", gre(0xb000, 0x0800, []byte{0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1}, segment.packet), "gre:7"),
	wrap("tunnel-gre-ethernet", "GRE with a bridged frame inside (transparent Ethernet bridging)", gre(0, 0x6558, nil, segment.bytes), "gre"),
	wrap("tunnel-erspan1", "ERSPAN type I: no header", gre(0, 0x88be, nil, segment.bytes), "erspan"),
	wrap("tunnel-erspan2", "ERSPAN type II", gre(0x1000, 0x88be, []byte{0, 0, 0, 1, 0x10, 12, 0x18, 100, 0, 0, 0, 3}, segment.bytes), "erspan:100"),
	wrap("tunnel-erspan3", "ERSPAN type III with a platform's subheader", gre(0x1000, 0x22eb, []byte{0, 0, 0, 1, 0x20, 12, 0, 101, 0, 0, 0, 9, 0, 0, 0, 1, 0x04, 0, 0, 0, 0, 0, 0, 0}, segment.bytes), "erspan:101"),
	wrap("tunnel-ipip", "IPv4 in IPv4", inIP4(4, segment.packet), "ipip"),
	wrap("tunnel-ah", "an Authentication Header: signed, and in the clear", inIP4(51, func(s segment) []byte {
		return append(append([]byte{4, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, make([]byte, 12)...), s.packet()...) // RFC 4302, tunnel mode
	}), "ipip"),
	wrap("tunnel-mpls", "MPLS, two labels", ethernetOf(0x8847, func(s segment) []byte {
		return append([]byte{0, 0x01, 0x00, 64, 0, 0x01, 0x11, 63}, s.packet()...)
	}), "mpls:16", "mpls:17"),
	wrap("tunnel-mpls-null", "MPLS, explicit null", ethernetOf(0x8847, func(s segment) []byte {
		return append([]byte{0, 0, 0x01, 64}, s.packet()...)
	}), "mpls:0"),
	pseudowire(wrap("tunnel-pseudowire", "Ethernet in MPLS without a control word", ethernetOf(0x8847, func(s segment) []byte {
		return append([]byte{0, 0x06, 0x41, 64}, s.bytes()...)
	}), "mpls:100"), "pwethnocw"),
	pseudowire(wrap("tunnel-pseudowire-control", "Ethernet in MPLS with a control word", ethernetOf(0x8847, func(s segment) []byte {
		return append([]byte{0, 0x06, 0x41, 64, 0, 0, 0, 0}, s.bytes()...)
	}), "mpls:100"), "pwethcw"),
	wrap("tunnel-pppoe", "a PPPoE session", ethernetOf(0x8864, func(s segment) []byte {
		return append(be.AppendUint16([]byte{0x11, 0, 0, 9}, uint16(2+len(s.packet()))), append([]byte{0, 0x21}, s.packet()...)...)
	}), "pppoe:9"),
	wrap("tunnel-vxlan-vlan", "VXLAN with a VLAN inside", inUDP(4789, vxlanHeader(0x08, 0, 42), func(s segment) []byte { return s.tagged(vlan(7)).bytes() }), "vxlan:42", "vlan:7"),
	tshark([]string{"-d", "udp.port==8472,vxlan"}, wrap("tunnel-vxlan-8472", "VXLAN on the port that Linux had for it first", inUDP(8472, vxlanHeader(0x08, 0, 5), segment.bytes), "vxlan:5")),
	wrap("tunnel-vxlan-gpe", "VXLAN-GPE with IP inside", inUDP(4790, vxlanHeader(0x0c, 1, 8), segment.packet), "vxlan:8"),
	wrap("tunnel-nsh", "VXLAN-GPE with NSH (MD type 2) and a frame inside", inUDP(4790, append(vxlanHeader(0x0c, 4, 8), 0x0f, 0xc2, 2, 3, 0, 0, 5, 255), segment.bytes), "vxlan:8", "nsh:5"),
	wrap("tunnel-geneve", "GENEVE with two options and a frame inside", inUDP(6081, []byte{5, 0, 0x65, 0x58, 0, 0, 77, 0, 1, 2, 3, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 4, 1, 0, 0, 0, 3}, segment.bytes), "geneve:77"),
	wrap("tunnel-geneve-ip", "GENEVE with IP inside", inUDP(6081, []byte{0, 0, 0x08, 0, 0, 0, 78, 0}, segment.packet), "geneve:78"),
	wrap("tunnel-gtp", "GTP-U with a sequence number and an extension header", ip4UDP(2152, func(s segment) []byte {
		head := []byte{0, 1, 0, 0x85, 1, 0x10, 9, 0} // sequence 1, no N-PDU; PDU session container
		b := be.AppendUint16([]byte{0x36, 255}, uint16(len(head)+len(s.packet())))
		return append(append(append(b, 0, 0, 0x12, 0x34), head...), s.packet()...)
	}), "gtp:4660"),
	wrap("tunnel-l2tp", "L2TP version 2 with PPP inside", ip4UDP(1701, func(s segment) []byte {
		b := be.AppendUint16([]byte{0x40, 2}, uint16(8+4+len(s.packet())))
		return append(append(b, 0, 3, 0, 4, 0xff, 3, 0, 0x21), s.packet()...)
	}), "l2tp:4"),
	wrap("tunnel-capwap", "CAPWAP with frames of an access point inside", inUDP(5247, []byte{0, 2 << 3, 0x02, 0, 0, 0, 0, 0}, segment.bytes), "capwap"),
	tshark([]string{"-o", "capwap.swap_fc:FALSE"}, wrap("tunnel-capwap-wifi", "CAPWAP with 802.11 frames inside", inUDP(5247, []byte{0, 2 << 3, 0x43, 0, 0, 0, 0, 0}, segment.wifi), "capwap")),
	wrap("tunnel-nested", "VXLAN in GRE in a VLAN", func(s segment) []byte {
		udp := func(s segment) []byte {
			return outerIP4(s, 17, outerUDP(s, 4789, append(vxlanHeader(0x08, 0, 5), s.bytes()...)))
		}
		return segmentOf(gre(0, 0x0800, nil, udp)(s)).tagged(vlan(12)).frame()
	}, "vlan:12", "gre", "vxlan:5"),
	inAndOut(wrap("tunnel-both", "each packet once bare and once in VXLAN", nil)),
}, tunnel6Traps)

// tunnel6Traps hold IPv6.
var tunnel6Traps = []trap{
	over6(wrap("tunnel-6in4", "IPv6 in IPv4", inIP4(41, segment.packet), "6in4")),
	wrap("tunnel-4in6", "IPv4 in IPv6", func(s segment) []byte { return append(outerEthernet(0x86dd), outerIP6(s, 4, s.packet())...) }, "4in6"),
	wrap("tunnel-gre6", "GRE over IPv6", func(s segment) []byte {
		return append(outerEthernet(0x86dd), outerIP6(s, 47, append([]byte{0, 0, 8, 0}, s.packet()...))...)
	}, "gre"),
	teredoed(over6(wrap("tunnel-teredo", "Teredo, with an origin indication", ip4UDP(3544, func(s segment) []byte {
		return append([]byte{0, 0, 0x63, 0xc0, 0x34, 0x87, 0xff, 0xfe}, s.packet()...)
	}), "teredo"))),
}

// wrap makes a trap of what a frame becomes.
func wrap(name, point string, frame func(segment) []byte, words ...string) trap {
	return trap{
		name: name + ".pcap", point: point, change: firstFlow,
		packets: func(s segment) [][]byte { return [][]byte{frame(s)} },
		truth: func(l *lab) {
			l.truth.Handshakes = l.truth.Handshakes[:1]
			l.truth.Handshakes[0].Tunnel = words
		},
	}
}

// over6 bases a trap on IPv6.
func over6(t trap) trap {
	t.base = "go-mlkem6"
	return t
}

// pseudowire tells tshark what a label carries.
func pseudowire(t trap, dissector string) trap {
	return tshark([]string{"-d", "mpls.label==100," + dissector}, t)
}

// tshark tells tshark what it does not know by itself.
func tshark(args []string, t trap) trap {
	truth := t.truth
	t.truth = func(l *lab) {
		l.decodeAs = args
		truth(l)
	}
	return t
}

// inAndOut delivers each packet bare, and shortly after in VXLAN.
func inAndOut(t trap) trap {
	truth := t.truth
	t.packets = func(s segment) [][]byte {
		return [][]byte{s.bytes(), inUDP(4789, vxlanHeader(0x08, 0, 42), segment.bytes)(s)}
	}
	t.truth = func(l *lab) {
		truth(l)
		l.truth.Handshakes[0].InAndOut = true
	}
	return t
}

// teredoed gives the client an address of Teredo's (RFC 4380 §4).
func teredoed(t trap) trap {
	truth := t.truth
	t.change = func(list []segment) []segment {
		return eachSegment(func(s segment) []segment {
			c := s.clone()
			at := 24
			if c.fromCli() {
				at = 8
			}
			copy(c.ip[at:], teredoClient)
			return []segment{c}
		})(firstFlow(list))
	}
	t.truth = func(l *lab) {
		truth(l)
		h := l.truth.Handshakes[0]
		h.Client = "[2001:0:cb00:7101:0:9c3f:f5b1:feff]" + h.Client[strings.LastIndex(h.Client, ":"):]
	}
	return t
}

// teredoClient is behind the server 203.0.113.1, at 10.78.1.0 port 25536 as the
// origin indication says.
var teredoClient = []byte{0x20, 0x01, 0, 0, 0xcb, 0, 0x71, 1, 0, 0, 0x9c, 0x3f, 0xf5, 0xb1, 0xfe, 0xff}

// firstFlow keeps the first connection: a server of TLS 1.2.
func firstFlow(list []segment) []segment {
	return keep(func(s segment) bool { return s.cliPort() == list[0].cliPort() })(list)
}

// packet is the IP packet without the frame around it.
func (s segment) packet() []byte { return s.network(s.transport()) }

// outerEthernet is a frame's header.
func outerEthernet(typ uint16) []byte {
	return be.AppendUint16([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, typ)
}

func ethernetOf(typ uint16, body func(segment) []byte) func(segment) []byte {
	return func(s segment) []byte { return append(outerEthernet(typ), body(s)...) }
}

// outerIP4 is an IPv4 packet between the tunnel's ends.
func outerIP4(s segment, protocol byte, body []byte) []byte {
	head := be.AppendUint16([]byte{0x45, 0}, uint16(20+len(body)))
	head = append(head, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 78, 0, 1, 10, 78, 0, 2)
	if !s.fromCli() {
		head[15], head[19] = 2, 1
	}
	be.PutUint16(head[10:], checksum(head))
	return append(head, body...)
}

// outerIP6 is an IPv6 packet between the tunnel's ends.
func outerIP6(s segment, next byte, body []byte) []byte {
	head := append(be.AppendUint16([]byte{0x60, 0, 0, 0}, uint16(len(body))), next, 64)
	a, b := byte(1), byte(2)
	if !s.fromCli() {
		a, b = b, a
	}
	for _, end := range []byte{a, b} {
		head = append(head, 0xfd, 0x78, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, end)
	}
	return append(head, body...)
}

// outerUDP is a datagram from a port that depends on the flow, as tunnels have it.
func outerUDP(s segment, port uint16, body []byte) []byte {
	from := 49152 + uint16(s.cliPort()&0x3fff)
	b := be.AppendUint16(be.AppendUint16(be.AppendUint16(nil, from), port), uint16(8+len(body)))
	return append(append(b, 0, 0), body...)
}

func inIP4(protocol byte, body func(segment) []byte) func(segment) []byte {
	return ethernetOf(0x0800, func(s segment) []byte { return outerIP4(s, protocol, body(s)) })
}

func ip4UDP(port uint16, body func(segment) []byte) func(segment) []byte {
	return inIP4(17, func(s segment) []byte { return outerUDP(s, port, body(s)) })
}

func inUDP(port uint16, head []byte, body func(segment) []byte) func(segment) []byte {
	return ip4UDP(port, func(s segment) []byte { return append(slices.Clone(head), body(s)...) })
}

// gre is a GRE header with its options before a body (RFC 2890). Where the flags
// have one, the checksum is the first of the options.
func gre(flags, typ uint16, options []byte, body func(segment) []byte) func(segment) []byte {
	return inIP4(47, func(s segment) []byte {
		b := append(be.AppendUint16(be.AppendUint16(nil, flags), typ), options...)
		b = append(b, body(s)...)
		if flags&0x8000 != 0 {
			be.PutUint16(b[4:], checksum(b))
		}
		return b
	})
}

// vxlanHeader is that of RFC 7348 §5, with a next protocol as VXLAN-GPE has it.
func vxlanHeader(flags, next, vni byte) []byte { return []byte{flags, 0, 0, next, 0, 0, vni, 0} }

// segmentOf is a frame with its Ethernet header apart.
func segmentOf(frame []byte) segment { return segment{eth: frame[:14:14], payload: frame[14:]} }

// frame is a segment of segmentOf put together again.
func (s segment) frame() []byte { return append(slices.Clone(s.eth), s.payload...) }

// wifi is the packet in an 802.11 data frame from a station to its access point,
// or back (IEEE 802.11 §9.3.2), with LLC/SNAP.
func (s segment) wifi() []byte {
	dst, src, bss := s.eth[:6], s.eth[6:12], []byte{2, 0, 0, 0, 0, 9}
	b := []byte{0x08, 0x01, 0, 0}
	if s.fromCli() {
		b = append(append(append(b, bss...), src...), dst...)
	} else {
		b[1] = 0x02
		b = append(append(append(b, dst...), bss...), src...)
	}
	b = append(b, 0x10, 0, 0xaa, 0xaa, 3, 0, 0, 0, s.eth[12], s.eth[13])
	b = append(b, s.packet()...)
	return b
}
