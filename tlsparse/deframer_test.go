package tlsparse

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const testLimit = 1 << 16

// record builds records; message builds handshake messages.
func record(typ uint8, payload ...byte) []byte {
	return append([]byte{typ, 3, 3, byte(len(payload) >> 8), byte(len(payload))}, payload...)
}

func message(typ uint8, body ...byte) []byte {
	return append([]byte{typ, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// split puts a handshake stream into records of n bytes each.
func split(stream []byte, n int) (out []byte) {
	for part := range slices.Chunk(stream, n) {
		out = append(out, record(RecordHandshake, part...)...)
	}
	return out
}

// describe writes an event down, without what it asks for.
func describe(e Event) string {
	switch e.Kind {
	case EventMessage:
		return fmt.Sprintf("message %d %x", e.Type, e.Body)
	case EventTooLong:
		return fmt.Sprintf("too long %d of %d %x", e.Type, e.N, e.Body)
	case EventSSLv2:
		return fmt.Sprintf("sslv2 %d %x", e.Type, e.Body)
	case EventChangeCipherSpec:
		return "change"
	case EventAlert:
		return fmt.Sprintf("alert %x", e.Body)
	case EventProtected:
		return fmt.Sprintf("protected %d of %d", e.Type, e.N)
	case EventBroken:
		return "broken"
	}
	return "need"
}

// deframe feeds stream in pieces of the given length, all at once for 0, and
// returns the events; with skip, what need not be buffered is left out, and the
// buffer is compacted each time.
func deframe(t testing.TB, stream []byte, piece, limit int, skip bool) (events []string, d Deframer, buf []byte) {
	if piece == 0 {
		piece = max(1, len(stream))
	}
	need := 1
	for part := range slices.Chunk(stream, piece) {
		if skip {
			n := d.Skip(len(part))
			part = part[n:]
			need -= n
		}
		buf = append(buf, part...)
		need -= len(part)
		for {
			e := d.Step(buf, limit)
			if e.Kind == EventNeed {
				if e.N < 1 {
					t.Fatalf("need %d bytes of %x", e.N, stream)
				}
				need = int(e.N)
				break
			}
			if need > 0 && e.Kind != EventBroken {
				t.Fatalf("%s came %d bytes before it was due, in %.100x", describe(e), need, stream)
			}
			events = append(events, describe(e))
			if e.Kind == EventBroken {
				return events, d, buf
			}
		}
		if skip {
			buf = buf[:d.Compact(buf)]
		}
	}
	return events, d, buf
}

func repeat(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

// retryHello is a plaintext hello as far as plainHello can tell.
func retryHello(typ uint8) []byte { return message(typ, append([]byte{3, 3}, repeat(7, 40)...)...) }

func deframerCases() []struct {
	name   string
	stream []byte
	want   []string
} {
	hello := message(TypeServerHello, repeat(1, 50)...)
	chain := message(TypeCertificate, repeat(2, 300)...)
	done := message(TypeServerHelloDone)
	flight := slices.Concat(hello, chain, done)
	all := []string{
		fmt.Sprintf("message 2 %x", hello[4:]), fmt.Sprintf("message 11 %x", chain[4:]), "message 14 ",
	}
	ccs := record(RecordChangeCipherSpec, 1)
	finished := record(RecordHandshake, append(repeat(0, 8), repeat(9, 32)...)...)
	return []struct {
		name   string
		stream []byte
		want   []string
	}{
		{"nothing", nil, nil},
		{"several messages in one record", record(RecordHandshake, flight...), all},
		{"a message in each record", slices.Concat(split(hello, 1000), split(chain, 1000), split(done, 1000)), all},
		{"records of one byte", split(flight, 1), all},
		{"records of three bytes", split(flight, 3), all},
		{"records of 53 bytes, which split a header", split(flight, 53), all},
		{"records without bytes between", slices.Concat(record(RecordHandshake), split(flight[:60], 60),
			record(RecordHandshake), record(RecordHandshake), split(flight[60:], 1000)), all},
		{"an alert within a message", slices.Concat(split(flight[:60], 60),
			record(RecordAlert, 1, 112), split(flight[60:], 1000)),
			[]string{all[0], "alert 0170", all[1], all[2]}},
		{"an alert within a header", slices.Concat(split(flight[:56], 56), record(RecordAlert, 1, 90, 1, 112),
			split(flight[56:], 7)), []string{all[0], "alert 015a0170", all[1], all[2]}},
		{"an alert without bytes", slices.Concat(record(RecordAlert), split(flight, 100)), all},
		{"half an alert", record(RecordAlert, 2), []string{"alert 02"}},
		{"a heartbeat before", slices.Concat(record(RecordHeartbeat, repeat(1, 19)...), split(flight, 70)),
			append([]string{"protected 24 of 19"}, all...)},
		{"a full handshake up to TLS 1.2", slices.Concat(split(flight, 200), ccs, finished,
			record(RecordApplicationData, repeat(5, 500)...), record(RecordAlert, repeat(6, 26)...)),
			append(slices.Clone(all), "change", "protected 22 of 40", "protected 23 of 500", "protected 21 of 26")},
		{"TLS 1.3", slices.Concat(split(hello, 1000), ccs, record(RecordApplicationData, repeat(5, 3000)...),
			record(RecordApplicationData)),
			[]string{all[0], "change", "protected 23 of 3000", "protected 23 of 0"}},
		{"a plain alert after ChangeCipherSpec", slices.Concat(split(hello, 1000), ccs, record(RecordAlert, 2, 48)),
			[]string{all[0], "change", "alert 0230"}},
		{"an encrypted alert before ChangeCipherSpec", record(RecordAlert, repeat(6, 31)...), []string{"protected 21 of 31"}},
		{"a second hello after ChangeCipherSpec", slices.Concat(split(retryHello(1), 1000), ccs, split(retryHello(1), 1000), ccs),
			[]string{fmt.Sprintf("message 1 %x", retryHello(1)[4:]), "change", fmt.Sprintf("message 1 %x", retryHello(1)[4:]), "change"}},
		{"the same in records of one byte", slices.Concat(split(retryHello(2), 1), ccs, split(retryHello(2), 1)),
			[]string{fmt.Sprintf("message 2 %x", retryHello(2)[4:]), "change", fmt.Sprintf("message 2 %x", retryHello(2)[4:])}},
		{"a Finished that begins like a hello", slices.Concat(ccs, record(RecordHandshake, append([]byte{1, 0, 0, 30, 3, 4}, repeat(9, 30)...)...)),
			[]string{"change", "protected 22 of 36"}},
		{"no TLS", []byte("HTTP/1.1 200 OK"), []string{"broken"}},
		{"no TLS after a message", append(split(hello, 1000), "\r\n"...), []string{all[0], "broken"}},
		{"a record that is too long", []byte{22, 3, 3, 0x48, 1}, []string{"broken"}},
		{"a ChangeCipherSpec of three bytes", record(RecordChangeCipherSpec, 1, 1, 1), []string{"broken"}},
		{"an unknown handshake type", record(RecordHandshake, 99, 0, 0, 1, 0), []string{"broken"}},
	}
}

// TestDeframer feeds each stream at once, in pieces of several lengths, and
// with all that can be skipped left out: the events are the same.
func TestDeframer(t *testing.T) {
	for _, test := range deframerCases() {
		for _, piece := range []int{0, 1, 2, 3, 5, 6, 7, 64} {
			for _, skip := range []bool{false, true} {
				got, _, _ := deframe(t, test.stream, piece, testLimit, skip)
				if !slices.Equal(got, test.want) {
					t.Errorf("%s, in pieces of %d, skip %v:\n got %q\nwant %q", test.name, piece, skip, got, test.want)
				}
			}
		}
	}
}

func TestDeframerRFC8448(t *testing.T) {
	v := rfc8448(t)
	m := func(name string) string { return fmt.Sprintf("message %d %x", v[name][5], body(v[name])) }
	tests := []struct {
		name   string
		stream []byte
		want   []string
	}{
		{"3 client", slices.Concat(v["3 client-hello"], v["3 client-finished"]),
			[]string{m("3 client-hello"), "protected 23 of 53"}},
		{"3 server", slices.Concat(v["3 server-hello"], v["3 server-flight"]),
			[]string{m("3 server-hello"), "protected 23 of 674"}},
		{"4 client", slices.Concat(v["4 client-hello"], v["4 early-data"]),
			[]string{m("4 client-hello"), "protected 23 of 23"}},
		{"4 server", slices.Concat(v["4 server-hello"], v["4 server-flight"]),
			[]string{m("4 server-hello"), "protected 23 of 97"}},
		{"5 client", slices.Concat(v["5 client-hello"], v["5 client-hello-2"]),
			[]string{m("5 client-hello"), m("5 client-hello-2")}},
		{"5 server", slices.Concat(v["5 hello-retry-request"], v["5 server-hello"]),
			[]string{m("5 hello-retry-request"), m("5 server-hello")}},
		{"7 client", slices.Concat(v["7 client-hello"], v["7 client-finished"]),
			[]string{m("7 client-hello"), "change", "protected 23 of 53"}},
	}
	for _, test := range tests {
		for _, piece := range []int{0, 1, 100} {
			if got, _, _ := deframe(t, test.stream, piece, testLimit, piece == 1); !slices.Equal(got, test.want) {
				t.Errorf("%s, in pieces of %d:\n got %q\nwant %q", test.name, piece, got, test.want)
			}
		}
	}
}

func TestDeframerTooLong(t *testing.T) {
	hello := message(TypeServerHello, repeat(1, 50)...)
	chain := message(TypeCertificate, repeat(2, 3000)...)
	done := message(TypeServerHelloDone)
	flight := slices.Concat(hello, chain, done)
	want := []string{fmt.Sprintf("message 2 %x", hello[4:]),
		fmt.Sprintf("too long 11 of 3000 %x", chain[4:104]), "message 14 "}
	for _, size := range []int{1, 60, 500, 5000} {
		for _, piece := range []int{0, 1, 9, 700} {
			for _, skip := range []bool{false, true} {
				got, _, buf := deframe(t, split(flight, size), piece, 100, skip)
				if !slices.Equal(got, want) {
					t.Errorf("records of %d, pieces of %d: got %.200q", size, piece, got)
				}
				if skip && len(buf) > 104+RecordHeaderLen {
					t.Errorf("records of %d, pieces of %d: %d bytes buffered at the end", size, piece, len(buf))
				}
			}
		}
	}
	if got, _, _ := deframe(t, record(RecordHandshake, flight...), 0, 0, false); len(got) != 3 ||
		got[0] != "too long 2 of 50 " || got[2] != "message 14 " {
		t.Errorf("limit 0: got %q", got)
	}
}

// TestDeframerPartial: what has come of a certificate message can be read.
func TestDeframerPartial(t *testing.T) {
	leaf := repeat(7, 900)
	list := slices.Concat([]byte{0, 3, 132}, leaf, []byte{0, 3, 132}, leaf)
	chain := message(TypeCertificate, slices.Concat([]byte{0, byte(len(list) >> 8), byte(len(list))}, list)...)
	stream := split(chain, 64)
	for cut := range stream {
		_, d, buf := deframe(t, stream[:cut], 0, testLimit, false)
		typ, part, length, ok := d.Partial(buf)
		in := cut/(64+RecordHeaderLen)*64 + max(0, cut%(64+RecordHeaderLen)-RecordHeaderLen)
		if ok != (in >= HandshakeHeaderLen) {
			t.Fatalf("cut at %d: ok %v with %d bytes of the message", cut, ok, in)
		}
		if !ok {
			continue
		}
		if typ != TypeCertificate || length != len(chain)-HandshakeHeaderLen || !bytes.Equal(part, chain[4:in]) {
			t.Fatalf("cut at %d: type %d, length %d, %d bytes", cut, typ, length, len(part))
		}
		certificates, err := ParseCertificate(part, nil)
		want := 0
		if len(part) >= 3+3+900 {
			want = 1
		}
		if err == nil || len(certificates) != want || want == 1 && !bytes.Equal(certificates[0], leaf) {
			t.Fatalf("cut at %d: %d certificates, error %v, want %d", cut, len(certificates), err, want)
		}
	}
}

func TestDeframerSSLv2(t *testing.T) {
	hello := ssl2Hello()
	for _, piece := range []int{0, 1, 4} {
		got, _, _ := deframe(t, append(hello, record(RecordAlert, 2, 40)...), piece, testLimit, piece == 1)
		want := []string{fmt.Sprintf("sslv2 1 %x", hello), "alert 0228"}
		if !slices.Equal(got, want) {
			t.Errorf("pieces of %d: got %q, want %q", piece, got, want)
		}
		got, _, _ = deframe(t, append(ssl2ServerHelloBytes(), "more of SSL 2.0"...), piece, testLimit, piece == 1)
		if len(got) != 2 || !strings.HasPrefix(got[0], "sslv2 4 ") || got[1] != "broken" {
			t.Errorf("server, pieces of %d: got %q", piece, got)
		}
	}
}

// TestDeframerMoves counts what is moved: every byte once at most, however the
// stream arrives, and none where messages and records coincide.
func TestDeframerMoves(t *testing.T) {
	chain := message(TypeCertificate, repeat(2, 4000)...)
	for _, test := range []struct {
		name  string
		size  int
		moved bool
	}{{"one record", 5000, false}, {"records of one byte", 1, true}} {
		stream := split(chain, test.size)
		var d Deframer
		steps := 0
		buf := slices.Clone(stream)
		for i := range stream {
			before := d.Consumed()
			d.Step(buf[:i+1], testLimit)
			if d.Consumed() > i+1 || d.Consumed() < before {
				t.Fatalf("%s: consumed %d of %d, before %d", test.name, d.Consumed(), i+1, before)
			}
			steps += d.Consumed() - before
			if !bytes.Equal(buf[i+1:], stream[i+1:]) {
				t.Fatalf("%s: bytes behind the prefix of %d were written to", test.name, i+1)
			}
		}
		if steps != len(stream) {
			t.Errorf("%s: consumed %d bytes of %d", test.name, steps, len(stream))
		}
		if moved := !bytes.Equal(buf, stream); moved != test.moved {
			t.Errorf("%s: moved %v, want %v", test.name, moved, test.moved)
		}
	}
}

func FuzzDeframer(f *testing.F) {
	for _, test := range deframerCases() {
		f.Add(test.stream, uint16(testLimit-1))
		f.Add(test.stream, uint16(100))
	}
	f.Add(ssl2Hello(), uint16(100))
	for _, v := range rfc8448(f) {
		f.Add(v, uint16(1000))
	}
	f.Fuzz(func(t *testing.T, stream []byte, limit uint16) {
		want, d, _ := deframe(t, stream, 0, int(limit), false)
		got, e, _ := deframe(t, stream, 1, int(limit), false)
		if !slices.Equal(got, want) || d.Broken() != e.Broken() {
			t.Errorf("byte by byte:\n got %q\nwant %q", got, want)
		}
		got, e, _ = deframe(t, stream, 1, int(limit), true)
		if !slices.Equal(got, want) || d.Broken() != e.Broken() {
			t.Errorf("byte by byte, skipping and compacting:\n got %q\nwant %q", got, want)
		}
	})
}

func BenchmarkDeframer(b *testing.B) {
	v := rfc8448(b)
	stream := slices.Concat(v["3 server-hello"], split(message(TypeCertificate, repeat(2, 4000)...), 1400), v["3 server-flight"])
	buf := make([]byte, len(stream))
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		copy(buf, stream)
		var d Deframer
		for d.Step(buf, testLimit).Kind != EventNeed {
		}
	}
}
