package report

import (
	"testing"

	"blindspot/discover"
)

// TestLooksInLists: what our own looks were shown is in the lists, and nobody's
// use; they make no name and no endpoint.
func TestLooksInLists(t *testing.T) {
	w := newWorld()
	leaf := w.cert("api.shop.example", "2026-12-24T00:00:00Z")
	var none discover.ChainID
	look := func(s *discover.Sighting) { s.Class, s.Known = discover.ClassVerify, discover.FromVerify }
	w.see("api.shop.example", "10.0.0.1:443", none, "10.9.0.1", 8, func(s *discover.Sighting) { s.Known, s.Version = discover.HiddenEncrypted, "TLS 1.3" })
	w.see("api.shop.example", "10.0.0.1:443", w.chain(leaf), "10.9.0.9", 1, look)
	w.see("lost.shop.example", "10.0.0.2:443", w.chain(w.cert("lost.shop.example", "2026-12-24T00:00:00Z")), "10.9.0.9", 1, look)
	l := lists(t, w)
	for _, tt := range []struct {
		list, key, value string
		count            int
		row              int
	}{
		{"hosts", "hostname", "api.shop.example", 1, 0},
		{"endpoints", "endpoint", "10.0.0.1:443", 1, 0},
	} {
		rows := rowsOf(t, l[tt.list])
		if len(rows) != tt.count {
			t.Errorf("%s: got %d rows, want %d: %v", tt.list, len(rows), tt.count, rows)
			continue
		}
		r := rows[0]
		if r[tt.key] != tt.value || r["handshakes"] != float64(8) || r["clients"] != float64(1) {
			t.Errorf("%s: got %v, want %s with 8 handshakes of 1 client", tt.list, r, tt.value)
		}
		if certs, _ := r["certificates"].([]any); len(certs) != 1 || certs[0] != leaf.SHA256.String() || r["not_after"] == nil {
			t.Errorf("%s: got certificates %v until %v, want what the look was shown", tt.list, r["certificates"], r["not_after"])
		}
	}
	for _, r := range rowsOf(t, l["certs"]) {
		if r["handshakes"] != float64(0) || r["clients"] != float64(0) {
			t.Errorf("certs: got %v, want no use", r)
		}
	}
}
