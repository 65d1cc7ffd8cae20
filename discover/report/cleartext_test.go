package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/coverage"
)

func stayed(state, preface, server, class string, n uint64, clients ...string) *discover.OfferCount {
	o := &discover.OfferCount{First: at("2026-11-23T09:00:00Z"), Last: at("2026-11-23T10:59:30Z"), Count: n}
	o.Offer = discover.Offer{Server: netip.MustParseAddrPort(server), Preface: preface, State: state, Class: class}
	for _, c := range clients {
		o.Clients.Add(netip.MustParsePrefix(c), 1, discover.SketchKey{})
	}
	return o
}

// TestEndpointsInTheClear: sessions in the clear stand beside the handshakes of
// their endpoint, and an endpoint that only ever had such is listed too.
func TestEndpointsInTheClear(t *testing.T) {
	inv := shop().inventory()
	inv.Offers = []*discover.OfferCount{
		stayed(discover.OfferDeclined, "smtp", "10.0.0.14:25", "", 3, "10.9.0.6/32", "10.9.0.7/32"),
		stayed(discover.OfferRefused, "smtp", "10.0.0.14:25", "", 1, "10.9.0.7/32"),
		stayed(discover.OfferRefused, "postgresql", "10.0.0.15:5432", "", 2, "10.9.0.8/32"),
		stayed(discover.OfferDeclined, "imap", "10.0.0.16:143", discover.ClassMonitor, 9, "10.77.3.9/32"),
		stayed(discover.OfferDeclined, "imap", "10.0.0.14:25", "", 1, "10.9.0.6/32"), // another preface: another row
	}
	l, err := Endpoints(inv)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rowsOf(t, l) {
		if c := r["cleartext"].(map[string]any); r["starttls"] != nil {
			got = append(got, fmt.Sprintf("%v %v %v handshakes=%v clients=%v refused=%v declined=%v", r["endpoint"], r["starttls"], r["use"], r["handshakes"], r["clients"], c["refused"], c["declined"]))
		}
	}
	want := []string{
		"10.0.0.14:25 smtp in-use handshakes=5 clients=2 refused=1 declined=3",
		"10.0.0.14:25 imap cleartext-only handshakes=0 clients=1 refused=0 declined=1",
		"10.0.0.15:5432 postgresql cleartext-only handshakes=0 clients=1 refused=2 declined=0",
		"10.0.0.16:143 imap checks-only handshakes=0 clients=0 refused=0 declined=0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	text := renderList(t, l, "table", Options{Width: 200})
	for _, words := range []string{"4 endpoints in use and 2 only in the clear", "in the clear", "declined 3, refused 1", "refused 2"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is not in\n%s", words, text)
		}
	}
	if strings.Contains(text, "10.0.0.16") || strings.Contains(text, "refused 0") {
		t.Errorf("an endpoint that only the checks use, or a figure of nothing, is in\n%s", text)
	}
	if text := renderList(t, l, "csv", Options{}); !strings.Contains(text, `"refused=1;declined=3"`) {
		t.Errorf("the figures are not in\n%s", text)
	}
}

// Where nothing stayed in the clear, people are shown no column of it.
func TestNothingInTheClear(t *testing.T) {
	if text := renderList(t, lists(t, shop())["endpoints"], "table", Options{Width: 200}); strings.Contains(text, "clear") {
		t.Errorf("got\n%s", text)
	}
}

func TestHeadInTheClear(t *testing.T) {
	for _, tt := range []struct {
		name  string
		sum   coverage.Cleartext
		out   uint64
		words []string // all of them are there
		not   string
	}{
		{"none", coverage.Cleartext{}, 0, nil, "clear"},
		{"declined", coverage.Cleartext{Declined: 2, Endpoints: 1}, 0,
			[]string{"cleartext 2 sessions stayed in the clear after TLS was spoken of, at 1 endpoint: 2 where the client went on without it"}, "refused it"},
		{"both", coverage.Cleartext{Declined: 1200, Refused: 1, Endpoints: 3}, 0,
			[]string{"1,201 sessions", "3 endpoints: 1,200 where the client went on without it, 1 where the server refused it"}, "out of scope"},
		{"of checks and scanners", coverage.Cleartext{Checks: 1, Scanners: 2}, 0,
			[]string{"0 handshakes and 1 session in the clear that the checks made", "and 2 sessions in the clear"}, "cleartext "},
		{"out of scope", coverage.Cleartext{}, 7, []string{"0 handshakes; 7 sessions that stayed in the clear"}, "cleartext "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := &coverage.Result{Summary: coverage.Summary{Cleartext: tt.sum}, OutOfScope: coverage.OutOfScope{Cleartext: tt.out}}
			if tt.sum.Scanners > 0 {
				res.Summary.Scanners = 1
			}
			r := New(res, &discover.Inventory{}, time.Time{})
			text := strings.Join(strings.Fields(render(t, r, "table", Options{})), " ")
			for _, w := range tt.words {
				if !strings.Contains(text, w) {
					t.Errorf("%q is not in\n%s", w, text)
				}
			}
			if strings.Contains(text, tt.not) {
				t.Errorf("%q is in\n%s", tt.not, text)
			}
			for _, format := range []string{"markdown", "html"} { // their head and foot are the same lines
				text := render(t, r, format, Options{})
				if got, want := strings.Contains(text, "in the clear"), len(tt.words) > 0; got != want {
					t.Errorf("%s: says something of sessions in the clear: %v, want %v", format, got, want)
				}
			}
		})
	}
}

// TestFindingWithoutHandshakes: what stayed in the clear has clients and times,
// and no part of the traffic.
func TestFindingWithoutHandshakes(t *testing.T) {
	f := discover.Finding{Kind: "cleartext-after-offer", Severity: discover.Notice, Endpoints: []string{"10.0.0.25:25"}, Clients: 2,
		FirstSeen: at("2026-11-23T09:00:00Z"), LastSeen: at("2026-11-23T10:59:30Z"), Detail: "It stays in the clear.", Remedy: "Mend it."}
	r := New(&coverage.Result{Findings: []discover.Finding{f}}, &discover.Inventory{}, time.Time{})
	if text := render(t, r, "table", Options{}); !strings.Contains(text, "  2 clients, last seen 2026-11-23 10:59:30 UTC\n") || strings.Contains(text, "0 % of traffic") {
		t.Errorf("got\n%s", text)
	}
	if text := render(t, r, "html", Options{}); !strings.Contains(text, "2026-11-23 09:00:00 to 10:59:30 UTC") {
		t.Error("the HTML report does not say when it was seen")
	}
}
