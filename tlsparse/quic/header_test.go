package quic

import (
	"fmt"
	"slices"
	"testing"
)

// TestHeader walks a datagram's packets. What each must be is in the order of
// RFC 9000 §17.2 and of RFC 9369 §3.2.
func TestHeader(t *testing.T) {
	v1 := newClient(Version1)
	v1.token = "tok"
	v2 := newClient(Version2)
	tests := []struct {
		name string
		b    []byte
		want []string
	}{
		{"version 1", slices.Concat(v1.packet(ping), v1.protected(1, 30), v1.protected(2, 40)),
			[]string{"initial v1 tok", "0-rtt v1 ", "handshake v1 "}},
		{"version 2", slices.Concat(v2.packet(ping), v2.protected(2, 30), v2.protected(3, 40)),
			[]string{"initial v2 ", "0-rtt v2 ", "handshake v2 "}},
		{"Retry, version 1", vectors(t)["9001 A.4 packet"], []string{"retry v1 token"}},
		{"Retry, version 2", vectors(t)["9369 A.4 packet"], []string{"retry v2 token"}},
		{"Version Negotiation", append((&maker{dcid: "client"}).ids(longForm), 0, 0, 0, 1), []string{"version-negotiation 0x00000000 "}},
		{"a version that is not known", (&maker{version: 3}).protected(3, 40), []string{"other 0x00000003 "}},
	}
	for _, tt := range tests {
		var got []string
		for b := tt.b; len(b) > 0; {
			h, ok := ParseHeader(b)
			if !ok || h.End > len(b) {
				t.Errorf("%s: %+v, %v", tt.name, h, ok)
				break
			}
			got = append(got, fmt.Sprintf("%v %s %s", h.Type, VersionName(h.Version), h.Token))
			b = b[h.End:]
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		for i := range tt.b {
			if h, ok := ParseHeader(tt.b[:i]); ok && h.Number > i {
				t.Errorf("%s: prefix of %d bytes has a packet number at %d", tt.name, i, h.Number)
			}
		}
	}
}
