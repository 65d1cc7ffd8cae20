package term

import (
	"testing"
	"time"
	"unicode/utf8"
)

func TestLive(t *testing.T) {
	l := Live{Where: "eth1,eth2", Packets: 9, PacketRate: 12_345, BitRate: 1.5e9, Handshakes: 1234, Names: 56, Certificates: 7, Findings: -1, Elapsed: 90*time.Second + 400*time.Millisecond}
	trouble := l
	trouble.Drops, trouble.Trouble, trouble.Findings = 1500, "waiting for eth2", 3
	tests := []struct {
		name  string
		l     Live
		width int
		want  string
	}{
		{"all is well", l, 200, "eth1,eth2 12.3k pkt/s 1.5Gbit/s | 1,234 hs 56 names 7 certs 1m30s"},
		{"trouble", trouble, 200, "eth1,eth2 12.3k pkt/s 1.5Gbit/s 1,500 DROPPED waiting for eth2 | 1,234 hs 56 names 7 certs 3 findings 1m30s"},
		{"narrow", trouble, 50, "eth1,eth2 12.3k pkt/s 1.5Gbit/s 1,500 DROPPED wait"},
		{"nothing yet", Live{Where: "lo", Findings: 0}, 200, "lo 0 pkt/s 0bit/s | 0 hs 0 names 0 certs 0 findings 0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.l.Line(tt.width); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for width := -1; width < 150; width++ {
				if got := tt.l.Line(width); utf8.RuneCountInString(got) > max(width, 0) {
					t.Errorf("%d columns of %d", utf8.RuneCountInString(got), width)
				}
			}
		})
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 999.6: "1.0k", 12_345: "12.3k", 123_456: "123k", 2.5e6: "2.5M", 1e9: "1.0G", 5e12: "5T"} {
		if got := short(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}
