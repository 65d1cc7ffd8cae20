package decode_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
)

func TestDecode(t *testing.T) {
	for _, v := range slices.Concat(vectors(), fragmentVectors()) {
		t.Run(v.name, func(t *testing.T) {
			d := decode.New(decode.Config{})
			s := decode.Segment{Missing: 5, Seq: 9, Tunnel: decode.Tunnel{Count: 1}} // of the packet before
			want := v.count
			for i, p := range v.frames {
				p.Time = int64(i + 1)
				got := ""
				if d.Decode(&p, &s) {
					got = show(&s)
					if s.Time != p.Time {
						t.Errorf("frame %d: got time %d, want %d", i, s.Time, p.Time)
					}
				}
				if got != v.want[i] {
					t.Errorf("frame %d: got %s\nwant %s", i, got, v.want[i])
				}
				want.Packets++
				switch {
				case strings.HasPrefix(v.want[i], "tcp"):
					want.TCP++
				case strings.HasPrefix(v.want[i], "udp"):
					want.UDP++
				}
			}
			if got := d.Stats(); got != want {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestPrefixes cuts every frame at every byte, by the snaplen and for good:
// nothing that was not there is invented, and each packet is counted once.
func TestPrefixes(t *testing.T) {
	for _, v := range vectors() {
		p := v.frames[0]
		full := p.Data
		for i := range full {
			for _, length := range []int{i, p.Length} {
				d, s := decode.New(decode.Config{}), decode.Segment{}
				q := capture.Packet{Data: full[:i:i], Length: length, Link: p.Link}
				ok := d.Decode(&q, &s)
				checkStats(t, v.name, d.Stats())
				if ok && s.Proto == decode.UDP && strings.HasPrefix(show(&s), outerUDP) {
					continue // what is left of the tunnel is none
				}
				if ok && v.want[0] != "" && !strings.HasPrefix(v.want[0], prefix(&s)) {
					t.Errorf("%s: %d bytes of %d give %s, want a part of %s", v.name, i, length, show(&s), v.want[0])
				}
			}
		}
	}
}

// prefix prints a segment up to what it has of its payload.
func prefix(s *decode.Segment) string {
	c := *s
	c.Missing, c.Tunnel = 0, decode.Tunnel{}
	return strings.TrimSuffix(show(&c), `"`)
}

// checkStats tests the sum rule of Stats.
func checkStats(t *testing.T, name string, s decode.Stats) {
	t.Helper()
	sum := s.Segments() + s.Other + s.NotIP + s.Encrypted + s.UnknownLink + s.TooDeep + s.TruncatedHeader + s.Malformed() + s.FragmentsAbsorbed
	if sum != s.Packets {
		t.Errorf("%s: %d packets, but %d are accounted for: %+v", name, s.Packets, sum, s)
	}
}

// TestTshark lets tshark decode the vectors.
func TestTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed (Debian: apt-get install tshark)")
	}
	m := newMerger(t)
	var names, want []string
	for _, v := range vectors() {
		p, s := v.frames[0], decode.Segment{}
		if v.want[0] == "" || notTshark[v.name] != "" {
			continue
		}
		if !decode.New(decode.Config{}).Decode(&p, &s) {
			continue // TestDecode says so
		}
		p.Time = 1e9
		m.write(&p)
		names = append(names, v.name)
		want = append(want, brief(&s))
	}
	got := innermost(t, tshark, m.close())
	if len(got) != len(want) {
		t.Fatalf("tshark shows %d packets, want %d", len(got), len(want))
	}
	for i, name := range names {
		if got[i] != want[i] {
			t.Errorf("%s: tshark says %s\nwant %s", name, got[i], want[i])
		}
	}
}

// notTshark are the vectors that tshark 4.0 cannot judge, and why.
var notTshark = map[string]string{
	"ipv6 length 0":                      "refused",
	"jumbo payload":                      "refused below 64 KiB",
	"null linux":                         "knows no AF_INET6 of Linux in this place",
	"sll2":                               "pcapgo cannot write this link type",
	"ppp with direction":                 "wants the direction from the container",
	"nflog big endian":                   "a preference, little endian",
	"big tcp in vxlan":                   "refuses UDP of length 0 here",
	"capwap":                             "a preference, swapped",
	"capwap with radio address":          "a preference, swapped",
	"capwap dtls":                        "leaves the preamble in the payload",
	"erspan 3, ip":                       "shows the packet as data",
	"vxlan, old port of linux":           "knows one port",
	"vxlan without vni":                  "takes it as VXLAN, which RFC 7348 tells to drop",
	"vxlan-gpe without next protocol":    "decodes nothing",
	"geneve control":                     "decodes it, which RFC 8926 tells not to forward",
	"teredo between others":              "decodes it, though no address is of Teredo",
	"pseudowire to an address like ipv4": "takes it as IPv4",
	"pseudowire to an address like ipv6": "takes it as IPv6",
	"l2tp 3":                             "wants the cookie as a preference",
	"l2tp 3 with sublayer":               "wants the cookie as a preference",
	"l2tp 3 over ip":                     "wants the cookie as a preference",
	"l2tp 3 over ip with cookie":         "wants the cookie as a preference",
}

func TestNetwork(t *testing.T) {
	cfg := decode.Config{Network: func(iface int, tunnel decode.Tunnel) uint16 {
		return uint16(iface*10 + int(tunnel.Count))
	}}
	d, s := decode.New(cfg), decode.Segment{}
	for name, p := range map[string]capture.Packet{
		"fast":    frame(eth(0x8100, tag(12, 0x800), v4(6, tcp("hi")))),
		"general": frame(eth(0x8100, tag(12, 0x800), v4opt(6, nop, 0, tcp("hi")))),
	} {
		p.Interface = 3
		if !d.Decode(&p, &s) || s.Network != 31 {
			t.Errorf("%s: got network %d, want 31", name, s.Network)
		}
	}
}

func TestSupported(t *testing.T) {
	for l, want := range map[capture.LinkType]bool{
		0: true, 1: true, 12: true, 14: true, 101: true, 108: true, 113: true, 228: true, 229: true, 276: true,
		9: true, 50: true, 51: true, 104: true, 105: true, 117: true, 119: true, 127: true, 163: true, 166: true,
		192: true, 226: true, 239: true, 147: false, 511: false, 512: false, 65535: false,
	} {
		if got := decode.Supported(l); got != want {
			t.Errorf("%s: got %v, want %v", l, got, want)
		}
	}
}

// TestAllocations: no packet but a fragment costs an allocation.
func TestAllocations(t *testing.T) {
	d := decode.New(decode.Config{})
	for _, v := range vectors() {
		p := v.frames[0]
		if got := testing.AllocsPerRun(100, func() {
			var s decode.Segment
			d.Decode(&p, &s)
		}); got != 0 {
			t.Errorf("%s: %v allocations, want 0", v.name, got)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, v := range vectors() {
		switch v.name {
		case "ipv4 tcp, padded", "ipv6 tcp", "ipv4 udp", "vlan", "802.1ad", "ipv4 options", "sll",
			"vxlan", "geneve ipv4", "erspan 2", "mpls", "pseudowire", "gtp", "capwap":
		default:
			continue
		}
		b.Run(strings.ReplaceAll(v.name, ", ", " "), func(b *testing.B) {
			d := decode.New(decode.Config{})
			var s decode.Segment
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(&v.frames[0], &s)
			}
		})
	}
}
