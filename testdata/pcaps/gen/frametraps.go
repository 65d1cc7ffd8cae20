//go:build linux

package main

import (
	"encoding/binary"
	"slices"
)

// Frame traps: other link types, tags, fragments, padding.
var frameTraps = []trap{
	{name: "frame-vlan.pcap", point: "802.1Q", change: tagAll(vlan(12)), truth: inTunnel("vlan:12")},
	{name: "frame-qinq.pcap", point: "802.1ad around 802.1Q", change: tagAll([]byte{0x88, 0xa8, 0x00, 100}, vlan(12)), truth: inTunnel("vlan:100", "vlan:12")},
	{name: "frame-qinq-9100.pcap", point: "the older ethertype 0x9100 around 802.1Q", change: tagAll([]byte{0x91, 0x00, 0x00, 100}, vlan(12)), truth: inTunnel("vlan:100", "vlan:12")},
	{name: "frame-priority-tag.pcap", point: "802.1Q with VLAN 0", change: tagAll(vlan(0))},
	{name: "frame-cmd.pcap", point: "Cisco MetaData (security group tag)", change: tagAll(ciscoMetaData), truth: inTunnel("cmd:7")},
	{name: "frame-vlan-cmd.pcap", point: "Cisco MetaData inside 802.1Q", change: tagAll(vlan(12), ciscoMetaData), truth: inTunnel("vlan:12", "cmd:7")},
	{name: "frame-trailer.pcap", point: "bytes behind the IP packet that look like a TLS record", packets: func(s segment) [][]byte {
		return [][]byte{append(s.bytes(), 0x16, 0x03, 0x01, 0x00, 0x02, 0x01, 0x00)}
	}},
	{name: "frame-padding.pcap", point: "short packets padded to the 60 bytes of Ethernet (TCP without options)", packets: padded},
	{name: "frame-no-length.pcap", point: "IPv4 total length 0, as segmentation offload leaves it", packets: withoutLength},
	{name: "frame-ip4-options.pcap", point: "IPv4 headers with options", packets: func(s segment) [][]byte {
		c := s.clone()
		c.ip = append(c.ip, 0x94, 4, 0, 0) // router alert, RFC 2113
		c.ip[0] = 0x46
		return [][]byte{c.bytes()}
	}},
	{name: "frame-ip4-fragments.pcap", point: "IPv4 fragments of 400 bytes", packets: func(s segment) [][]byte { return fragments4(s, 400) }},
	{name: "frame-ip4-fragments-reversed.pcap", point: "IPv4 fragments of 64 bytes, the last one first", packets: func(s segment) [][]byte {
		f := fragments4(s, 64)
		slices.Reverse(f)
		return f
	}},
	{name: "frame-ip4-fragments-doubled.pcap", point: "IPv4 fragments, each of them twice", packets: func(s segment) (out [][]byte) {
		for _, f := range fragments4(s, 400) {
			out = append(out, f, f)
		}
		return out
	}},
	{name: "frame-ip6-fragments.pcap", base: "go-mlkem6", point: "IPv6 fragments of 400 bytes", packets: func(s segment) [][]byte { return fragments6(s, 400) }},
	{name: "frame-ip6-fragments-reversed.pcap", base: "go-mlkem6", point: "IPv6 fragments of 64 bytes, the last one first", packets: func(s segment) [][]byte {
		f := fragments6(s, 64)
		slices.Reverse(f)
		return f
	}},
	{name: "frame-ip6-extensions.pcap", base: "go-mlkem6", point: "IPv6 hop-by-hop, routing and destination options headers", packets: extensions6},
	{name: "frame-ip6-jumbo.pcap", base: "go-mlkem6", point: "IPv6 payload length 0 with a jumbo payload option (RFC 2675), as large receive offload writes it", packets: jumbo6, lenient: true},
	{name: "link-raw.pcap", point: "link type RAW", link: linkRaw, packets: func(s segment) [][]byte { return [][]byte{s.network(s.transport())} }},
	{name: "link-raw6.pcap", base: "go-mlkem6", point: "link type RAW with IPv6", link: linkRaw, packets: func(s segment) [][]byte { return [][]byte{s.network(s.transport())} }},
	{name: "link-ipv4.pcap", point: "link type IPV4", link: 228, packets: func(s segment) [][]byte { return [][]byte{s.network(s.transport())} }},
	{name: "link-ipv6.pcap", base: "go-mlkem6", point: "link type IPV6", link: 229, packets: func(s segment) [][]byte { return [][]byte{s.network(s.transport())} }},
	{name: "link-null.pcap", null: true, point: "link type NULL: the family in the byte order of the machine", packets: func(s segment) [][]byte {
		return [][]byte{append([]byte{2, 0, 0, 0}, s.network(s.transport())...)}
	}},
	{name: "link-loop.pcap", point: "link type LOOP: the family in network byte order", link: linkLoop, packets: func(s segment) [][]byte {
		return [][]byte{append([]byte{0, 0, 0, 2}, s.network(s.transport())...)}
	}},
	{name: "link-loop6.pcap", base: "go-mlkem6", point: "link type LOOP with IPv6, by the number of OpenBSD (24)", link: linkLoop, packets: func(s segment) [][]byte {
		return [][]byte{append([]byte{0, 0, 0, 24}, s.network(s.transport())...)}
	}},
	{name: "link-sll-vlan.pcap", point: "Linux cooked v1 with a VLAN tag", link: linkSLL, truth: inTunnel("vlan:12"), packets: func(s segment) [][]byte {
		head := append([]byte{0, 0, 0, 1, 0, 6}, s.eth[6:12]...)
		head = append(head, 0, 0, 0x81, 0x00, 0, 12, s.eth[12], s.eth[13])
		return [][]byte{append(head, s.network(s.transport())...)}
	}},
}

// ciscoMetaData is ethertype 0x8909, version 1, length 1, option SGT 7.
var ciscoMetaData = []byte{0x89, 0x09, 1, 1, 0, 1, 0, 7}

func vlan(id byte) []byte { return []byte{0x81, 0x00, 0, id} }

// tagged puts a tag between the addresses and the type.
func (s segment) tagged(tag []byte) segment {
	c := s.clone()
	c.eth = slices.Insert(c.eth, 12, tag...)
	return c
}

// tagAll tags every packet, outermost first.
func tagAll(tags ...[]byte) func([]segment) []segment {
	return eachSegment(func(s segment) []segment {
		for _, t := range slices.Backward(tags) {
			s = s.tagged(t)
		}
		return []segment{s}
	})
}

// padded drops the TCP options, so that packets without data are short enough
// to be padded. The padding is not zero, as with careless network cards.
func padded(s segment) [][]byte {
	c := s.clone()
	c.tcp = c.tcp[:20]
	c.tcp[12] = 5 << 4
	b := c.bytes()
	for fill := []byte("\x16\x03\x01\x02"); len(b) < 60; {
		b = append(b, fill[len(b)%4])
	}
	return [][]byte{b}
}

func withoutLength(s segment) [][]byte {
	b := s.bytes()
	if s.hasData() {
		ip := b[len(s.eth):]
		be.PutUint16(ip[2:], 0)
		be.PutUint16(ip[10:], 0)
		be.PutUint16(ip[10:], checksum(ip[:len(s.ip)]))
	}
	return [][]byte{b}
}

// fragments4 cuts a packet into IPv4 fragments (RFC 791 §2.3) of size bytes.
func fragments4(s segment, size int) (out [][]byte) {
	body := s.transport()
	if len(body) <= size {
		return [][]byte{s.bytes()}
	}
	for off := 0; off < len(body); off += size {
		end := min(off+size, len(body))
		c := s.clone()
		field := uint16(off / 8)
		if end < len(body) {
			field |= 0x2000 // more fragments
		}
		binary.BigEndian.PutUint16(c.ip[6:], field)
		out = append(out, append(slices.Clone(c.eth), c.network(body[off:end])...))
	}
	return out
}

// fragments6 cuts a packet into IPv6 fragments (RFC 8200 §4.5) of size bytes.
func fragments6(s segment, size int) (out [][]byte) {
	body := s.transport()
	if len(body) <= size {
		return [][]byte{s.bytes()}
	}
	id := be.Uint32(s.tcp[4:]) // something that differs from packet to packet
	if !s.udp() {
		id ^= be.Uint32(s.tcp[8:])
	}
	for off := 0; off < len(body); off += size {
		end := min(off+size, len(body))
		c := s.clone()
		c.ip[6] = 44
		field := uint16(off)
		if end < len(body) {
			field |= 1
		}
		head := be.AppendUint32(be.AppendUint16([]byte{s.protocol(), 0}, field), id)
		out = append(out, append(slices.Clone(c.eth), c.network(append(head, body[off:end]...))...))
	}
	return out
}

// extensions6 puts three extension headers in front of TCP (RFC 8200 §4).
func extensions6(s segment) [][]byte {
	c := s.clone()
	c.ip[6] = 0
	head := []byte{43, 0, 1, 4, 0, 0, 0, 0} // hop-by-hop: PadN; routing follows
	head = append(head, 60, 2, 4, 0, 0, 0, 0, 0)
	head = append(head, c.ip[24:40]...)                // routing type 4 (RFC 8754), one segment, none left
	head = append(head, 6, 1, 1, 10, 0, 0, 0, 0, 0, 0) // destination options: PadN
	head = append(head, make([]byte, 6)...)
	return [][]byte{append(slices.Clone(c.eth), c.network(append(head, s.transport()...))...)}
}

func jumbo6(s segment) [][]byte {
	if !s.hasData() {
		return [][]byte{s.bytes()}
	}
	c := s.clone()
	c.ip[6] = 0
	body := s.transport()
	head := be.AppendUint32([]byte{6, 0, 0xc2, 4}, uint32(8+len(body)))
	b := c.network(append(head, body...))
	be.PutUint16(b[4:], 0)
	return [][]byte{append(slices.Clone(c.eth), b...)}
}
