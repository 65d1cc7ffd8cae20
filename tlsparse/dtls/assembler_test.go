package dtls

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"blindspot/tlsparse"
)

// rec builds a record of DTLS 1.2; part builds a fragment, msg a message in one.
func rec(typ uint8, epoch uint16, seq uint64, payload ...byte) []byte {
	b := []byte{typ, 0xfe, 0xfd}
	b = binary.BigEndian.AppendUint64(b, uint64(epoch)<<48|seq)
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	return append(b, payload...)
}

func part(typ uint8, seq uint16, length, offset int, data ...byte) []byte {
	b := []byte{typ, byte(length >> 16), byte(length >> 8), byte(length), byte(seq >> 8), byte(seq),
		byte(offset >> 16), byte(offset >> 8), byte(offset), byte(len(data) >> 16), byte(len(data) >> 8), byte(len(data))}
	return append(b, data...)
}

func msg(typ uint8, seq uint16, body ...byte) []byte { return part(typ, seq, len(body), 0, body...) }

// hs is a datagram with a record for each fragment.
func hs(fragments ...[]byte) (datagram []byte) {
	for _, f := range fragments {
		datagram = append(datagram, rec(tlsparse.RecordHandshake, 0, 7, f...)...)
	}
	return datagram
}

func fill(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

// hello is the body of a hello with a random of one repeated byte.
func hello(random byte) []byte { return append(append([]byte{0xfe, 0xfd}, fill(random, 32)...), 0, 0) }

const (
	ch  = tlsparse.TypeClientHello
	sh  = tlsparse.TypeServerHello
	hvr = tlsparse.TypeHelloVerifyRequest
	crt = tlsparse.TypeCertificate
	skx = tlsparse.TypeServerKeyExchange
	shd = tlsparse.TypeServerHelloDone
)

func TestAssembler(t *testing.T) {
	server, chain := hello(1), fill(2, 100)
	finished := rec(22, 1, 0, fill(9, 48)...)
	data := rec(23, 1, 1, fill(9, 30)...)
	change := rec(20, 0, 8, 1)
	for _, c := range []struct {
		name      string
		datagrams [][]byte
		want      string
	}{
		{"nothing", [][]byte{{}}, ""},
		{"other protocols on the port", [][]byte{{0, 1, 0, 0}, {0x40, 0, 0, 0}, {0x80, 96, 1, 2}}, ""},
		{"garbage of the right kind", [][]byte{fill(22, 40)}, "broken-at-0"},
		{"messages in one record", [][]byte{rec(22, 0, 1, slices.Concat(msg(sh, 0, server...), msg(crt, 1, chain...), msg(shd, 2))...)}, "2#0 11#1 14#2"},
		{"records in one datagram", [][]byte{hs(msg(sh, 0, server...), msg(crt, 1, chain...), msg(shd, 2))}, "2#0 11#1 14#2"},
		{"garbage behind a record", [][]byte{append(hs(msg(sh, 0, server...)), 1, 2, 3)}, "2#0 broken-at-61"},
		{"the datagram after that", [][]byte{append(hs(msg(sh, 0, server...)), 1, 2, 3), hs(msg(shd, 1))}, "2#0 broken-at-61 14#1"},
		{"messages in reverse", [][]byte{hs(msg(shd, 2)), hs(msg(crt, 1, chain...)), hs(msg(sh, 0, server...))}, "2#0 11#1 14#2"},
		{
			"fragments in reverse, in a hole, doubled, overlapping",
			[][]byte{hs(msg(sh, 0, server...)), hs(part(crt, 1, 100, 90, chain[:10]...)), hs(part(crt, 1, 100, 40, chain[:10]...)),
				hs(part(crt, 1, 100, 40, chain[:10]...)), hs(part(crt, 1, 100, 0, chain[:50]...)), hs(part(crt, 1, 100, 30, chain[:65]...))},
			"2#0 11#1",
		},
		{
			"interleaved messages",
			[][]byte{hs(msg(sh, 0, server...), part(crt, 1, 100, 0, chain[:50]...), part(skx, 2, 20, 0, chain[:10]...)),
				hs(part(skx, 2, 20, 10, chain[:10]...)), hs(part(crt, 1, 100, 50, chain[:50]...))},
			"2#0 11#1 12#2",
		},
		{"fragments of no length", [][]byte{hs(part(sh, 0, 36, 0), msg(sh, 0, server...))}, "2#0"},
		{"a fragment that leaves its message", [][]byte{hs(part(crt, 0, 10, 8, 1, 2, 3), msg(sh, 0, server...))}, "2#0"},
		{"the same flight twice", [][]byte{hs(msg(sh, 0, server...), msg(shd, 1)), hs(msg(sh, 0, server...), msg(shd, 1))}, "2#0 14#1"},
		{"a capture that begins late", [][]byte{hs(msg(crt, 2, chain...), msg(shd, 3))}, "11#2 14#3"},
		{"a capture that begins with the second hello", [][]byte{hs(msg(sh, 1, server...), msg(shd, 2))}, "2#1 14#2"},
		{
			"a hello in two numbers of which one breaks off",
			[][]byte{hs(part(ch, 1, 36, 0, hello(1)[:20]...)), hs(part(ch, 0, 36, 0, hello(1)[:20]...)), hs(part(ch, 1, 36, 20, hello(1)[20:]...))},
			"partial-1-#0-" + fmt.Sprintf("%x", hello(1)[:20]) + "-of-36 1#1",
		},
		{
			"what is missing at the end",
			[][]byte{hs(msg(sh, 1, server...)), hs(msg(shd, 4)), hs(part(skx, 3, 20, 0, 7, 8))},
			"2#1 gap-of-1-from-#2 partial-12-#3-0708-of-20 14#4",
		},
		{
			"what is missing before a server's change",
			[][]byte{hs(msg(sh, 1, server...)), hs(msg(shd, 4)), change},
			"2#1 gap-of-2-from-#2 14#4 change",
		},
		{
			"what is missing before a client's change can be sent again",
			[][]byte{hs(msg(ch, 0, hello(1)...)), hs(msg(15, 3)), append(change, finished...), hs(msg(crt, 1)), hs(msg(16, 2))},
			"1#0 change protected-22-in-1-of-48 11#1 16#2 15#3",
		},
		{
			"but not after its data",
			[][]byte{hs(msg(ch, 0, hello(1)...)), hs(msg(15, 3)), append(change, finished...), data, hs(msg(crt, 1))},
			"1#0 change protected-22-in-1-of-48 gap-of-2-from-#1 15#3 protected-23-in-1-of-30",
		},
		{"changes and protected records count once", [][]byte{append(change, finished...), append(change, finished...), data, data}, "change protected-22-in-1-of-48 protected-23-in-1-of-30"},
		{"AnyConnect's change has a number", [][]byte{rec(20, 0, 1, 1, 0, 2)}, "change"},
		{"alerts", [][]byte{rec(21, 0, 1, 2, 48), rec(21, 0, 1, 2, 48), rec(21, 0, 2, 1, 0), rec(21, 1, 1, fill(3, 26)...)}, "alert-0230 alert-0100 protected-21-in-1-of-26"},
		{"records that say nothing in the clear", [][]byte{rec(26, 0, 1, 0, 0), rec(23, 0, 1, 1), rec(24, 0, 1, 1), rec(21, 0, 1, 2), rec(20, 0, 1, 2), hs(msg(sh, 0, server...))}, "2#0"},
		{
			"another handshake on the port",
			[][]byte{hs(msg(ch, 0, hello(1)...)), hs(msg(ch, 1, hello(1)...)), change, hs(msg(ch, 0, hello(2)...)), hs(msg(ch, 1, hello(2)...)), change},
			"1#0 1#1 change restart 1#0 1#1 change",
		},
		{
			"the hello without cookie again",
			[][]byte{hs(msg(ch, 0, hello(1)...)), hs(msg(ch, 1, hello(2)...)), hs(msg(ch, 0, hello(1)...)), hs(msg(ch, 1, hello(2)...))},
			"1#0 1#1",
		},
		{
			"another handshake while the first hello is not whole",
			[][]byte{hs(part(ch, 0, 36, 0, hello(1)[:34]...)), hs(part(ch, 0, 36, 0, hello(2)[:34]...)), hs(part(ch, 0, 36, 34, 0, 0))},
			"1#0",
		},
		{
			"a server that restarts behind its HelloVerifyRequest",
			[][]byte{hs(msg(hvr, 0, 0xfe, 0xff, 0)), hs(msg(sh, 0, server...)), hs(msg(shd, 1))},
			"3#0 restart 2#0 14#1",
		},
		{"a record cut in the capture", [][]byte{hs(msg(sh, 0, server...)), hs(msg(crt, 1, chain...))[:60]}, "2#0 partial-11-#1-" + fmt.Sprintf("%x", chain[:35]) + "-of-100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, stats := assemble(c.datagrams...)
			if got := kinds(events); got != c.want {
				t.Errorf("got  %s\nwant %s\n%+v", got, c.want, stats)
			}
		})
	}
}

// TestFirstCopyWins: what was there first stays.
func TestFirstCopyWins(t *testing.T) {
	events, _ := assemble(hs(msg(sh, 0, hello(1)...)),
		hs(part(crt, 1, 10, 4, 1, 1, 1)), hs(part(crt, 1, 10, 2, 2, 2, 2, 2)), hs(part(crt, 1, 10, 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3)))
	if want := "message 11 #1 03030202010101030303"; events[1] != want {
		t.Errorf("got %s, want %s", events[1], want)
	}
}

// TestLimits fills every bound.
func TestLimits(t *testing.T) {
	start := hs(msg(sh, 0, hello(1)...))
	t.Run("maxMessage", func(t *testing.T) {
		events, stats := assemble(start, hs(part(crt, 1, maxMessage+1, 0, 1, 2, 3)), hs(msg(shd, 2)))
		if got, want := kinds(events), fmt.Sprintf("2#0 too-long-11-#1-of-%d 14#2", maxMessage+1); got != want || stats.TooLong != 1 {
			t.Errorf("got %s, want %s; %+v", got, want, stats)
		}
		list := [][]byte{start}
		for at := 0; at < maxMessage; at += 1024 {
			list = append(list, hs(part(crt, 1, maxMessage, at, fill(5, 1024)...)))
		}
		if events, _ := assemble(list...); len(events) != 2 || !strings.HasPrefix(events[1], "message") {
			t.Errorf("a message of maxMessage: %.80s", events)
		}
	})
	t.Run("maxPieces", func(t *testing.T) {
		var a Assembler
		var events []string
		emit := func(e Event) { events = append(events, describe(e)) }
		a.Datagram(start, emit)
		for i := range maxPieces + 1 {
			a.Datagram(hs(part(crt, 1, 1<<16, 2*i, 1)), emit)
		}
		if got := kinds(events); got != "2#0 too-long-11-#1-of-65536" || a.Buffered() != 0 {
			t.Errorf("got %s, %d bytes", got, a.Buffered())
		}
	})
	t.Run("maxAhead", func(t *testing.T) {
		events, stats := assemble(start, hs(msg(shd, maxAhead+1)), hs(msg(shd, maxAhead)))
		if got := kinds(events); got != "2#0 gap-of-63-from-#1 14#64" || stats.Overflow != 1 {
			t.Errorf("got %s, %+v", got, stats)
		}
		events, stats = assemble(hs(msg(shd, 100)), hs(msg(shd, 100+maxAhead)), hs(msg(shd, 100-maxAhead)))
		if got := kinds(events); got != "14#100" || stats.Overflow != 2 {
			t.Errorf("before the start: got %s, %+v", got, stats)
		}
	})
	t.Run("maxWaiting", func(t *testing.T) {
		list := [][]byte{start}
		for i := range maxWaiting + 1 {
			list = append(list, hs(msg(shd, uint16(2+i))))
		}
		events, stats := assemble(list...)
		if len(events) != 2+maxWaiting+1 || stats.Missing != 1 || stats.Overflow != 0 {
			t.Errorf("got %s, %+v", kinds(events), stats)
		}
	})
	t.Run("maxBuffered", func(t *testing.T) {
		var a Assembler
		var events []string
		emit := func(e Event) { events = append(events, describe(e)) }
		a.Datagram(start, emit)
		for at := 0; at < maxMessage-1024; at += 1024 {
			for seq := range uint16(3) {
				a.Datagram(hs(part(crt, 2+seq, maxMessage, at, fill(1, 1024)...)), emit)
				if a.Buffered() > maxBuffered || len(a.waiting) > maxWaiting {
					t.Fatalf("%d bytes in %d messages", a.Buffered(), len(a.waiting))
				}
			}
		}
		if a.Stats().Missing == 0 || a.Stats().Overflow == 0 {
			t.Errorf("%+v", a.Stats())
		}
	})
	t.Run("message_seq", func(t *testing.T) {
		events, _ := assemble(hs(msg(sh, 65535, hello(1)...)), hs(msg(shd, 0)), hs(msg(shd, 65535)))
		if got := kinds(events); got != "2#65535" {
			t.Errorf("got %s", got)
		}
	})
}

// TestRestart: the caller's Restart is like the Assembler's own.
func TestRestart(t *testing.T) {
	var a Assembler
	var events []string
	emit := func(e Event) { events = append(events, describe(e)) }
	alert := rec(21, 0, 0, 2, 40)
	a.Datagram(alert, emit)
	a.Restart(emit)
	a.Datagram(alert, emit)
	a.Datagram(hs(msg(sh, 0, hello(1)...)), emit)
	a.Restart(emit)
	a.Restart(emit)
	a.Datagram(hs(msg(sh, 0, hello(2)...)), emit)
	if got, want := kinds(events), "alert-0228 alert-0228 2#0 restart 2#0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestAllocations: what comes in its turn costs no allocation.
func TestAllocations(t *testing.T) {
	n := 0
	emit := func(e Event) { n += len(e.Body) }
	flight := hs(msg(sh, 0, append(hello(1), 0xc0, 0x2f, 0)...), msg(crt, 1, fill(2, 1000)...), msg(shd, 2))
	end := slices.Concat(rec(20, 0, 8, 1), rec(22, 1, 0, fill(9, 48)...), rec(23, 1, 1, fill(9, 300)...))
	got := testing.AllocsPerRun(100, func() {
		var a Assembler
		a.Datagram(flight, emit)
		a.Datagram(end, emit)
		inner, _ := Strip(flight)
		if Probe(inner) != tlsparse.Yes {
			t.Error("no")
		}
	})
	if got != 0 || n == 0 {
		t.Errorf("%v allocations", got)
	}
}

// FuzzDatagrams: no input makes it panic, exceed its bounds, or tell of a
// message twice or out of turn. Each datagram has its length before it.
func FuzzDatagrams(f *testing.F) {
	for _, tr := range readTraces(f) {
		for _, client := range []bool{true, false} {
			var b []byte
			for _, d := range tr.side(client, true) {
				b = append(binary.BigEndian.AppendUint16(b, uint16(len(d))), d...)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var a Assembler
		last := -1
		emit := func(e Event) {
			switch e.Kind {
			case EventRestart:
				last = -1
			case EventMessage, EventPartial, EventTooLong:
				if int(e.Seq) <= last {
					t.Fatalf("%s after #%d", describe(e), last)
				}
				if e.Kind == EventMessage && len(e.Body) != e.N || len(e.Body) > e.N {
					t.Fatalf("%s of %d", describe(e), e.N)
				}
				last = int(e.Seq)
			}
		}
		for len(b) >= 2 {
			n := min(int(binary.BigEndian.Uint16(b)), len(b)-2)
			d := b[2 : 2+n]
			b = b[2+n:]
			inner, _ := Strip(d)
			a.Datagram(inner, emit)
			if a.Buffered() > maxBuffered || len(a.waiting) > maxWaiting {
				t.Fatalf("%d bytes in %d messages", a.Buffered(), len(a.waiting))
			}
			held := 0
			for _, h := range a.waiting {
				held += len(h.data)
			}
			if held != a.Buffered() {
				t.Fatalf("%d bytes wait, counted as %d", held, a.Buffered())
			}
		}
		a.Flush(emit)
		if a.Buffered() != 0 || len(a.waiting) != 0 {
			t.Fatal("something waits after Flush")
		}
	})
}

// FuzzShuffle: messages, cut into fragments that overlap and come twice in any
// order, come out as they were.
func FuzzShuffle(f *testing.F) {
	f.Add(fill(3, 500), uint64(1), uint16(20), uint8(4))
	f.Add(fill(4, 5000), uint64(2), uint16(200), uint8(9))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64, mtu uint16, count uint8) {
		if len(b) > 1<<14 {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 2))
		count = count%(maxWaiting-1) + 1
		size := max(int(mtu), 1+len(b)/maxPieces*2)
		want := []string{describe(Event{Kind: EventMessage, Type: sh, Body: hello(1)})}
		var list [][]byte
		for i := range count {
			body := b
			if n := len(b) / int(count-i); i < count-1 {
				body, b = b[:n], b[n:]
			}
			seq := uint16(i) + 1
			want = append(want, describe(Event{Kind: EventMessage, Type: crt, Seq: seq, Body: body}))
			for at := 0; at < len(body) || at == 0; at += size {
				from, to := max(0, at-rng.IntN(size)), min(len(body), at+size)
				list = append(list, hs(part(crt, seq, len(body), from, body[from:to]...)))
				if rng.IntN(4) == 0 {
					list = append(list, list[rng.IntN(len(list))])
				}
			}
		}
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = append([][]byte{hs(msg(sh, 0, hello(1)...))}, list...)
		if got, stats := assemble(list...); !slices.Equal(got, want) {
			t.Fatalf("got  %.300s\nwant %.300s\n%+v", got, want, stats)
		}
	})
}

func BenchmarkFlight(b *testing.B) {
	tr := readTrace(b, "testdata/openssl-mutual.trace")
	list, n := tr.side(false, true), 0
	for _, d := range list {
		n += len(d)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	emit := func(e Event) { n += e.N }
	for b.Loop() {
		var a Assembler
		for _, d := range list {
			a.Datagram(d, emit)
		}
	}
}

func BenchmarkData(b *testing.B) {
	d, n := rec(23, 1, 1, fill(9, 1200)...), 0
	var a Assembler
	emit := func(e Event) { n += e.N }
	b.ReportAllocs()
	for b.Loop() {
		d[10]++
		a.Datagram(d, emit)
	}
}

func BenchmarkProbe(b *testing.B) {
	noise := [][]byte{fill(0x45, 1200), {0x80, 0x60, 1, 2, 3, 4}, {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}}
	b.ReportAllocs()
	for b.Loop() {
		for _, d := range noise {
			inner, _ := Strip(d)
			if Probe(inner) != tlsparse.No {
				b.Fatal()
			}
		}
	}
}
