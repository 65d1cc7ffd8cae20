package report

import (
	"slices"
	"strings"
	"testing"

	"blindspot/discover"
	"blindspot/discover/coverage"
)

// TestPublicNameInHosts: a public name of ECH is listed for programs, marked,
// apart from the same name where it was asked for itself, and counted nowhere.
func TestPublicNameInHosts(t *testing.T) {
	w := newWorld()
	public := func(s *discover.Sighting) { s.Name, s.ECH = discover.NamePublic, s.Count }
	w.see("api.shop.example", "10.0.0.10:443", discover.ChainID{}, "10.9.0.1", 9, nil)
	w.see("cloudflare-ech.com", "104.16.1.1:443", discover.ChainID{}, "10.9.0.1", 30, public)
	w.see("cloudflare-ech.com", "104.16.1.2:443", discover.ChainID{}, "10.9.0.2", 5, public)
	w.see("cloudflare-ech.com", "104.16.1.1:443", discover.ChainID{}, "10.9.0.3", 2, nil)
	w.see("public.tls-ech.dev", "104.16.1.3:443", discover.ChainID{}, "10.9.0.3", 1, public)
	l, err := ListConfig{Monitored: func(string) string { return "no" }}.Hosts(w.inventory())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rowsOf(t, l) {
		monitored, _ := r["monitored"].(string)
		got = append(got, strings.Join([]string{r["hostname"].(string), r["use"].(string), monitored, number(uint64(r["handshakes"].(float64)))}, " "))
	}
	want := []string{"api.shop.example in-use no 9", "cloudflare-ech.com in-use no 2", "cloudflare-ech.com ech-public  35", "public.tls-ech.dev ech-public  1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	table := renderList(t, l, "table", Options{Width: 200})
	for _, s := range []string{"2 hostnames in use", "2 public names of ECH providers, under which 36 handshakes asked for names that cannot be seen"} {
		if !strings.Contains(table, s) {
			t.Errorf("%q is missing in\n%s", s, table)
		}
	}
	if strings.Contains(table, "tls-ech.dev") || strings.Contains(table, "without a hostname") {
		t.Errorf("a public name is among the hostnames, or taken for none:\n%s", table)
	}
}

// TestAlsoHidden: what clients offered to hide is one line, and no hidden certificate.
func TestAlsoHidden(t *testing.T) {
	tests := []struct {
		name   string
		hidden map[string]uint64
		want   string
	}{
		{"nothing", map[string]uint64{"encrypted": 3}, ""},
		{"ECH", map[string]uint64{"ech": 1}, "1 handshake offered ECH: the name seen may not be the one asked for"},
		{"public", map[string]uint64{"ech": 3, "ech_public": 2}, "3 handshakes offered ECH (2 under a provider's public name): the name seen may not be the one asked for"},
		{"ESNI", map[string]uint64{"ech": 3, "esni": 3}, "3 handshakes offered ECH (3 as ESNI): the name seen may not be the one asked for"},
		{"early data", map[string]uint64{"early_data": 1}, "1 handshake offered 0-RTT data"},
		{"all", map[string]uint64{"ech": 4, "ech_public": 2, "esni": 1, "early_data": 5},
			"4 handshakes offered ECH (2 under a provider's public name, 1 as ESNI): the name seen may not be the one asked for; 5 handshakes offered 0-RTT data"},
	}
	for _, tt := range tests {
		s := sensorOf(&discover.Visibility{Handshakes: 9, Hidden: tt.hidden})
		if got := s.alsoHidden(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if n := s.hiddenCertificates(); n != tt.hidden["encrypted"] {
			t.Errorf("%s: got %d hidden certificates", tt.name, n)
		}
	}
}

// TestPublicNameOutOfScope: it is marked among the largest.
func TestPublicNameOutOfScope(t *testing.T) {
	r := New(&coverage.Result{OutOfScope: coverage.OutOfScope{Handshakes: 5, Largest: []coverage.OutOfScopeEntry{
		{Hostname: "cloudflare-ech.com", Port: 443, Handshakes: 4, ECHPublic: true}, {Hostname: "www.example", Port: 443, Handshakes: 1},
	}}}, &discover.Inventory{}, at("2026-11-23T11:00:00Z"))
	want := "5 handshakes; the largest: 4 to cloudflare-ech.com:443 (a public name of ECH), 1 to www.example:443"
	if got := r.outOfScope(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
