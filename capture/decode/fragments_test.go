package decode_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
)

func pick(frames []capture.Packet, order ...int) (out []capture.Packet) {
	for _, i := range order {
		out = append(out, frames[i])
	}
	return out
}

// fragmentVectors are datagrams in pieces. A datagram is yielded with the
// fragment that completes it.
func fragmentVectors() []vector {
	body4 := fragments4(6, tcp(long), 24, 64, 120)
	body6 := fragments6(17, udp(long), 8, 64, 120)
	whole4, whole6 := tcp4+fmt.Sprintf(" %q", long), udp6+fmt.Sprintf(" %q", long)
	three := decode.Stats{Fragments: 4, Reassembled: 1, FragmentsAbsorbed: 3}

	conflict := fragments4(17, udp(strings.Repeat("A", 56)), 32) // 0–32, 32–64
	other := fragments4(17, udp(strings.Repeat("B", 56)), 24, 48)
	overlap := []capture.Packet{conflict[0], other[1], other[2]} // A 0–32, B 24–48, B 48–64

	vlan1 := frame(eth(0x8100, tag(1, 0x800), v4opt(17, nil, 0x2000, udp("01234567"))))
	inner := cat(ext(17), udp(long))
	radio := dot11(8, 1, nil, v4(6, tcp(long)))
	part := func(flags byte, at int, b []byte) capture.Packet {
		return over(5247, []byte{0, 2 << 3, 3, 0x80 | flags, 0, 9}, be16(at), b)
	}
	var nested []capture.Packet
	for _, p := range fragments4(6, tcp(long), 64) {
		nested = append(nested, fragments4(4, p.Data[14:], 40)...)
	}
	for i := range nested { // each pair is a datagram
		nested[i].Data[19] = byte(i / 2)
	}
	capwap := []capture.Packet{part(0, 0, radio[:64]), part(0, 64, radio[64:128]), part(0x40, 128, radio[128:])}
	return []vector{
		{"ipv4 fragments", body4, []string{"", "", "", whole4}, three},
		{"ipv4 fragments backwards", pick(body4, 3, 2, 1, 0), []string{"", "", "", whole4}, three},
		{"ipv4 fragments shuffled", pick(body4, 2, 0, 3, 1), []string{"", "", "", whole4}, three},
		{"ipv6 fragments", body6, []string{"", "", "", whole6}, three},
		{"ipv6 fragments backwards", pick(body6, 3, 2, 1, 0), []string{"", "", "", whole6}, three},
		{"extension header inside of fragments", fragments6(60, inner, 8), []string{"", whole6},
			decode.Stats{Fragments: 2, Reassembled: 1, FragmentsAbsorbed: 1}},
		{"repeated", pick(body4, 0, 0, 1, 1, 2, 3), []string{"", "", "", "", "", whole4},
			decode.Stats{Fragments: 6, Reassembled: 1, FragmentsAbsorbed: 5, FragmentsRepeated: 2}},
		{"overlapping, the first copy wins", overlap, []string{"", "", udp4 + fmt.Sprintf(" %q", strings.Repeat("A", 24)+strings.Repeat("B", 32))},
			decode.Stats{Fragments: 3, Reassembled: 1, FragmentsAbsorbed: 2}},
		{"a piece around another", []capture.Packet{other[1], conflict[1], frame(eth(0x800, v4opt(17, nil, 0x2000, udp(strings.Repeat("A", 56))[:40])))},
			[]string{"", "", udp4 + fmt.Sprintf(" %q", strings.Repeat("A", 16)+strings.Repeat("B", 24)+strings.Repeat("A", 16))},
			decode.Stats{Fragments: 3, Reassembled: 1, FragmentsAbsorbed: 2}},
		{"incomplete", pick(body4, 0, 1, 3), []string{"", "", ""},
			decode.Stats{Fragments: 3, FragmentsAbsorbed: 3, FragmentsWaiting: 1}},
		{"cut by the snaplen", []capture.Packet{cut(50, body4[0].Data)}, []string{""},
			decode.Stats{Fragments: 1, FragmentsAbsorbed: 1, FragmentsCut: 1}},
		{"not a multiple of eight", []capture.Packet{frame(eth(0x800, v4opt(17, nil, 0x2000, udp("123"))))}, []string{""},
			decode.Stats{Fragments: 1, FragmentsAbsorbed: 1, FragmentsMalformed: 1}},
		{"empty", []capture.Packet{frame(eth(0x800, v4opt(17, nil, 0x2000)))}, []string{""},
			decode.Stats{Fragments: 1, FragmentsAbsorbed: 1, FragmentsMalformed: 1}},
		{"past 65535 bytes", []capture.Packet{frame(eth(0x800, v4opt(17, nil, 0x1fff, udp("12345678"))))}, []string{""},
			decode.Stats{Fragments: 1, FragmentsAbsorbed: 1, FragmentsMalformed: 1}},
		{"capwap fragments", pick(capwap, 2, 0, 1), []string{"", "", whole4 + " in capwap"},
			decode.Stats{Fragments: 3, Reassembled: 1, FragmentsAbsorbed: 2}},
		{"a tunnel in fragments", fragments4(47, cat(be16(0, 0x800), v4(6, tcp(long))), 24, 64), []string{"", "", whole4 + " in gre"},
			decode.Stats{Fragments: 3, Reassembled: 1, FragmentsAbsorbed: 2}},
		{"fragments in a tunnel in fragments", nested, []string{"", "", "", whole4 + " in ipip"},
			decode.Stats{Fragments: 6, Reassembled: 3, FragmentsAbsorbed: 3}},
		{"vlans share datagrams unless networks are named", []capture.Packet{vlan1, frame(eth(0x8100, tag(2, 0x800), v4opt(17, nil, 2, []byte("89"))))},
			[]string{"", udp4 + ` "01234567" in vlan:2`},
			decode.Stats{Fragments: 2, Reassembled: 1, FragmentsAbsorbed: 1}},
	}
}

// TestFragmentNetworks: the same addresses in two networks stay apart.
func TestFragmentNetworks(t *testing.T) {
	d := decode.New(decode.Config{Network: func(_ int, tunnel decode.Tunnel) uint16 { return uint16(tunnel.Headers[0].ID) }})
	first := frame(eth(0x8100, tag(1, 0x800), v4opt(17, nil, 0x2000, udp("01234567"))))
	second := frame(eth(0x8100, tag(2, 0x800), v4opt(17, nil, 2, []byte("89"))))
	var s decode.Segment
	if d.Decode(&first, &s) || d.Decode(&second, &s) {
		t.Errorf("fragments of two networks were joined: %s", show(&s))
	}
}

// TestFragmentTimeout counts in packet time.
func TestFragmentTimeout(t *testing.T) {
	frames := fragments4(6, tcp(long), 24)
	d, s := decode.New(decode.Config{}), decode.Segment{}
	frames[0].Time, frames[1].Time = 1e9, 31e9+1
	if d.Decode(&frames[0], &s) || d.Decode(&frames[1], &s) {
		t.Error("joined after 30 seconds")
	}
	want := decode.Stats{Packets: 2, Fragments: 2, FragmentsAbsorbed: 2, DatagramsTimedOut: 1, FragmentsWaiting: 1}
	if got := d.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	frames[0].Time = 61e9 // 30 s later to the nanosecond
	if !d.Decode(&frames[0], &s) {
		t.Error("not joined within 30 seconds")
	}
}

// TestFragmentBounds floods each bound.
func TestFragmentBounds(t *testing.T) {
	var s decode.Segment
	first := func(id int, offset int, size int) capture.Packet {
		b := v4opt(17, nil, 0x2000|offset/8, make([]byte, size))
		b[4], b[5] = byte(id>>8), byte(id)
		return on(capture.LinkRaw, b)
	}
	d := decode.New(decode.Config{})
	for id := range 10_000 {
		p := first(id, 0, 8)
		d.Decode(&p, &s)
	}
	if got := d.Stats(); got.FragmentsWaiting != 4096 || got.DatagramsEvicted != 10_000-4096 {
		t.Errorf("datagrams: got %+v", got)
	}
	d = decode.New(decode.Config{})
	for id := range 1000 {
		p := first(id, 0, 32<<10)
		d.Decode(&p, &s)
	}
	if got := d.Stats(); got.FragmentsWaiting != 16<<20/(32<<10+256+64) || got.FragmentsWaiting+got.DatagramsEvicted != 1000 {
		t.Errorf("bytes: got %+v", got)
	}
	d = decode.New(decode.Config{})
	for i := range 300 {
		p := first(1, i*16, 8)
		d.Decode(&p, &s)
	}
	if got := d.Stats(); got.DatagramsShredded != 1 || got.FragmentsWaiting != 1 {
		t.Errorf("pieces: got %+v", got)
	}
}

// TestFragmentOrders reassembles every datagram of some sizes in random orders
// and with random repetition.
func TestFragmentOrders(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		text := strings.Repeat(long, 1+r.IntN(20))[r.IntN(100):]
		var cuts []int
		for at := 8 * (1 + r.IntN(8)); at < len(text)+8; at += 8 * (1 + r.IntN(20)) {
			cuts = append(cuts, at)
		}
		frames := fragments4(17, udp(text), cuts...)
		order := r.Perm(len(frames))
		d, s := decode.New(decode.Config{}), decode.Segment{}
		for i, at := range order {
			if i > 0 && r.IntN(3) == 0 { // once more
				if again := frames[order[r.IntN(i)]]; d.Decode(&again, &s) {
					t.Fatal("a repeated fragment completed the datagram")
				}
			}
			if ok := d.Decode(&frames[at], &s); ok != (i == len(frames)-1) {
				t.Fatalf("fragment %d of %d: got %v", i, len(frames), ok)
			}
		}
		if string(s.Payload) != text {
			t.Fatalf("got %d bytes, want %d", len(s.Payload), len(text))
		}
	}
}
