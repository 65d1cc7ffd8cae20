package decode_test

import (
	"bytes"
	"fmt"
	"slices"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// outerUDP begins the line of a datagram whose tunnel was not taken off.
const outerUDP = "udp 192.0.2.1:"

// out4 is an IPv4 packet 192.0.2.1 > 192.0.2.2 around a tunnel.
func out4(proto int, payload ...[]byte) []byte {
	b := v4(proto, payload...)
	copy(b[12:], addr("192.0.2.1"))
	copy(b[16:], addr("192.0.2.2"))
	return b
}

// out6 is an IPv6 packet 2001:db8:f::1 > 2001:db8:f::2.
func out6(next int, payload ...[]byte) []byte {
	b := v6(next, payload...)
	copy(b[8:], addr("2001:db8:f::1"))
	copy(b[24:], addr("2001:db8:f::2"))
	return b
}

// over is a frame with a datagram of a tunnel.
func over(port int, payload ...[]byte) capture.Packet {
	body := cat(payload...)
	return frame(eth(0x800, out4(17, be16(source(port), port, 8+len(body), 0), body)))
}

// source is the other port of a tunnel: one for each, since tshark remembers
// what it took a conversation for.
func source(port int) int { return 40000 + port%1000 }

// udpLine is the line of a datagram on a tunnel's port that is none.
func udpLine(port int, payload string) string {
	return fmt.Sprintf("%s%d > 192.0.2.2:%d %q", outerUDP, source(port), port, payload)
}

// inGRE is a frame with GRE in it.
func inGRE(flags, typ int, payload ...[]byte) capture.Packet {
	return frame(eth(0x800, out4(47, be16(flags, typ), cat(payload...))))
}

func label(id uint32, bottom bool) []byte {
	entry := id<<12 | 64
	if bottom {
		entry |= 0x100
	}
	return be32(entry)
}

// macs is an Ethernet frame to an address of choice.
func macs(dst string, typ int, payload ...[]byte) []byte {
	b := eth(typ, payload...)
	copy(b, dst)
	return b
}

func vni(id uint32) []byte { return be32(id << 8) }

// gtpu is a header of GTP-U with TEID 0xdeadbeef, and its payload.
func gtpu(flags int, payload ...[]byte) []byte {
	body := cat(payload...)
	return cat([]byte{byte(0x30 | flags), 255}, be16(len(body)), be32(0xdeadbeef), body)
}

// pppoes is a session header and a PPP protocol.
func pppoes(protocol int, payload ...[]byte) []byte {
	body := cat(payload...)
	return cat([]byte{0x11, 0}, be16(77, 2+len(body), protocol), body)
}

// capwapd is a header of the data channel with flags, and its payload.
func capwapd(native bool, flags byte, payload ...[]byte) []byte {
	b := []byte{0, 2 << 3, 0, flags, 0, 0, 0, 0}
	if native {
		b[2] = 1<<1 | 1
	}
	return cat(b, cat(payload...))
}

// dot11 is an 802.11 data frame to the access point; more goes behind the
// sequence control.
func dot11(typ, flags byte, more []byte, payload ...[]byte) []byte {
	return cat([]byte{typ, flags, 0, 0}, make([]byte, 6), []byte("\x02\x00\x00\x00\x00\x01"), make([]byte, 6), []byte{0, 0},
		more, snap, be16(0x800), cat(payload...))
}

const dtlsHello = "\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00"

// tunnelVectors are the tunnels over Ethernet.
func tunnelVectors() []vector { return slices.Concat(labelVectors(), greVectors(), udpVectors()) }

const hi = ` "hi"`

var (
	tcpHi  = v4(6, tcp("hi"))
	tcpHi6 = v6(6, tcp("hi"))
	ethHi  = eth(0x800, tcpHi)
	arp    = cat(be16(1, 0x800), []byte{6, 4}, be16(1), make([]byte, 20))
)

// labelVectors are MPLS, tags and what else begins with an EtherType.
func labelVectors() []vector {
	word := []byte{0, 0, 0, 1}
	sectag := func(control, short byte) []byte { return cat([]byte{control, short}, be32(66)) }
	icv := bytes.Repeat([]byte{0xdd}, 16)
	return []vector{
		one("mpls", frame(eth(0x8847, label(16000, true), tcpHi)), tcp4+hi+" in mpls:16000"),
		one("mpls stack", frame(eth(0x8847, label(100, false), label(1048575, true), tcpHi6)), tcp6+hi+" in mpls:100/mpls:1048575"),
		one("mpls upstream", frame(eth(0x8848, label(100, true), tcpHi)), tcp4+hi+" in mpls:100"),
		one("mpls explicit null", frame(eth(0x8847, label(0, true), tcpHi)), tcp4+hi+" in mpls:0"),
		one("mpls ipv6 explicit null", frame(eth(0x8847, label(17, false), label(2, true), tcpHi6)), tcp6+hi+" in mpls:17/mpls:2"),
		one("mpls entropy label", frame(eth(0x8847, label(100, false), label(7, false), label(77777, true), tcpHi)), tcp4+hi+" in mpls:100"),
		one("mpls in a vlan", frame(eth(0x8100, tag(12, 0x8847), label(100, true), tcpHi)), tcp4+hi+" in vlan:12/mpls:100"),
		one("pseudowire with control word", frame(eth(0x8847, label(18, false), label(16, true), word, ethHi)), tcp4+hi+" in mpls:18/mpls:16"),
		one("pseudowire with empty control word", frame(eth(0x8847, label(16, true), []byte{0, 0, 0, 0}, ethHi)), tcp4+hi+" in mpls:16"),
		one("pseudowire with control word, vlan", frame(eth(0x8847, label(16, true), word, eth(0x8100, tag(12, 0x86dd), tcpHi6))), tcp6+hi+" in mpls:16/vlan:12"),
		one("pseudowire with control word, qinq", frame(eth(0x8847, label(16, true), word, eth(0x88a8, tag(7, 0x8100), tag(12, 0x800), tcpHi))), tcp4+hi+" in mpls:16/vlan:7/vlan:12"),
		one("pseudowire", frame(eth(0x8847, label(16, true), ethHi)), tcp4+hi+" in mpls:16"),
		one("pseudowire to an address like ipv4", frame(eth(0x8847, label(16, true), macs("\x46\x00\x00\x20\x00\x02", 0x800, tcpHi))), tcp4+hi+" in mpls:16"),
		one("pseudowire to an address like ipv6", frame(eth(0x8847, label(16, true), macs("\x60\x00\x00\x20\x00\x02", 0x86dd, tcpHi6))), tcp6+hi+" in mpls:16"),
		one("pseudowire to an address of zeros", frame(eth(0x8847, label(16, true), macs("\x00\x00\x00\x00\x00\x02", 0x800, tcpHi))), tcp4+hi+" in mpls:16"),
		one("mpls over ip", frame(eth(0x800, out4(137, label(100, true), tcpHi))), tcp4+hi+" in mpls:100"),
		one("vntag", frame(eth(0x8926, be32(0x00018002), be16(0x8100), tag(12, 0x800), tcpHi)), tcp4+hi+" in vntag/vlan:12"),
		one("etag", frame(eth(0x893f, be16(0, 7, 0, 0x800), tcpHi)), tcp4+hi+" in etag"),
		none("pseudowire with arp", frame(eth(0x8847, label(16, true), word, eth(0x806, arp))), decode.Stats{NotIP: 1}),
		none("mpls channel", frame(eth(0x8847, label(16, true), []byte{0x10, 0, 0, 7, 1, 2, 3})), decode.Stats{Other: 1}),
		none("mpls labels without end", frame(eth(0x8847, label(16, false))[:18]), decode.Stats{MalformedTunnel: 1}),
		none("too many labels", frame(eth(0x8847, bytes.Repeat(label(16, false), 9), label(16, true), tcpHi)), decode.Stats{TooDeep: 1}),
		none("too many entropy labels", frame(eth(0x8847, bytes.Repeat(label(7, false), 40), label(16, true), tcpHi)), decode.Stats{TooDeep: 1}),

		one("pppoe", frame(eth(0x8864, pppoes(0x21, tcpHi))), tcp4+hi+" in pppoe:77"),
		one("pppoe ipv6 in qinq", frame(eth(0x8100, tag(7, 0x8100), tag(12, 0x8864), pppoes(0x57, tcpHi6))), tcp6+hi+" in vlan:7/vlan:12/pppoe:77"),
		none("pppoe link control", frame(eth(0x8864, pppoes(0xc021, []byte{9, 1, 0, 8, 1, 2, 3, 4}))), decode.Stats{NotIP: 1}),
		none("pppoe compressed", frame(eth(0x8864, pppoes(0xfd, []byte{9, 1, 0, 8, 1, 2, 3, 4}))), decode.Stats{Encrypted: 1}),
		none("pppoe of another version", frame(eth(0x8864, []byte{0x22}, pppoes(0x21, tcpHi)[1:])), decode.Stats{MalformedTunnel: 1}),
		none("pppoe discovery", frame(eth(0x8864, []byte{0x11, 9}, be16(0, 0))), decode.Stats{NotIP: 1}),

		one("macsec", frame(eth(0x88e5, sectag(0, 2+42), be16(0x800), tcpHi, icv)), tcp4+hi+" in macsec"),
		one("macsec with sender", frame(eth(0x88e5, sectag(0x20, 0), make([]byte, 8), be16(0x800), v4(6, tcp("hello, this is longer than a short frame")), icv)), tcp4+` "hello, this is longer than a short frame" in macsec`),
		none("macsec encrypted", frame(eth(0x88e5, sectag(0x2c, 0), make([]byte, 60))), decode.Stats{Encrypted: 1}),
		none("macsec changed", frame(eth(0x88e5, sectag(0x24, 0), make([]byte, 60))), decode.Stats{Encrypted: 1}),
		none("macsec of another version", frame(eth(0x88e5, sectag(0x80, 0), make([]byte, 60))), decode.Stats{MalformedTunnel: 1}),
		one("802.1ah", frame(eth(0x88a8, tag(7, 0x88e7), []byte{0, 1, 0, 2}, ethHi)), tcp4+hi+" in vlan:7/isid:65538"),
		one("nsh", frame(eth(0x894f, be16(0xfc2, 0x0201), be32(9<<8|255), tcpHi)), tcp4+hi+" in nsh:9"),
		one("nsh with context", frame(eth(0x894f, be16(0xfc6, 0x0103), be32(9<<8|255), make([]byte, 16), ethHi)), tcp4+hi+" in nsh:9"),
		none("nsh of another protocol", frame(eth(0x894f, be16(0xfc2, 0x0277), be32(9<<8|255), tcpHi)), decode.Stats{NotIP: 1}),
		none("nsh shorter than its header", frame(eth(0x894f, be16(0xfc1, 0x0201), be32(9<<8|255), tcpHi)), decode.Stats{MalformedTunnel: 1}),
	}
}

// greVectors are the tunnels that are IP protocols.
func greVectors() []vector {
	type2 := cat(be16(0x1000|12, 0x0800|99), be32(5))
	type3 := func(frame, subheader byte) []byte {
		return cat(be16(0x2000|12, 0x0800|99), be32(1), be16(7), []byte{frame << 2, subheader})
	}
	nested := tcpHi
	for range 9 {
		nested = out4(4, nested)
	}
	srv6 := cat([]byte{143, 2, 4, 0, 0, 0, 0, 0}, addr("2001:db8:f::2"))
	return []vector{
		one("gre", inGRE(0, 0x800, tcpHi), tcp4+hi+" in gre"),
		one("gre ipv6", inGRE(0, 0x86dd, tcpHi6), tcp6+hi+" in gre"),
		one("gre over ipv6", frame(eth(0x86dd, out6(47, be16(0, 0x800), tcpHi))), tcp4+hi+" in gre"),
		one("gre checksum", inGRE(0x8000, 0x800, be16(1, 0), tcpHi), tcp4+hi+" in gre"),
		one("gre key", inGRE(0x2000, 0x800, be32(4000000000), tcpHi), tcp4+hi+" in gre:4000000000"),
		one("gre sequence", inGRE(0x1000, 0x800, be32(1), tcpHi), tcp4+hi+" in gre"),
		one("gre checksum, key, sequence", inGRE(0xb000, 0x86dd, be16(1, 0), be32(5, 1), tcpHi6), tcp6+hi+" in gre:5"),
		one("gre routing", inGRE(0x4000, 0x800, be16(0, 0), be16(0x800), []byte{0, 4}, addr("192.0.2.9"), be32(0), tcpHi), tcp4+hi+" in gre"),
		one("gre ethernet", inGRE(0x2000, 0x6558, be32(5), ethHi), tcp4+hi+" in gre:5"),
		one("gre mpls", inGRE(0, 0x8847, label(100, true), tcpHi), tcp4+hi+" in gre/mpls:100"),
		one("gre cisco metadata", inGRE(0x2000, 0x8909, be32(40), be16(0x800, 0x101, 1, 17), tcpHi), tcp4+hi+" in gre:40/cmd:17"),
		one("gre ppp", inGRE(0, 0x880b, be16(0xff03, 0x21), tcpHi), tcp4+hi+" in gre"),
		one("wccp 1", inGRE(0, 0x883e, tcpHi), tcp4+hi+" in gre"),
		one("wccp 2", inGRE(0, 0x883e, []byte{0, 1, 2, 3}, tcpHi), tcp4+hi+" in gre"),
		one("pptp", inGRE(0x3001, 0x880b, be16(1+42, 7), be32(1), []byte{0x21}, tcpHi), tcp4+hi+" in pptp:7"),
		one("pptp with acknowledgement", inGRE(0x3081, 0x880b, be16(4+42, 7), be32(1, 2), be16(0xff03, 0x21), tcpHi), tcp4+hi+" in pptp:7"),
		none("pptp acknowledgement", inGRE(0x2081, 0x880b, be16(0, 7), be32(2)), decode.Stats{NotIP: 1}),
		none("gre keepalive", inGRE(0, 0), decode.Stats{NotIP: 1}),
		none("gre version 2", inGRE(2, 0x800, tcpHi), decode.Stats{MalformedTunnel: 1}),
		none("gre routing without end", frame(eth(0x800, out4(47, be16(0x4000, 0x800, 0, 0, 0x800), []byte{0, 99}, make([]byte, 20)))), decode.Stats{MalformedTunnel: 1}),

		one("erspan 1", inGRE(0, 0x88be, ethHi), tcp4+hi+" in erspan"),
		one("erspan 2", inGRE(0x1000, 0x88be, be32(1), type2, ethHi), tcp4+hi+" in erspan:99"),
		one("erspan 2, vlan", inGRE(0x1000, 0x88be, be32(1), type2, eth(0x8100, tag(12, 0x86dd), tcpHi6)), tcp6+hi+" in erspan:99/vlan:12"),
		one("erspan 3", inGRE(0x1000, 0x22eb, be32(1), type3(0, 0), ethHi), tcp4+hi+" in erspan:99"),
		one("erspan 3 with subheader", inGRE(0x1000, 0x22eb, be32(1), type3(0, 1), be32(1, 2), ethHi), tcp4+hi+" in erspan:99"),
		one("erspan 3, ip", inGRE(0x1000, 0x22eb, be32(1), type3(2, 0), tcpHi6), tcp6+hi+" in erspan:99"),
		none("erspan 2 of another version", inGRE(0x1000, 0x88be, be32(1, 0, 0), ethHi), decode.Stats{MalformedTunnel: 1}),
		none("erspan 3 of another version", inGRE(0x1000, 0x22eb, be32(1, 0, 0, 0), ethHi), decode.Stats{MalformedTunnel: 1}),

		one("ip in ip", frame(eth(0x800, out4(4, tcpHi))), tcp4+hi+" in ipip"),
		one("6in4", frame(eth(0x800, out4(41, tcpHi6))), tcp6+hi+" in 6in4"),
		one("4in6", frame(eth(0x86dd, out6(4, tcpHi))), tcp4+hi+" in 4in6"),
		one("6in6", frame(eth(0x86dd, out6(41, tcpHi6))), tcp6+hi+" in 6in6"),
		one("ethernet over srv6", frame(eth(0x86dd, out6(43, srv6, ethHi))), tcp4+hi+" in ethernet"),
		one("ip in ip in ip", frame(eth(0x800, out4(4, out4(4, out4(41, tcpHi6))))), tcp6+hi+" in ipip/ipip/6in4"),
		one("l2tp 3 over ip", frame(eth(0x800, out4(115, be32(300), ethHi))), tcp4+hi+" in l2tp:300"),
		one("l2tp 3 over ip with cookie", frame(eth(0x800, out4(115, be32(300), be32(0xfedcba98, 0x76543210), ethHi))), tcp4+hi+" in l2tp:300"),
		none("l2tp 3 control over ip", frame(eth(0x800, out4(115, be32(0), make([]byte, 40)))), decode.Stats{Other: 1}),
		none("l2tp 3 of unknown content", frame(eth(0x800, out4(115, be32(9), make([]byte, 80)))), decode.Stats{Other: 1}),
		none("esp", frame(eth(0x800, out4(50, be32(1, 2), make([]byte, 40)))), decode.Stats{Encrypted: 1}),
		none("too many tunnels", on(capture.LinkRaw, nested), decode.Stats{TooDeep: 1}),
	}
}

// udpVectors are the tunnels over UDP.
func udpVectors() []vector {
	const vxlanID, geneveID = 0x123456, 5001
	vxlan := cat([]byte{8, 0, 0, 0}, vni(vxlanID))
	tso := v4(6, tcp("hi"))
	tso[2], tso[3] = 0, 0
	big := out4(17, be16(5000, 4789, 0, 0), vxlan, eth(0x800)[:14], tso)
	big[2], big[3] = 0, 0
	gpe := func(next byte) []byte { return cat([]byte{0x0c, 0, 0, next}, vni(vxlanID)) }
	geneve := func(flags, typ int) []byte { return cat(be16(flags, typ), vni(geneveID)) }
	option := cat(be16(0x102, 0x8001), be32(12))
	teredo := v6(6, tcp("hi"))
	copy(teredo[8:], addr("2001:0:4136:e378:8000:63bf:3fff:fdd2"))
	teredoWant := "tcp [2001:0:4136:e378:8000:63bf:3fff:fdd2]:1000 > [2001:db8::2]:443 seq 16909060 ack 84281096 flags 18" + hi + " in teredo"
	auth := cat([]byte{0, 1, 2, 3}, []byte("idval"), make([]byte, 9))
	origin := []byte{0, 0, 1, 2, 3, 4, 5, 6}
	ppp := cat(be16(0xff03, 0x21), tcpHi)
	l2tp := func(flags int, fields ...[]byte) []byte { return cat(be16(flags|2), cat(fields...), ppp) }
	stays := func(name string, port int, payload string) vector {
		p := over(port, []byte(payload))
		return one(name, p, udpLine(port, payload))
	}
	return []vector{
		one("vxlan", over(4789, vxlan, ethHi), tcp4+hi+" in vxlan:1193046"),
		one("vxlan, old port of linux", over(8472, vxlan, ethHi), tcp4+hi+" in vxlan:1193046"),
		one("vxlan, vlan, ipv6", over(4789, vxlan, eth(0x8100, tag(12, 0x86dd), tcpHi6)), tcp6+hi+" in vxlan:1193046/vlan:12"),
		one("vxlan with group policy", over(4789, []byte{0x88, 8, 1, 2}, vni(vxlanID), ethHi), tcp4+hi+" in vxlan:1193046"),
		one("vxlan with reserved bytes", over(4789, []byte{0x08, 8, 1, 2}, vni(vxlanID), ethHi), tcp4+hi+" in vxlan:1193046"),
		one("vxlan in vxlan", over(4789, vxlan, eth(0x800, out4(17, be16(5000, 4789, 8+8+60, 0), vxlan, ethHi))), tcp4+hi+" in vxlan:1193046/vxlan:1193046"),
		one("vxlan in gre", inGRE(0, 0x800, out4(17, be16(5000, 4789, 8+8+60, 0), vxlan, ethHi)), tcp4+hi+" in gre/vxlan:1193046"),
		one("big tcp in vxlan", on(capture.LinkRaw, big), tcp4+hi+" in vxlan:1193046"),
		none("vxlan with arp", over(4789, vxlan, eth(0x806, arp)), decode.Stats{NotIP: 1}),
		one("vxlan-gpe ipv4", over(4790, gpe(1), tcpHi), tcp4+hi+" in vxlan:1193046"),
		one("vxlan-gpe ipv6", over(4790, gpe(2), tcpHi6), tcp6+hi+" in vxlan:1193046"),
		one("vxlan-gpe ethernet", over(4790, gpe(3), ethHi), tcp4+hi+" in vxlan:1193046"),
		one("vxlan-gpe nsh", over(4790, gpe(4), be16(0xfc2, 0x0201), be32(9<<8|255), tcpHi), tcp4+hi+" in vxlan:1193046/nsh:9"),
		one("vxlan-gpe mpls", over(4790, gpe(5), label(100, true), tcpHi), tcp4+hi+" in vxlan:1193046/mpls:100"),
		one("vxlan-gpe without next protocol", over(4790, vxlan, ethHi), tcp4+hi+" in vxlan:1193046"),
		one("geneve ethernet", over(6081, geneve(0, 0x6558), ethHi), tcp4+hi+" in geneve:5001"),
		one("geneve ipv4", over(6081, geneve(0, 0x800), tcpHi), tcp4+hi+" in geneve:5001"),
		one("geneve ipv6 with critical option", over(6081, geneve(0x0240, 0x86dd), option, tcpHi6), tcp6+hi+" in geneve:5001"),
		one("geneve over ipv6", frame(eth(0x86dd, out6(17, be16(5000, 6081, 8+8+60, 0), geneve(0, 0x6558), ethHi))), tcp4+hi+" in geneve:5001"),
		one("gtp", over(2152, gtpu(0, tcpHi)), tcp4+hi+" in gtp:3735928559"),
		one("gtp ipv6 with sequence", over(2152, gtpu(2, be32(0x00010000), tcpHi6)), tcp6+hi+" in gtp:3735928559"),
		one("gtp with extensions", over(2152, gtpu(4, be32(0x85), []byte{1, 0, 9, 0xc0, 2, 0, 0, 0, 0, 0, 0, 0}, tcpHi)), tcp4+hi+" in gtp:3735928559"),
		one("gtp in qinq", frame(eth(0x8100, tag(7, 0x8100), tag(12, 0x800), out4(17, be16(2152, 2152, 8+50, 0), gtpu(0, tcpHi)))), tcp4+hi+" in vlan:7/vlan:12/gtp:3735928559"),
		one("gtp ethernet", over(2152, gtpu(0, ethHi)), tcp4+hi+" in gtp:3735928559"),
		one("teredo", over(3544, teredo), teredoWant),
		one("teredo with origin", over(3544, origin, teredo), teredoWant),
		one("teredo with authentication", over(3544, auth, teredo), teredoWant),
		one("teredo with both", over(3544, auth, origin, teredo), teredoWant),
		one("l2tp", over(1701, l2tp(0, be16(5, 6))), tcp4+hi+" in l2tp:6"),
		one("l2tp with length", over(1701, l2tp(0x4000, be16(8+4+42, 5, 6))), tcp4+hi+" in l2tp:6"),
		one("l2tp with sequence", over(1701, l2tp(0x0800, be16(5, 6, 1, 2))), tcp4+hi+" in l2tp:6"),
		one("l2tp with all", over(1701, l2tp(0x4a00, be16(16+4+42, 5, 6, 1, 2, 2, 0xabcd))), tcp4+hi+" in l2tp:6"),
		one("l2tp 3", over(1701, be16(3, 0), be32(300), ethHi), tcp4+hi+" in l2tp:300"),
		one("l2tp 3 with sublayer", over(1701, be16(3, 0), be32(300, 0x40000001), ethHi), tcp4+hi+" in l2tp:300"),
		none("l2tp link control", over(1701, be16(2, 5, 6), be16(0xff03, 0xc021), []byte{9, 1, 0, 8, 1, 2, 3, 4}), decode.Stats{NotIP: 1}),
		one("mpls over udp", over(6635, label(100, false), label(16, true), tcpHi), tcp4+hi+" in mpls:100/mpls:16"),
		one("mpls over udp, pseudowire", over(6635, label(16, true), []byte{0, 0, 0, 1}, ethHi), tcp4+hi+" in mpls:16"),
		one("capwap", over(5247, capwapd(true, 0, dot11(8, 1, nil, tcpHi))), tcp4+hi+" in capwap"),
		one("capwap, swapped, qos", over(5247, capwapd(true, 0, dot11(1, 0x88, be16(0), tcpHi))), tcp4+hi+" in capwap"),
		one("capwap ethernet", over(5247, capwapd(false, 0, ethHi)), tcp4+hi+" in capwap"),
		one("capwap with radio address", over(5247, []byte{0, 4 << 3, 3, 0x10, 0, 0, 0, 0}, make([]byte, 8), dot11(8, 1, nil, tcpHi)), tcp4+hi+" in capwap"),
		one("capwap dtls", over(5246, be32(0x01000000), []byte(dtlsHello)), udpLine(5246, dtlsHello)+" in capwap"),
		none("capwap protected", over(5247, capwapd(true, 0, dot11(8, 0x41, nil, tcpHi))), decode.Stats{Encrypted: 1}),

		one("lisp", over(4341, be32(0, 0), tcpHi6), tcp6+hi+" in lisp"),
		one("lisp with instance", over(4341, be32(0x88123456, 0x00012c01), tcpHi), tcp4+hi+" in lisp:300"),
		one("tzsp", over(37008, []byte{1, 0, 0, 1, 1}, ethHi), tcp4+hi+" in tzsp"),
		one("tzsp with tags", over(37008, []byte{1, 0, 0, 1, 0, 10, 1, 0xc5, 41, 2, 0, 60, 1}, ethHi), tcp4+hi+" in tzsp"),
		one("tzsp with 802.11", over(37008, []byte{1, 0, 0, 18, 1}, dot11(8, 1, nil, tcpHi)), tcp4+hi+" in tzsp"),

		stays("gtp echo", 2152, "\x32\x01\x00\x04\x00\x00\x00\x00\x00\x01\x00\x00"),
		stays("gtp prime", 2152, "\x2e\xff\x00\x04\x00\x00\x00\x00\x00\x01\x00\x00"),
		stays("gtp of unknown content", 2152, string(gtpu(0, make([]byte, 40)))),
		stays("geneve control", 6081, string(cat(geneve(0x0080, 0x6558), ethHi))),
		stays("l2tp control", 1701, "\xc8\x02\x00\x0c\x00\x05\x00\x00\x00\x01\x00\x02"),
		stays("capwap keep-alive", 5247, string(capwapd(true, 8, make([]byte, 40)))),
		stays("vxlan without vni", 4789, string(cat(make([]byte, 8), ethHi))),
		stays("teredo between others", 3544, string(tcpHi6)),
	}
}

// linkVectors are the link types beside Ethernet.
func linkVectors() []vector {
	qos := be16(0)
	wifi := dot11(8, 1, nil, tcpHi)
	subframe := cat(make([]byte, 12), be16(8+42), snap, be16(0x800), tcpHi, []byte{0, 0})
	amsdu := cat(dot11(0x88, 1, be16(0x8000))[:26], subframe)
	tap := func(present uint32, fields ...byte) []byte {
		b := cat([]byte{0, 0, byte(8 + len(fields)), 0}, le32(present), fields)
		return b
	}
	nflog := func(order func(...int) []byte) []byte {
		return cat([]byte{2, 0, 0, 5}, order(8, 1), make([]byte, 4), order(7, 10), []byte("abc\x00"), order(4+42, 9), tcpHi)
	}
	return []vector{
		one("ppp", on(capture.LinkPPP, cat(be16(0x21), tcpHi)), tcp4+hi),
		one("ppp with address", on(capture.LinkPPP, cat(be16(0xff03, 0x57), tcpHi6)), tcp6+hi),
		one("ppp compressed protocol", on(capture.LinkPPP, cat([]byte{0x21}, tcpHi)), tcp4+hi),
		one("ppp mpls", on(capture.LinkPPP, cat(be16(0x281), label(100, true), tcpHi)), tcp4+hi+" in mpls:100"),
		one("ppp bridged", on(capture.LinkPPP, cat(be16(0xff03, 0x31, 0x0001), ethHi)), tcp4+hi),
		none("ppp encrypted", on(capture.LinkPPP, be16(0xff03, 0x53, 1, 2)), decode.Stats{Encrypted: 1}),
		one("ppp hdlc", on(capture.LinkPPPHDLC, cat(be16(0xff03, 0x21), tcpHi)), tcp4+hi),
		one("ppp hdlc, cisco", on(capture.LinkPPPHDLC, cat(be16(0x0f00, 0x86dd), tcpHi6)), tcp6+hi),
		one("ppp ether", on(capture.LinkPPPEther, pppoes(0x21, tcpHi)), tcp4+hi+" in pppoe:77"),
		one("ppp with direction", on(capture.LinkPPPDir, cat([]byte{1}, be16(0xff03, 0x21), tcpHi)), tcp4+hi),
		one("cisco hdlc", on(capture.LinkCHDLC, cat(be16(0x0f00, 0x800), tcpHi)), tcp4+hi),
		one("cisco hdlc mpls", on(capture.LinkCHDLC, cat(be16(0x8f00, 0x8847), label(100, true), tcpHi)), tcp4+hi+" in mpls:100"),

		one("802.11", on(capture.LinkWiFi, wifi), tcp4+hi),
		one("802.11 qos", on(capture.LinkWiFi, dot11(0x88, 2, qos, tcpHi)), tcp4+hi),
		one("802.11 qos, order", on(capture.LinkWiFi, dot11(0x88, 0x82, make([]byte, 6), tcpHi)), tcp4+hi),
		one("802.11 between access points", on(capture.LinkWiFi, dot11(0x88, 3, make([]byte, 8), tcpHi)), tcp4+hi),
		one("802.11 of one frame in several", on(capture.LinkWiFi, amsdu[:len(amsdu)-2]), tcp4+hi),
		{name: "802.11 of several frames", frames: []capture.Packet{on(capture.LinkWiFi, cat(amsdu, subframe))}, want: []string{tcp4 + hi}, count: decode.Stats{FramesUnread: 1}},
		none("802.11 protected", on(capture.LinkWiFi, dot11(8, 0x41, nil, tcpHi)), decode.Stats{Encrypted: 1}),
		none("802.11 beacon", on(capture.LinkWiFi, dot11(0x80, 0, nil, tcpHi)), decode.Stats{NotIP: 1}),
		none("802.11 null", on(capture.LinkWiFi, dot11(0x48, 1, nil)), decode.Stats{NotIP: 1}),
		one("radiotap", on(capture.LinkRadiotap, cat(tap(0), wifi)), tcp4+hi),
		one("radiotap padded", on(capture.LinkRadiotap, cat(tap(2, 0x20), dot11(0x88, 1, make([]byte, 4), tcpHi))), tcp4+hi),
		one("radiotap with time, padded", on(capture.LinkRadiotap, cat(tap(3, 1, 2, 3, 4, 5, 6, 7, 8, 0x20), dot11(0x88, 1, make([]byte, 4), tcpHi))), tcp4+hi),
		one("radiotap with two words, padded", on(capture.LinkRadiotap, cat(tap(1<<31|2, 0, 0, 0, 0, 0x20), dot11(0x88, 1, make([]byte, 4), tcpHi))), tcp4+hi),
		none("radiotap of another version", on(capture.LinkRadiotap, cat([]byte{1}, tap(0)[1:], wifi)), decode.Stats{MalformedLink: 1}),
		one("prism", on(capture.LinkPrism, cat(le32(0x44), le32(144), make([]byte, 136), wifi)), tcp4+hi),
		one("prism big endian", on(capture.LinkPrism, cat(be32(0x44, 144), make([]byte, 136), wifi)), tcp4+hi),
		one("prism with avs", on(capture.LinkPrism, cat(be32(0x80211001, 64), make([]byte, 56), wifi)), tcp4+hi),
		one("avs", on(capture.LinkAVS, cat(be32(0x80211001, 64), make([]byte, 56), wifi)), tcp4+hi),
		one("ppi", on(capture.LinkPPI, cat([]byte{0, 0, 8, 0}, le32(105), wifi)), tcp4+hi),
		none("ppi of unknown link type", on(capture.LinkPPI, cat([]byte{0, 0, 8, 0}, le32(147), wifi)), decode.Stats{UnknownLink: 1}),

		one("ipnet", on(capture.LinkIPNET, cat([]byte{1, 2, 0, 0}, be32(42, 1, 0, 0, 0), tcpHi)), tcp4+hi),
		one("ipnet ipv6", on(capture.LinkIPNET, cat([]byte{1, 26, 0, 0}, be32(62, 1, 0, 0, 0), tcpHi6)), tcp6+hi),
		one("pflog", on(capture.LinkPFLog, cat([]byte{61, 2, 0, 0}, make([]byte, 60), tcpHi)), tcp4+hi),
		one("pflog ipv6", on(capture.LinkPFLog, cat([]byte{100, 24, 0, 0}, make([]byte, 96), tcpHi6)), tcp6+hi),
		one("nflog", on(capture.LinkNFLog, nflog(le16)), tcp4+hi),
		one("nflog big endian", on(capture.LinkNFLog, nflog(be16)), tcp4+hi),
		none("nflog without payload", on(capture.LinkNFLog, []byte{2, 0, 0, 5, 8, 0, 1, 0, 0, 0, 0, 0}), decode.Stats{NotIP: 1}),
		none("nflog of another version", on(capture.LinkNFLog, []byte{2, 1, 0, 5}), decode.Stats{MalformedLink: 1}),
	}
}
