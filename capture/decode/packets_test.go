package decode_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// Headers, written field by field as their RFCs draw them.

func be16(v ...int) (b []byte) {
	for _, v := range v {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func be32(v ...uint32) (b []byte) {
	for _, v := range v {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func addr(s string) []byte { return netip.MustParseAddr(s).AsSlice() }

// eth is an Ethernet II frame, padded to 60 bytes as on the wire.
func eth(typ int, payload ...[]byte) []byte {
	b := cat([]byte("\x00\x00\x5e\x00\x53\x02\x00\x00\x5e\x00\x53\x01"), be16(typ), cat(payload...))
	return append(b, bytes.Repeat([]byte{0xee}, max(0, 60-len(b)))...)
}

func tag(id, typ int) []byte { return be16(id, typ) }

// v4 is an IPv4 packet 10.0.0.1 > 10.0.0.2.
func v4(proto int, payload ...[]byte) []byte { return v4opt(proto, nil, 0, payload...) }

// v4opt has options, and a field of fragment flags and offset.
func v4opt(proto int, options []byte, fragment int, payload ...[]byte) []byte {
	body := cat(payload...)
	size := 20 + len(options)
	return cat([]byte{byte(0x40 | size/4), 0}, be16(size+len(body), 0x1234, fragment), []byte{64, byte(proto)}, be16(0),
		addr("10.0.0.1"), addr("10.0.0.2"), options, body)
}

// v6 is an IPv6 packet 2001:db8::1 > 2001:db8::2.
func v6(next int, payload ...[]byte) []byte {
	body := cat(payload...)
	return cat(be32(0x60000000), be16(len(body)), []byte{byte(next), 64}, addr("2001:db8::1"), addr("2001:db8::2"), body)
}

// ext is an extension header of 8 bytes, or longer with content.
func ext(next int, content ...byte) []byte {
	b := append([]byte{byte(next), 0}, content...)
	for len(b) < 8 || len(b)%8 != 0 {
		b = append(b, 1, byte(min(4, 8-len(b)%8-2)))[:len(b)+1] // PadN or what is left of it
	}
	b[1] = byte(len(b)/8 - 1)
	return b
}

func tcp(payload string) []byte { return tcpopt(nil, payload) }

func tcpopt(options []byte, payload string) []byte {
	return cat(be16(1000, 443), be32(0x01020304, 0x05060708), []byte{byte((20 + len(options)) / 4 << 4), 0x18}, be16(512, 0, 0), options, []byte(payload))
}

func udp(payload string) []byte { return cat(be16(1000, 443, 8+len(payload), 0), []byte(payload)) }

// cut is a frame of which n bytes are captured.
func cut(n int, b []byte) capture.Packet {
	return capture.Packet{Data: b[:n], Length: len(b), Link: capture.LinkEthernet}
}

func frame(b []byte) capture.Packet { return on(capture.LinkEthernet, b) }

func on(l capture.LinkType, b []byte) capture.Packet {
	return capture.Packet{Data: b, Length: len(b), Link: l}
}

const (
	tcp4 = "tcp 10.0.0.1:1000 > 10.0.0.2:443 seq 16909060 ack 84281096 flags 18"
	udp4 = "udp 10.0.0.1:1000 > 10.0.0.2:443"
	tcp6 = "tcp [2001:db8::1]:1000 > [2001:db8::2]:443 seq 16909060 ack 84281096 flags 18"
	udp6 = "udp [2001:db8::1]:1000 > [2001:db8::2]:443"
)

// show prints a segment in one line.
func show(s *decode.Segment) string {
	src := netip.AddrPortFrom(netip.AddrFrom16(s.Src).Unmap(), s.SrcPort)
	dst := netip.AddrPortFrom(netip.AddrFrom16(s.Dst).Unmap(), s.DstPort)
	var out string
	if s.Proto == decode.TCP {
		out = fmt.Sprintf("tcp %s > %s seq %d ack %d flags %x", src, dst, s.Seq, s.Ack, s.Flags)
	} else {
		out = fmt.Sprintf("udp %s > %s", src, dst)
	}
	out += fmt.Sprintf(" %q", s.Payload)
	if s.Missing != 0 {
		out += fmt.Sprintf(" missing %d", s.Missing)
	}
	if s.Tunnel.Count > 0 {
		out += " in " + s.Tunnel.String()
	}
	return out
}

// vector is what frames must give, one line for each; an empty line for none.
type vector struct {
	name   string
	frames []capture.Packet
	want   []string
	count  decode.Stats // what is counted beside Packets and segments
}

func one(name string, p capture.Packet, want string) vector {
	return vector{name: name, frames: []capture.Packet{p}, want: []string{want}}
}

func none(name string, p capture.Packet, count decode.Stats) vector {
	return vector{name: name, frames: []capture.Packet{p}, want: []string{""}, count: count}
}

var (
	nop      = []byte{1, 1, 1, 1}
	ahHeader = func(next int) []byte { return cat([]byte{byte(next), 4, 0, 0}, be32(1, 1, 2, 3, 4)) }
	sll1     = func(proto int) []byte { return cat(be16(0, 1, 6), make([]byte, 8), be16(proto)) }
	sll2     = func(proto int) []byte { return cat(be16(proto, 0), be32(3), be16(1), []byte{0, 6}, make([]byte, 8)) }
	snap     = []byte{0xaa, 0xaa, 3, 0, 0, 0}
	cmd17    = cat([]byte{1, 1}, be16(1, 17))
)

// vectors are the forms that packets have.
func vectors() []vector { return slices.Concat(plainVectors(), tunnelVectors(), linkVectors()) }

func plainVectors() []vector {
	jumbo := ext(6, 0xc2, 4, 0, 0, 0, 0)
	jumboSize := uint32(len(jumbo) + len(tcp("hi")))
	binary.BigEndian.PutUint32(jumbo[4:], jumboSize)
	tso := v4(6, tcp("hi"))
	tso[2], tso[3] = 0, 0
	bigTCP := v6(6, tcp("hi"))
	bigTCP[4], bigTCP[5] = 0, 0
	jumboFrame := v6(0, jumbo, tcp("hi"))
	jumboFrame[4], jumboFrame[5] = 0, 0
	return []vector{
		one("ipv4 tcp, padded", frame(eth(0x800, v4(6, tcp("hi")))), tcp4+hi),
		one("ipv4 tcp without payload, padded", frame(eth(0x800, v4(6, tcp("")))), tcp4+` ""`),
		one("ipv4 udp", frame(eth(0x800, v4(17, udp("hi")))), udp4+hi),
		one("ipv6 tcp", frame(eth(0x86dd, v6(6, tcp("hi")))), tcp6+hi),
		one("ipv6 udp", frame(eth(0x86dd, v6(17, udp("hi")))), udp6+hi),
		one("vlan", frame(eth(0x8100, tag(0x600c, 0x800), v4(6, tcp("hi")))), tcp4+hi+" in vlan:12"),
		one("vlan 0 is a priority", frame(eth(0x8100, tag(0x6000, 0x800), v4(6, tcp("hi")))), tcp4+hi),
		one("vlan ipv6 udp", frame(eth(0x8100, tag(4095, 0x86dd), v6(17, udp("hi")))), udp6+hi+" in vlan:4095"),
		one("802.1ad", frame(eth(0x88a8, tag(7, 0x8100), tag(12, 0x800), v4(6, tcp("hi")))), tcp4+hi+" in vlan:7/vlan:12"),
		one("qinq", frame(eth(0x9100, tag(7, 0x8100), tag(12, 0x86dd), v6(6, tcp("hi")))), tcp6+hi+" in vlan:7/vlan:12"),
		one("cisco metadata", frame(eth(0x8909, cmd17, be16(0x800), v4(6, tcp("hi")))), tcp4+hi+" in cmd:17"),
		one("cisco metadata in a vlan", frame(eth(0x8100, tag(12, 0x8909), cmd17, be16(0x800), v4(6, tcp("hi")))), tcp4+hi+" in vlan:12/cmd:17"),
		one("802.3 snap", frame(eth(8+42, snap, be16(0x800), v4(6, tcp("hi")))), tcp4+hi),
		one("802.3 llc", frame(eth(3+42, []byte{6, 6, 3}, v4(6, tcp("hi")))), tcp4+hi),
		one("ipv4 options", frame(eth(0x800, v4opt(6, nop, 0, tcp("hi")))), tcp4+hi),
		one("tcp options", frame(eth(0x800, v4(6, tcpopt(nop, "hi")))), tcp4+hi),
		one("do not fragment", frame(eth(0x800, v4opt(6, nil, 0x4000, tcp("hi")))), tcp4+hi),
		one("total length 0", on(capture.LinkRaw, tso), tcp4+hi),
		one("ipv6 length 0", on(capture.LinkRaw, bigTCP), tcp6+hi),
		one("jumbo payload", frame(eth(0x86dd, jumboFrame)), tcp6+hi),
		one("hop by hop", frame(eth(0x86dd, v6(0, ext(6), tcp("hi")))), tcp6+hi),
		one("routing, destination", frame(eth(0x86dd, v6(43, ext(60, 253, 0, 0, 0, 0, 0), ext(6), tcp("hi")))), tcp6+hi),
		one("authentication header", frame(eth(0x86dd, v6(51, ahHeader(6), tcp("hi")))), tcp6+hi),
		one("authentication header in ipv4", frame(eth(0x800, v4(51, ahHeader(17), udp("hi")))), udp4+hi),
		one("atomic fragment", frame(eth(0x86dd, v6(44, []byte{6, 0, 0, 0, 1, 2, 3, 4}, tcp("hi")))), tcp6+hi),
		one("raw ipv4", on(capture.LinkRaw, v4(6, tcp("hi"))), tcp4+hi),
		one("raw ipv6", on(capture.LinkRaw, v6(6, tcp("hi"))), tcp6+hi),
		one("raw 12", on(capture.LinkRaw12, v4(6, tcp("hi"))), tcp4+hi),
		one("raw 14", on(capture.LinkRaw14, v6(6, tcp("hi"))), tcp6+hi),
		one("link ipv4", on(capture.LinkIPv4, v4(6, tcp("hi"))), tcp4+hi),
		one("link ipv6", on(capture.LinkIPv6, v6(6, tcp("hi"))), tcp6+hi),
		one("null little endian", on(capture.LinkNull, cat([]byte{2, 0, 0, 0}, v4(6, tcp("hi")))), tcp4+hi),
		one("null big endian", on(capture.LinkNull, cat([]byte{0, 0, 0, 2}, v4(6, tcp("hi")))), tcp4+hi),
		one("null linux", on(capture.LinkNull, cat([]byte{10, 0, 0, 0}, v6(6, tcp("hi")))), tcp6+hi),
		one("null netbsd", on(capture.LinkNull, cat([]byte{24, 0, 0, 0}, v6(6, tcp("hi")))), tcp6+hi),
		one("null freebsd", on(capture.LinkNull, cat([]byte{28, 0, 0, 0}, v6(6, tcp("hi")))), tcp6+hi),
		one("null macos", on(capture.LinkNull, cat([]byte{30, 0, 0, 0}, v6(6, tcp("hi")))), tcp6+hi),
		one("null with ethertype", on(capture.LinkNull, cat([]byte{15, 0, 8, 0}, v4(17, udp("hi")))), udp4+hi),
		one("loop", on(capture.LinkLoop, cat([]byte{0, 0, 0, 24}, v6(17, udp("hi")))), udp6+hi),
		one("sll", on(capture.LinkLinuxSLL, cat(sll1(0x800), v4(6, tcp("hi")))), tcp4+hi),
		one("sll vlan", on(capture.LinkLinuxSLL, cat(sll1(0x8100), tag(12, 0x800), v4(6, tcp("hi")))), tcp4+hi+" in vlan:12"),
		one("sll llc", on(capture.LinkLinuxSLL, cat(sll1(4), snap, be16(0x86dd), v6(6, tcp("hi")))), tcp6+hi),
		one("sll2", on(capture.LinkLinuxSLL2, cat(sll2(0x86dd), v6(17, udp("hi")))), udp6+hi),

		one("payload cut", cut(14+20+20+3, eth(0x800, v4(6, tcp("hello, world")))), tcp4+` "hel" missing 9`),
		one("payload cut away", cut(14+20+20, eth(0x800, v4(6, tcp("hello, world")))), tcp4+` "" missing 12`),
		one("options cut", cut(14+20+22, eth(0x800, v4(6, tcpopt(nop, "hello, world")))), tcp4+` "" missing 12`),
		one("udp cut", cut(14+40+8+2, eth(0x86dd, v6(17, udp("hello, world")))), udp6+` "he" missing 10`),
		one("padding cut", cut(56, eth(0x800, v4(6, tcp("hi")))), tcp4+hi),
		one("total length 0, cut", capture.Packet{Data: tso[:41], Length: len(tso), Link: capture.LinkRaw}, tcp4+` "h" missing 1`),
		one("longer than the frame says", on(capture.LinkRaw, v4(6, tcp("hello"))[:42]), tcp4+` "he" missing 3`),

		none("arp", frame(eth(0x806, make([]byte, 28))), decode.Stats{NotIP: 1}),
		none("llc of another protocol", frame(eth(40, []byte{0x42, 0x42, 3})), decode.Stats{NotIP: 1}),
		none("icmp", frame(eth(0x800, v4(1, []byte{3, 3, 0, 0, 0, 0, 0, 0}, v4(6, tcp("hi"))))), decode.Stats{Other: 1}),
		none("no next header", frame(eth(0x86dd, v6(59))), decode.Stats{Other: 1}),
		none("unknown link type", on(147, []byte("abc")), decode.Stats{UnknownLink: 1}),
		none("unknown link type, high", on(0xffff, []byte("abc")), decode.Stats{UnknownLink: 1}),
		none("unknown family", on(capture.LinkNull, []byte{7, 0, 0, 0, 1, 2, 3}), decode.Stats{NotIP: 1}),
		none("empty frame", frame(nil), decode.Stats{MalformedLink: 1}),
		none("header length below 20", on(capture.LinkRaw, cat([]byte{0x44}, v4(6, tcp("hi"))[1:])), decode.Stats{MalformedIPv4: 1}),
		none("version 5 in ipv4", frame(eth(0x800, cat([]byte{0x55}, v4(6, tcp("hi"))[1:]))), decode.Stats{MalformedIPv4: 1}),
		none("version 4 in ipv6", frame(eth(0x86dd, v4(6, tcp("hi, this is longer than ipv6")))), decode.Stats{MalformedIPv6: 1}),
		none("total length below the header", on(capture.LinkRaw, cat([]byte{0x45, 0, 0, 19}, v4(6, tcp("hi"))[4:])), decode.Stats{MalformedIPv4: 1}),
		none("ip header cut", cut(30, eth(0x800, v4(6, tcp("hi")))), decode.Stats{TruncatedHeader: 1}),
		none("tcp header cut", cut(53, eth(0x800, v4(6, tcp("hello, world")))), decode.Stats{TruncatedHeader: 1}),
		none("tcp header incomplete", on(capture.LinkRaw, v4(6, tcp("")[:19])), decode.Stats{MalformedTCP: 1}),
		none("tcp data offset below 5", on(capture.LinkRaw, v4(6, be16(1000, 443), be32(1, 2), []byte{0x40, 0x18}, be16(1, 1, 1))), decode.Stats{MalformedTCP: 1}),
		none("tcp data offset past the end", on(capture.LinkRaw, v4(6, be16(1000, 443), be32(1, 2), []byte{0x60, 0x18}, be16(1, 1, 1))), decode.Stats{MalformedTCP: 1}),
		none("udp length below 8", on(capture.LinkRaw, v4(17, be16(1000, 443, 7, 0))), decode.Stats{MalformedUDP: 1}),
		none("extension past the end", on(capture.LinkRaw, v6(0, []byte{6, 9, 0, 0, 0, 0, 0, 0})), decode.Stats{MalformedIPv6: 1}),
		none("too many extensions", on(capture.LinkRaw, v6(0, bytes.Repeat(ext(60), 40), ext(6), tcp("hi"))), decode.Stats{TooDeep: 1}),
		none("too many vlans", frame(eth(0x8100, bytes.Repeat(tag(1, 0x8100), 40), tag(1, 0x800), v4(6, tcp("hi")))), decode.Stats{TooDeep: 1}),
		none("too many priorities", frame(eth(0x8100, bytes.Repeat(tag(0, 0x8100), 40), tag(0, 0x800), v4(6, tcp("hi")))), decode.Stats{TooDeep: 1}),
		none("too many authentication headers", on(capture.LinkRaw, v4(51, bytes.Repeat(ahHeader(51), 40), ahHeader(6), tcp("hi"))), decode.Stats{TooDeep: 1}),
	}
}

// fragments4 cuts the payload of an IPv4 packet at multiples of eight.
func fragments4(proto int, body []byte, cuts ...int) (frames []capture.Packet) {
	from := 0
	for _, to := range append(slices.Clone(cuts), len(body)) {
		field := from / 8
		if to < len(body) {
			field |= 0x2000
		}
		frames = append(frames, frame(eth(0x800, v4opt(proto, nil, field, body[from:to]))))
		from = to
	}
	return frames
}

func fragments6(next int, body []byte, cuts ...int) (frames []capture.Packet) {
	from := 0
	for _, to := range append(slices.Clone(cuts), len(body)) {
		field := from
		if to < len(body) {
			field |= 1
		}
		frames = append(frames, frame(eth(0x86dd, v6(44, []byte{byte(next), 0}, be16(field), be32(77), body[from:to]))))
		from = to
	}
	return frames
}

var long = strings.Repeat("0123456789abcdef", 10)

func le16(v ...int) (b []byte) {
	for _, v := range v {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
