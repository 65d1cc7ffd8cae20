package capture_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"blindspot/capture"
)

// order writes pcapng blocks by hand, field by field as the draft has them.
type order struct{ binary.AppendByteOrder }

var (
	little = order{binary.LittleEndian}
	big    = order{binary.BigEndian}
)

func (o order) u32(v ...uint32) (b []byte) {
	for _, v := range v {
		b = o.AppendUint32(b, v)
	}
	return b
}

func (o order) block(typ uint32, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	size := uint32(len(body) + 12)
	return bytes.Join([][]byte{o.u32(typ, size), body, o.u32(size)}, nil)
}

func (o order) option(code uint16, value []byte) []byte {
	b := o.AppendUint16(o.AppendUint16(nil, code), uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func (o order) section() []byte {
	return o.block(0x0a0d0d0a, o.u32(0x1a2b3c4d), o.AppendUint16(o.AppendUint16(nil, 1), 0), o.u32(0xffffffff, 0xffffffff))
}

func (o order) iface(link uint16, snaplen uint32, options ...[]byte) []byte {
	head := o.AppendUint16(o.AppendUint16(nil, link), 0)
	return o.block(1, append([][]byte{head, o.u32(snaplen)}, options...)...)
}

func (o order) enhanced(iface uint32, ticks uint64, data string, wire uint32, options ...[]byte) []byte {
	padded := data + strings.Repeat("\x00", (4-len(data)%4)%4)
	parts := [][]byte{o.u32(iface, uint32(ticks>>32), uint32(ticks), uint32(len(data)), wire), []byte(padded)}
	return o.block(6, append(parts, options...)...)
}

func (o order) simple(data string, wire uint32) []byte {
	return o.block(3, o.u32(wire), []byte(data))
}

func (o order) obsolete(iface uint16, ticks uint64, data string) []byte {
	head := o.AppendUint16(o.AppendUint16(nil, iface), 3)
	size := uint32(len(data))
	return o.block(2, head, o.u32(uint32(ticks>>32), uint32(ticks), size, size), []byte(data))
}

// show prints a packet in one line.
func show(p capture.Packet) string {
	return fmt.Sprintf("%d %d %s/%d %q of %d", p.Number, p.Time, p.Link, p.Interface, p.Data, p.Length)
}

func TestPcapngBlocks(t *testing.T) {
	tests := []struct {
		name   string
		blocks [][]byte
		want   []string
	}{
		{"enhanced", [][]byte{little.section(), little.iface(1, 0), little.enhanced(0, 1_700_000_000_123_456, "abc", 60, little.option(1, []byte("a comment")))},
			[]string{`1 1700000000123456000 ETHERNET/0 "abc" of 60`}},
		{"simple takes the snaplen and the last time", [][]byte{little.section(), little.iface(101, 4), little.enhanced(0, 7, "x", 1), little.simple("abcd", 1000), little.simple("ab", 2)},
			[]string{`1 7000 RAW/0 "x" of 1`, `2 7000 RAW/0 "abcd" of 1000`, `3 7000 RAW/0 "ab" of 2`}},
		{"obsolete", [][]byte{big.section(), big.iface(1, 0), big.obsolete(0, 5, "abcde")},
			[]string{`1 5000 ETHERNET/0 "abcde" of 5`}},
		{"sections of both byte orders", [][]byte{
			little.section(), little.iface(1, 0), little.iface(101, 0), little.enhanced(1, 1, "one", 3),
			big.section(), big.iface(113, 0), big.enhanced(0, 2, "two", 3),
			little.section(), little.iface(228, 0), little.enhanced(0, 3, "three", 5)},
			[]string{`1 1000 RAW/1 "one" of 3`, `2 2000 LINUX_SLL/2 "two" of 3`, `3 3000 IPV4/3 "three" of 5`}},
		{"unknown blocks, names, custom blocks", [][]byte{
			little.section(), little.block(4, []byte("names")), little.iface(1, 0), little.block(0xbad, []byte("custom")),
			little.block(0x80000001, bytes.Repeat([]byte("journal "), 1<<18)), little.enhanced(0, 1, "a", 1)},
			[]string{`1 1000 ETHERNET/0 "a" of 1`}},
		{"options that do not end", [][]byte{
			little.section(), little.iface(1, 0, little.option(2, []byte("eth0")), []byte{9, 0, 200, 0}), little.enhanced(0, 1, "a", 1)},
			[]string{`1 1000 ETHERNET/0 "a" of 1`}},
		{"length without padding", [][]byte{
			little.section(), little.iface(1, 0),
			little.u32(6, 33), little.u32(0, 0, 9, 1, 1), []byte("z\x00\x00\x00"), little.u32(33)},
			[]string{`1 9000 ETHERNET/0 "z" of 1`}},
	}
	for _, test := range tests {
		_, a := readBytes(t, bytes.Join(test.blocks, nil))
		var got []string
		for _, p := range a.packets {
			got = append(got, show(p))
		}
		if a.err != nil || strings.Join(got, "\n") != strings.Join(test.want, "\n") {
			t.Errorf("%s: got %v\n%s\nwant\n%s", test.name, a.err, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
	}
}

// TestClock has the arithmetic of if_tsresol and if_tsoffset.
func TestClock(t *testing.T) {
	tests := []struct {
		name       string
		resolution byte
		offset     int64
		ticks      uint64
		want       int64
		text       string
	}{
		{"seconds", 0, 0, 1_700_000_000, 1_700_000_000_000_000_000, "10^-0"},
		{"milliseconds", 3, 0, 1_700_000_000_123, 1_700_000_000_123_000_000, "10^-3"},
		{"nanoseconds", 9, 0, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789, "10^-9"},
		{"picoseconds", 12, 0, 1_234_567_890_123, 1_234_567_890, "10^-12"},
		{"finest decimal", 127, 0, math.MaxUint64, 0, "10^-127"},
		{"halves", 0x81, 0, 3, 1_500_000_000, "2^-1"},
		{"2^-20", 0x94, 0, 1700000000<<20 + 1<<19, 1_700_000_000_500_000_000, "2^-20"},
		{"2^-32, as NTP", 0xa0, 0, 1700000000<<32 + 1<<30, 1_700_000_000_250_000_000, "2^-32"},
		{"2^-64", 0xc0, 0, 1 << 63, 500_000_000, "2^-64"},
		{"2^-127", 0xff, 0, math.MaxUint64, 0, "2^-127"},
		{"offset", 6, 3600, 1, 3_600_000_001_000, "10^-6"},
		{"offset before 1970", 6, -10, 1_000_000, -9_000_000_000, "10^-6"},
		{"ticks overflow", 6, 0, math.MaxUint64, math.MaxInt64, "10^-6"},
		{"binary overflow", 0x80, 0, math.MaxUint64, math.MaxInt64, "2^-0"},
		{"offset overflows", 9, math.MaxInt64, math.MaxInt64, math.MaxInt64, "10^-9"},
	}
	for _, test := range tests {
		offset := little.AppendUint64(nil, uint64(test.offset))
		f, a := readBytes(t, bytes.Join([][]byte{
			little.section(),
			little.iface(1, 0, little.option(9, []byte{test.resolution}), little.option(14, offset), little.option(0, nil)),
			little.enhanced(0, test.ticks, "a", 1)}, nil))
		if a.err != nil || len(a.packets) != 1 {
			t.Fatalf("%s: %d packets, %v", test.name, len(a.packets), a.err)
		}
		if got := a.packets[0].Time; got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
		if got := f.Interfaces()[0].Resolution; got != test.text {
			t.Errorf("%s: got resolution %s, want %s", test.name, got, test.text)
		}
	}
}

func TestSecrets(t *testing.T) {
	log := []byte("CLIENT_RANDOM 00 11\n")
	b := bytes.Join([][]byte{
		big.section(),
		big.block(10, big.u32(0x544c534b, uint32(len(log))), log),
		big.block(10, big.u32(0x57474b4c, 4), []byte("wire")), // WireGuard
		big.block(10, big.u32(0x544c534b, 3), []byte("abc")),
	}, nil)
	f, a := readBytes(t, b)
	if got := fmt.Sprintf("%q", f.Secrets()); a.err != nil || got != `["CLIENT_RANDOM 00 11\n" "abc"]` {
		t.Errorf("got %s, %v", got, a.err)
	}
	if s := f.Stats(); s.SecretsLost != 0 || s.BlocksSkipped != 1 {
		t.Errorf("got %+v", s)
	}
	if got := fmt.Sprintf("%q", f.TakeSecrets()); got != `["CLIENT_RANDOM 00 11\n" "abc"]` {
		t.Errorf("took %s", got)
	}
	if got := len(f.TakeSecrets()) + len(f.Secrets()); got != 0 {
		t.Errorf("%d blocks are left after they were taken", got)
	}
}

// TestSecretsBound: more than 16 MiB of secrets are counted, not kept.
func TestSecretsBound(t *testing.T) {
	block := little.block(10, little.u32(0x544c534b, 1<<20), make([]byte, 1<<20))
	b := append(little.section(), bytes.Repeat(block, 18)...)
	b = append(b, little.block(10, little.u32(0x544c534b, 3<<20), make([]byte, 3<<20))...)
	f, a := readBytes(t, b)
	if got := len(f.Secrets()); got != 16 || f.Stats().SecretsLost != 3 || a.err != nil {
		t.Errorf("got %d blocks, %d lost, %v; want 16 and 3", got, f.Stats().SecretsLost, a.err)
	}
}

// TestInterfaceStatistics: figures run from the start, the last block counts.
func TestInterfaceStatistics(t *testing.T) {
	stats := func(i uint32, recv, ifdrop, osdrop uint64) []byte {
		o := func(code uint16, v uint64) []byte { return big.option(code, big.AppendUint64(nil, v)) }
		return big.block(5, big.u32(i, 0, 0), o(4, recv), o(5, ifdrop), o(7, osdrop))
	}
	f, a := readBytes(t, bytes.Join([][]byte{
		big.section(), big.iface(1, 0), big.iface(1, 0),
		stats(0, 10, 1, 2), stats(1, 100, 0, 5), stats(0, 20, 3, 4), stats(9, 1, 1, 1)}, nil))
	want := capture.Stats{Received: 120, InterfaceDrops: 3, KernelDrops: 9}
	if got := f.Stats(); got != want || a.err != nil {
		t.Errorf("got %+v, %v; want %+v", got, a.err, want)
	}
}

// TestOversized: a packet over the limit is skipped where the block tells how.
func TestOversized(t *testing.T) {
	f, a := readBytes(t, bytes.Join([][]byte{
		little.section(), little.iface(1, 0), little.enhanced(0, 1, "a", 1),
		little.enhanced(0, 2, strings.Repeat("x", 1<<20+1), 1<<20+1),
		little.enhanced(0, 2, strings.Repeat("x", 5<<20), 5<<20),
		little.enhanced(0, 3, "b", 1)}, nil))
	if len(a.packets) != 2 || f.Stats().Oversized != 2 || a.err != nil {
		t.Errorf("got %d packets, %d oversized, %v; want 2 and 2", len(a.packets), f.Stats().Oversized, a.err)
	}
}
