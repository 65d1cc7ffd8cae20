package flow

import (
	"slices"
	"testing"

	"blindspot/capture/decode"
	"blindspot/discover"
)

// TestResumed12: up to TLS 1.2 an abbreviated handshake has no Certificate
// message between the ServerHello and ChangeCipherSpec (RFC 5246 §7.3; RFC 5077
// §3.4 with a session id that the client invented). A server that echoes the
// session id and is not seen further has not resumed.
func TestResumed12(t *testing.T) {
	hello := madeHello("session", serverNames(hostName(testName)))
	answer := inRecords(22, 1<<14, madeAnswer("session"))
	other := inRecords(22, 1<<14, madeAnswer("another"))
	full := inRecords(22, 1<<14, slices.Concat(madeChain([]byte("leaf")), madeDone))
	client := turn{false, inRecords(22, 1<<14, hello)}
	rest := turn{false, append(inRecords(22, 1<<14, madeKey), madeEnd...)}
	for _, test := range []struct {
		name    string
		turns   []turn
		lost    int // segment that was not captured, 0 for none
		resumed discover.Tri
		hidden  string
	}{
		{"session id echoed", []turn{client, {true, append(slices.Clone(answer), madeEnd...)}, {false, madeEnd}}, 0, discover.Yes, discover.HiddenResumed},
		{"by a ticket, another session id", []turn{client, {true, append(slices.Clone(other), madeEnd...)}, {false, madeEnd}}, 0, discover.Yes, discover.HiddenResumed},
		{"session id echoed, and a full handshake", []turn{client, {true, append(slices.Clone(answer), full...)}, rest, {true, madeEnd}}, 0, discover.No, ""},
		{"broken off behind the ServerHello", []turn{client, {true, answer}}, 0, discover.Unknown, discover.HiddenTruncated},
		{"broken off within the Certificate", []turn{client, {true, append(slices.Clone(answer), full[:9]...)}}, 0, discover.Unknown, discover.HiddenTruncated},
		{"the Certificate was lost", []turn{client, {true, answer}, {true, full}, rest, {true, madeEnd}}, 4, discover.Unknown, discover.HiddenTruncated},
		{"the server was not captured", []turn{client, rest}, 0, discover.Unknown, discover.HiddenOneSided},
	} {
		t.Run(test.name, func(t *testing.T) {
			segs := dialogue{turns: test.turns}.packets(1, 2, 1460)
			if test.lost > 0 {
				segs = slices.Delete(segs, test.lost, test.lost+1)
			}
			got, _ := run(t, Config{}, segs)
			if len(got) != 1 {
				t.Fatalf("got %d observations, want 1", len(got))
			}
			if o := got[0]; o.Resumed != test.resumed || o.CertsHidden != test.hidden || o.SNI != testName {
				t.Errorf("got resumed %v, hidden %q, name %q; want %v, %q, %q", o.Resumed, o.CertsHidden, o.SNI, test.resumed, test.hidden, testName)
			}
		})
	}
}

// TestEndOfOneSide: a mirror delivers one direction with its end before the
// other one; the connection is not over for that.
func TestEndOfOneSide(t *testing.T) {
	d := handshake12(madeHello("", serverNames(hostName(testName))), madeAnswer(""), madeChain([]byte("leaf")), madeDone)
	d.leaf = sha256Of("leaf")
	for _, serverLate := range []bool{true, false} {
		for _, syn := range []int{0, 2} { // captured from the start, and without SYNs
			var first, second []decode.Segment
			for _, s := range d.packets(1, 2, 400)[syn:] {
				if (s.SrcPort == 443) == serverLate {
					second = append(second, s)
				} else {
					first = append(first, s)
				}
			}
			for _, side := range []*[]decode.Segment{&first, &second} {
				last := (*side)[len(*side)-1]
				*side = append(*side, segment(last.SrcPort == 443, last.Seq+uint32(len(last.Payload)), decode.ACK|decode.FIN, nil))
			}
			got, _ := run(t, Config{}, append(first, second...))
			checkOne(t, got, d, testName)
			if t.Failed() {
				t.Fatalf("server late %v, from segment %d", serverLate, syn)
			}
		}
	}
}
