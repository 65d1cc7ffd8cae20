package coverage

import (
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/inventory"
	"blindspot/discover/trust"
)

func known(word string) option { return func(x *discover.Sighting) { x.Known = word } }

// Of a leaf that a log names alone, what came with it is not known: it is judged
// with every intermediate, and never as presented.
func TestLeafOnly(t *testing.T) {
	root := issue(t, "Root", nil, authority)
	ca := issue(t, "Issuing CA", root, authority)
	leaf := issue(t, "leaf", ca, host(shop))
	alone := issue(t, "alone", nil, host(shop))
	other := issue(t, "Other Root", nil, authority)
	foreign := issue(t, "foreign", other, host(shop))
	expired := issue(t, "expired", ca, lived(-90*day, -2*day, host(shop)))
	client := issue(t, "client", ca, spiffe("spiffe://shop.example/api"))
	cfg := Config{
		Stores:   []*trust.Store{store(t, "internal", root), store(t, "other", other)},
		Surfaces: []Surface{{Name: "all", TrustStore: "internal", Servers: prefixes("10.0.0.0/8")}},
	}
	withStock := cfg
	withStock.Inventory = &inventory.Result{Intermediates: []*discover.Certificate{ca.Certificate}}
	check := one(exact(shop, 443))
	byLog := known(discover.FromLeaf)
	runReports(t, []reportCase{
		{"incomplete, where the wire showed the leaf alone", func(s *scene) { s.see(shop, edge, s.present(leaf), 5, users(3)) }, check, withStock,
			[]string{"warning incomplete-chain api.shop.example"}},
		{"not where the log names the leaf alone", func(s *scene) { s.see(shop, edge, s.present(leaf), 5, users(3), byLog) }, check, withStock, nil},
		{"nor where the wire shows the whole chain elsewhere", func(s *scene) {
			s.see(shop, edge, s.present(leaf), 5, users(3), byLog)
			s.see(shop, "10.0.0.11:443", s.present(leaf, ca), 5, users(3))
		}, check, cfg, nil},
		{"the wire's own still is", func(s *scene) {
			s.see(shop, edge, s.present(leaf), 5, users(3), byLog)
			s.see(shop, "10.0.0.11:443", s.present(leaf), 5, users(3))
		}, check, withStock, []string{"warning incomplete-chain api.shop.example"}},
		{"not untrusted, where the intermediate is not known", func(s *scene) { s.see(shop, edge, s.present(leaf), 5, users(3), byLog) }, check, cfg, nil},
		{"not untrusted, where another authority issued it", func(s *scene) { // its chain may be cross-signed
			s.see(shop, edge, s.present(foreign), 5, users(3), byLog)
		}, check, cfg, nil},
		{"a self-signed leaf needs no company to be untrusted", func(s *scene) { s.see(shop, edge, s.present(alone), 5, users(3), byLog) }, check, cfg,
			[]string{"warning untrusted-certificate api.shop.example"}},
		{"its dates are its own", func(s *scene) { s.see(shop, edge, s.present(expired), 5, users(3), byLog) }, check, withStock,
			[]string{"critical expired-certificate api.shop.example"}},
		{"the client's chain is not cut by the server's", func(s *scene) {
			id := s.present(client)
			s.see(shop, edge, s.present(leaf), 5, users(3), byLog, func(x *discover.Sighting) { x.ClientChain = id })
		}, check, withStock, []string{"warning incomplete-chain api.shop.example"}},
	})
	s := newScene()
	s.see(shop, edge, s.present(leaf), 5, users(3), byLog)
	r := s.compare(t, check, withStock)
	if v := r.Surfaces[0].Validation; v == nil || v.Trusted != 1 || v.Incomplete != 0 {
		t.Errorf("got validation %+v, want 1 trusted", v)
	}
	if v := s.compare(t, check, cfg).Surfaces[0].Validation; v == nil || v.Unknown != 1 || v.Untrusted != 0 {
		t.Errorf("without the intermediate: got validation %+v, want 1 that cannot be judged", v)
	}
}

// A certificate that a log does not name was sent in the clear: it is not
// hidden, and no sentence says so.
func TestNotLogged(t *testing.T) {
	notNamed := func(x *discover.Sighting) { x.Known, x.Version = discover.HiddenNotLogged, "TLS 1.2" }
	runReports(t, []reportCase{
		{"hidden on the wire", func(s *scene) { s.see(shop, edge, none, 5, users(3)) }, one(ping(shop)), Config{},
			[]string{"warning weak-check api.shop.example", "notice hidden-certificate api.shop.example"}},
		{"not named by a log", func(s *scene) { s.see(shop, edge, none, 5, users(3), notNamed) }, one(ping(shop)), Config{},
			[]string{"warning weak-check api.shop.example"}},
		{"unnamed", func(s *scene) { s.see("", edge, none, 5, users(3), notNamed) }, nil, Config{},
			[]string{"notice unnamed-endpoint 10.0.0.10:443"}},
		{"refused", func(s *scene) {
			s.see(shop, edge, none, 5, users(3), notNamed, refused("client:fatal:unknown_ca"))
		}, one(exact(shop, 443)), Config{}, []string{"critical client-rejects api.shop.example"}},
	})
	s := newScene()
	s.see("", edge, none, 5, users(3), notNamed)
	s.see(shop, edge, none, 5, users(3), notNamed, refused("client:fatal:unknown_ca"))
	for _, f := range s.compare(t, nil, Config{}).Findings {
		for _, lie := range []string{"hidden", "on the wire", "TLS 1.3"} {
			if strings.Contains(f.Detail, lie) {
				t.Errorf("%s says %q: %s", f.Kind, lie, f.Detail)
			}
		}
	}
}

// TestSources: a certificate that only logged secrets or our own looks showed
// is known by these, and says so.
func TestSources(t *testing.T) {
	asked := time.Date(2026, 11, 23, 14, 3, 0, 0, time.UTC)
	wire := &cell{chain: &chain{}, how: &how{howKey: howKey{known: discover.FromWire}}}
	decrypted := &cell{chain: &chain{}, how: &how{howKey: howKey{known: discover.FromDecrypted}}}
	looked := &cell{chain: &chain{}, how: &how{howKey: howKey{known: discover.HiddenEncrypted}}, asked: momentOf(asked)}
	hidden := &cell{how: &how{howKey: howKey{known: discover.HiddenEncrypted}}}
	for _, test := range []struct {
		cells []*cell
		want  string
	}{
		{[]*cell{wire, hidden}, ""},
		{[]*cell{decrypted, hidden}, "decrypted"},
		{[]*cell{decrypted, wire}, "wire, decrypted"},
		{[]*cell{looked}, "verify"},
		{[]*cell{looked, decrypted, wire}, "wire, decrypted, verify"},
	} {
		f := discover.Finding{Evidence: map[string]any{}}
		knownBy(&f, test.cells)
		if got, _ := f.Evidence["known_by"].(string); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
		if _, got := f.Evidence["asked_at"]; got != strings.Contains(test.want, "verify") {
			t.Errorf("%q: got asked_at: %t", test.want, got)
		}
	}
}
