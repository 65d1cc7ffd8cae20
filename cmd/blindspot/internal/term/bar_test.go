package term

import (
	"testing"
	"time"
	"unicode/utf8"
)

func TestBar(t *testing.T) {
	p := Progress{Name: "captures/edge-2026-11-23.pcap", Done: 750e6, Total: 1500e6, Packets: 1234567, Handshakes: 8900, Elapsed: 3 * time.Second}
	tests := []struct {
		width int
		want  string
	}{
		{100, "captures/edge-2026-11-23.pcap [########.........]  50% 1,234,567 pkts 8,900 hs 250.0 MB/s 3s left"},
		{80, "captures/…1-23.pcap [#####.....]  50% 1,234,567 pkts 8,900 hs 250.0 MB/s 3s left"},
	}
	for _, tt := range tests {
		if got := p.Bar(tt.width); got != tt.want {
			t.Errorf("width %d: got %q, want %q", tt.width, got, tt.want)
		}
	}
}

func TestBarFits(t *testing.T) {
	tests := []Progress{
		{},
		{Name: "standard input", Done: 5 << 30, Packets: 1e12, Handshakes: 1e11, Elapsed: time.Hour},
		{Name: "a", Done: 10, Total: 5, Elapsed: time.Nanosecond},
		{Name: "größe-名前-" + string(make([]rune, 300)), Done: 1, Total: 1 << 62, Packets: 1, Elapsed: 100 * time.Hour},
	}
	for _, p := range tests {
		for width := minWidth; width < 200; width++ {
			if got := p.Bar(width); p.Total > 0 && utf8.RuneCountInString(got) > width {
				t.Errorf("%.10q at %d: %d columns", p.Name, width, utf8.RuneCountInString(got))
			}
		}
	}
}

func TestLine(t *testing.T) {
	tests := []struct {
		name string
		p    Progress
		want string
	}{
		{"file", Progress{Name: "a.pcap", Done: 500e6, Total: 2e9, Packets: 1000, Handshakes: 5, Elapsed: 2 * time.Second},
			"a.pcap: 500.0 MB of 2.0 GB (25%), 1,000 packets, 5 handshakes, 250.0 MB/s, 6s left"},
		{"pipe", Progress{Name: "standard input", Done: 10, Elapsed: time.Second},
			"standard input: 10 B, 0 packets, 0 handshakes, 10 B/s"},
		{"done", Progress{Name: "a", Done: 7, Total: 7, Elapsed: time.Second},
			"a: 7 B of 7 B (100%), 0 packets, 0 handshakes, 7 B/s"},
	}
	for _, tt := range tests {
		if got := tt.p.Line(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestFigures(t *testing.T) {
	tests := []struct{ got, want string }{
		{Bytes(0), "0 B"}, {Bytes(999), "999 B"}, {Bytes(1000), "1.0 kB"}, {Bytes(999_960), "1.0 MB"},
		{Bytes(1_500_000_000), "1.5 GB"}, {Bytes(1 << 62), "4.6 EB"},
		{Count(0), "0"}, {Count(999), "999"}, {Count(1000), "1,000"}, {Count(1234567), "1,234,567"},
		{Duration(0), "1s"}, {Duration(90 * time.Second), "1m30s"},
		{Printable("a\x1b[31m\u202eb\tc\n"), "a\uFFFD[31m\uFFFDb\tc\n"},
		{fit("abcdefghij", 5), "ab…ij"}, {fit("abc", 5), "abc"}, {fit("abcdef", 2), "ab"}, {fit("abc", -1), ""},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
