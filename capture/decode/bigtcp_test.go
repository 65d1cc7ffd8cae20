package decode_test

import (
	"encoding/binary"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// TestBigTCP: offloading makes packets above 64 KB, whose length does not fit
// its field: 0 in IPv4 and IPv6, or in a jumbo payload option (RFC 2675 §2). They
// are read from a file, whole; tshark sees the same.
func TestBigTCP(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 100_000/16)
	long4, long6 := v4(6, tcp(text)), v6(6, tcp(text))
	binary.BigEndian.PutUint16(long4[2:], 0)
	binary.BigEndian.PutUint16(long6[4:], 0)
	option := ext(6, 0xc2, 4, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(option[4:], uint32(len(option)+len(tcp(text))))
	jumbo := v6(0, option, tcp(text))
	binary.BigEndian.PutUint16(jumbo[4:], 0)
	tests := []struct {
		name   string
		frame  []byte
		want   string
		tshark bool
	}{
		{"IPv4, length 0", eth(0x800, long4), tcp4, true},
		{"IPv4, length 0, in a VLAN", eth(0x8100, tag(12, 0x800), long4), tcp4, true},
		{"IPv6, length 0", eth(0x86dd, long6), tcp6, false}, // which tshark 4.0 refuses
		{"IPv6, jumbo payload", eth(0x86dd, jumbo), tcp6, true},
	}
	m := newMerger(t)
	for _, test := range tests {
		p := frame(test.frame)
		m.write(&p)
	}
	file := m.close()
	src, err := capture.Open(file, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	d := decode.New(decode.Config{})
	var seen []string
	for batch := make([]capture.Packet, 1); ; {
		n, err := src.Next(batch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch[:n] {
			var s decode.Segment
			test := tests[len(seen)]
			if !d.Decode(&batch[i], &s) || !strings.HasPrefix(show(&s), test.want) || string(s.Payload) != text || s.Missing != 0 {
				t.Errorf("%s: got %d bytes of %d, %d missing, %.90s", test.name, len(s.Payload), len(text), s.Missing, show(&s))
			}
			seen = append(seen, brief(&s))
		}
	}
	if len(seen) != len(tests) {
		t.Fatalf("got %d packets, want %d", len(seen), len(tests))
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed (Debian: apt-get install tshark)")
	}
	for i, line := range innermost(t, tshark, file) {
		if tests[i].tshark && line != seen[i] {
			t.Errorf("%s: tshark says %.90s, %d bytes; want %.90s, %d bytes", tests[i].name, line, len(line), seen[i], len(seen[i]))
		}
	}
}
