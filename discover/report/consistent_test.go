package report

import (
	"strings"
	"testing"

	"blindspot/discover"
)

// What record lengths say has a column of its own: it is no certificate that was
// seen.
func TestConsistentColumn(t *testing.T) {
	const server = "10.0.0.14:25"
	inv := shop().inventory()
	var leaf discover.Fingerprint
	for s := range inv.Sightings {
		if s.Hostname == "api.shop.example" && !s.Chain.IsZero() {
			leaf = inv.Chain(s.Chain)[0]
			break
		}
	}
	cfg := ListConfig{Consistent: func(s *discover.Sighting) (discover.Fingerprint, bool) {
		return leaf, s.Server.String() == server
	}}
	hosts, err := cfg.Hosts(inv)
	if err != nil {
		t.Fatal(err)
	}
	endpoints, err := cfg.Endpoints(inv)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(rowsOf(t, hosts), rowsOf(t, endpoints)...) {
		got := r["consistent_with"].([]any)
		if want := r["hostname"] == "mail.shop.example" || r["endpoint"] == server; want != (len(got) == 1 && got[0] == leaf.String()) || !want && len(got) > 0 {
			t.Errorf("%v %v: got consistent with %v", r["hostname"], r["endpoint"], got)
		}
	}
	certs, err := cfg.Certificates(inv)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rowsOf(t, certs) {
		want := 0.0
		if r["sha256"] == leaf.String() {
			want = 5
		}
		if r["consistent_handshakes"] != want {
			t.Errorf("%v: got %v consistent handshakes, want %v", r["subject"], r["consistent_handshakes"], want)
		}
	}
	cfg.Consistent = func(*discover.Sighting) (leaf discover.Fingerprint, ok bool) { return leaf, false }
	if hosts, err = cfg.Hosts(inv); err != nil {
		t.Fatal(err)
	}
	if text := renderList(t, hosts, "table", Options{Width: 200}); strings.Contains(text, "consistent") {
		t.Errorf("an empty column is shown:\n%s", text)
	}
}
