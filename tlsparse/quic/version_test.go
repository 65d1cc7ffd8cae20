package quic

import (
	"fmt"
	"strings"
	"testing"
)

// TestVersionRanges: what is listed is understood, what stands beside a range
// is not, and a version is listed once.
func TestVersionRanges(t *testing.T) {
	var got []string
	seen := map[uint32]bool{}
	for _, r := range Versions() {
		if r.Source == "" {
			t.Errorf("%#x to %#x: want what specifies it", r.First, r.Last)
		}
		for v := r.First; v <= r.Last; v++ {
			if seen[v] {
				t.Errorf("%s is listed twice", VersionName(v))
			}
			seen[v] = true
			if s := schemeOf(v); s == 0 || schemes[s].notTLS != strings.HasPrefix(r.What, "no TLS") {
				t.Errorf("%s: listed, and not understood as listed", VersionName(v))
			}
			got = append(got, VersionName(v))
		}
	}
	want := "[v1 v2 v2 draft draft 22 draft 23 draft 24 draft 25 draft 26 draft 27 draft 28 draft 29 draft 30 draft 31 draft 32 draft 33 draft 34 " +
		"mvfst 0 mvfst 1 mvfst 2 mvfst 3 mvfst 4 mvfst 5 mvfst 6 mvfst 7 mvfst 8 mvfst 9 mvfst 10 mvfst 11 mvfst 12 mvfst 13 mvfst 14 mvfst 15 " +
		"T050 T051 Q050]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	for _, v := range []uint32{0, 2, 0xff000015, 0xff000023, 0xfaceaffe, 0xfaceb010, 0x54303532, 0x0a0a0a0a} {
		if schemeOf(v) != 0 {
			t.Errorf("%s: got a scheme, want none", VersionName(v))
		}
	}
}
