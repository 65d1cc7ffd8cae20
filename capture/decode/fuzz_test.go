package decode_test

import (
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
)

func FuzzDecode(f *testing.F) {
	for _, v := range vectors() {
		p := v.frames[0]
		f.Add(uint16(p.Link), p.Data, p.Length-len(p.Data))
	}
	d := decode.New(decode.Config{})
	var now int64
	f.Fuzz(func(t *testing.T, link uint16, b []byte, missing int) {
		var s decode.Segment
		now += 1e9
		p := capture.Packet{Time: now, Data: b[:len(b):len(b)], Length: len(b) + missing%1e6, Link: capture.LinkType(link)}
		if d.Decode(&p, &s) && (s.Missing < 0 || s.Proto != decode.TCP && s.Proto != decode.UDP) {
			t.Errorf("got %s", show(&s))
		}
		checkStats(t, "fuzz", d.Stats())
	})
}

// FuzzTunnel puts its input behind the number that announces each tunnel: a UDP
// port, an IP protocol, a GRE type or an EtherType.
func FuzzTunnel(f *testing.F) {
	types := []int{0x6558, 0x8847, 0x8864, 0x88e5, 0x88e7, 0x8909, 0x8926, 0x893f, 0x894f, 0x22eb, 0x883e, 0x880b, 0x88be}
	protocols := []int{4, 41, 47, 51, 115, 137, 143}
	for n, v := range vectors() {
		data := v.frames[0].Data
		for _, at := range []int{14, 34, 42} { // behind the headers of Ethernet, IPv4, UDP
			if len(data) > at {
				f.Add(uint8(n), data[at:])
			}
		}
	}
	d := decode.New(decode.Config{})
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		if len(b) > 1500 {
			return
		}
		i := int(which)
		var s decode.Segment
		for _, p := range []capture.Packet{
			over(tunnelPorts[i%len(tunnelPorts)], b),
			frame(eth(0x800, out4(protocols[i%len(protocols)], b))),
			frame(eth(types[i%len(types)], b)),
			inGRE(0x1000, types[i%len(types)], be32(1), b),
		} {
			if d.Decode(&p, &s) && (s.Missing < 0 || len(s.Payload) > len(b)) {
				t.Errorf("got %s", show(&s))
			}
			checkStats(t, "fuzz", d.Stats())
		}
	})
}

// FuzzFragments sends pieces of one datagram as the input orders: offset and
// length of each, the last one ending it.
func FuzzFragments(f *testing.F) {
	f.Add([]byte{0, 1, 1, 1, 2, 1})
	f.Add([]byte{2, 1, 0, 9, 1, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, s := decode.New(decode.Config{}), decode.Segment{}
		for ; len(b) >= 2; b = b[2:] {
			field, size := int(b[0]), int(b[1]%32)*8
			if len(b) >= 4 {
				field |= 0x2000
			}
			p := on(capture.LinkRaw, v4opt(17, nil, field, make([]byte, size)))
			d.Decode(&p, &s)
			checkStats(t, "fuzz", d.Stats())
		}
	})
}
