package decode_test

import (
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// TestOverlappingFragments: of fragments that contradict each other the first
// copy of a byte counts, whichever of them completes the datagram. (RFC 5722
// tells a receiver of IPv6 to drop such a datagram; what the receiver does, a
// sensor cannot know.)
func TestOverlappingFragments(t *testing.T) {
	as, bs := udp(strings.Repeat("A", 56)), udp(strings.Repeat("B", 56))
	for name, cut := range map[string]func(b []byte, at ...int) []capture.Packet{
		"IPv4": func(b []byte, at ...int) []capture.Packet { return fragments4(17, b, at...) },
		"IPv6": func(b []byte, at ...int) []capture.Packet { return fragments6(17, b, at...) },
	} {
		a, b := cut(as, 32), cut(bs, 24, 48) // 0–32, 32–64; 0–24, 24–48, 48–64
		for _, test := range []struct {
			name   string
			frames []capture.Packet
			want   string // of the payload, which begins at 8
		}{
			{"an end that overlaps", []capture.Packet{a[0], b[1], b[2]}, strings.Repeat("A", 24) + strings.Repeat("B", 32)},
			{"a beginning that overlaps", []capture.Packet{b[2], b[1], a[0]}, strings.Repeat("A", 16) + strings.Repeat("B", 40)},
			{"one within", []capture.Packet{b[1], a[1], a[0]}, strings.Repeat("A", 16) + strings.Repeat("B", 24) + strings.Repeat("A", 16)},
			{"all of it again", []capture.Packet{a[1], b[0], b[1], b[2], a[0]}, strings.Repeat("B", 24) + strings.Repeat("A", 32)},
		} {
			d, s := decode.New(decode.Config{}), decode.Segment{}
			yielded := 0
			for i := range test.frames {
				if d.Decode(&test.frames[i], &s) {
					yielded++
					if got := string(s.Payload); got != test.want {
						t.Errorf("%s, %s: got %q, want %q", name, test.name, got, test.want)
					}
				}
			}
			if yielded != 1 {
				t.Errorf("%s, %s: got %d datagrams, want 1", name, test.name, yielded)
			}
		}
	}
}
