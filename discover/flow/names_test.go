package flow

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"blindspot/capture/decode"
	"blindspot/discover"
)

// TestServerNames: a name is kept as it was sent, escaped, and as a hostname
// only where it is one (RFC 6066 §3, RFC 1035 §2.3.4, RFC 5890 §2.3.2.1).
// Whatever it is, the event stays one line of printable ASCII.
func TestServerNames(t *testing.T) {
	label := strings.Repeat("a", 63)
	longest := strings.Join([]string{label, label, label, strings.Repeat("b", 61)}, ".")
	unknown := append([]byte{7}, before16([]byte("other.example"))...)
	for _, test := range []struct {
		name      string
		extension []byte // nil for none
		has       bool
		sni, raw  string
	}{
		{"none", nil, false, "", ""},
		{"one", serverNames(hostName("api.shop.example")), true, "api.shop.example", ""},
		{"several: the first", serverNames(hostName("a.example"), hostName("b.example")), true, "a.example", ""},
		{"behind one of an unknown type", serverNames(unknown, hostName("b.example")), true, "b.example", ""},
		{"only one of an unknown type", serverNames(unknown), false, "", ""},
		{"an empty list", serverNames(), false, "", ""},
		{"empty", serverNames(hostName("")), true, "", ""},
		{"upper case", serverNames(hostName("API.Shop.Example")), true, "api.shop.example", ""},
		{"trailing dot", serverNames(hostName("api.shop.example.")), true, "api.shop.example", ""},
		{"underscores", serverNames(hostName("_db_1.shop.example")), true, "_db_1.shop.example", ""},
		{"253 bytes", serverNames(hostName(longest)), true, longest, ""},
		{"253 bytes and a dot", serverNames(hostName(longest + ".")), true, longest, ""},
		{"254 bytes", serverNames(hostName("c" + longest)), true, "", "c" + longest},
		{"300 bytes", serverNames(hostName(strings.Repeat("ab.", 100))), true, "", strings.Repeat("ab.", 100)},
		{"a label of 64", serverNames(hostName(label + "a.example")), true, "", label + "a.example"},
		{"IPv4 literal", serverNames(hostName("10.0.0.10")), true, "", "10.0.0.10"},
		{"IPv6 literal", serverNames(hostName("2001:db8::10")), true, "", `2001:db8::10`},
		{"NUL", serverNames(hostName("shop.example\x00.evil.example")), true, "", `shop.example\x00.evil.example`},
		{"quotes", serverNames(hostName(`"shop'.example`)), true, "", `\x22shop\x27.example`},
		{"newline", serverNames(hostName("shop.example\r\n{}")), true, "", `shop.example\x0d\x0a{}`},
		{"escape sequence", serverNames(hostName("\x1b[31mred.example")), true, "", `\x1b[31mred.example`},
		{"U-label", serverNames(hostName("München.example")), true, "xn--mnchen-3ya.example", ""},
		{"A-label", serverNames(hostName("XN--mnchen-3ya.example")), true, "xn--mnchen-3ya.example", ""},
		{"invalid UTF-8", serverNames(hostName("m\xfcnchen.example")), true, "", `m\xfcnchen.example`},
		{"a formula", serverNames(hostName("=1+1.example")), true, "", `=1+1.example`},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := handshake12(madeHello("", test.extension), madeAnswer(""), madeChain([]byte("leaf")), madeDone)
			for _, mss := range []int{1460, 11} {
				got, _ := run(t, Config{}, d.packets(1, 2, mss))
				if len(got) != 1 {
					t.Fatalf("mss %d: got %d observations, want 1", mss, len(got))
				}
				o := got[0]
				if o.HasSNI != test.has || o.SNI != test.sni || o.SNIRaw != test.raw {
					t.Errorf("mss %d: got %v, %q, %q; want %v, %q, %q", mss, o.HasSNI, o.SNI, o.SNIRaw, test.has, test.sni, test.raw)
				}
				line := discover.AppendEvent(nil, 1, o)
				if i := bytes.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }); i != len(line)-1 {
					t.Errorf("mss %d: byte %d of the event is %#x", mss, i, line[i])
				}
			}
		})
	}
}

// TestHugePadding: a name behind 60,000 bytes of padding (RFC 7685), which take
// a hello over several records and many segments.
func TestHugePadding(t *testing.T) {
	padding := helloExtension(21, make([]byte, 60_000))
	d := handshake12(madeHello("", padding, serverNames(hostName(testName))), madeAnswer(""), madeChain([]byte("leaf")), madeDone)
	d.leaf = sha256Of("leaf")
	segs := d.packets(1, 2, 1460)
	back := slices.Clone(segs)
	back[2], back[3] = back[3], back[2]                                           // the second segment before the first
	for i, list := range [][]decode.Segment{segs, back, d.packets(1, 2, 1<<17)} { // at last one segment, as offloading makes them
		got, table := run(t, Config{}, list)
		checkOne(t, got, d, testName)
		if st := table.Stats(); st.TooLong != 0 {
			t.Errorf("order %d: got %d messages too long", i, st.TooLong)
		}
	}
}
