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
