package store

import (
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"blindspot/discover"
)

func offer(state string, n uint64, clients ...string) *discover.OfferCount {
	o := &discover.OfferCount{First: t0, Last: t0.Add(time.Duration(n) * time.Minute), Count: n * uint64(len(clients))}
	o.Offer = discover.Offer{Network: "plant", Target: "mx.shop.example:25", Server: netip.MustParseAddrPort("[2001:db8::25]:25"),
		Preface: "http-connect+smtp", State: state, Class: "lan"}
	for _, c := range clients {
		o.Clients.Add(netip.MustParsePrefix(c), n, discover.SketchKey{})
	}
	return o
}

func offers(t *testing.T, db *DB, q Query) []*discover.OfferCount {
	t.Helper()
	inv, err := db.Inventory(q)
	if err != nil {
		t.Fatal(err)
	}
	return inv.Offers
}

// TestOffers checks what is added up and what is replaced.
func TestOffers(t *testing.T) {
	batch := func(part uint32, list ...*discover.OfferCount) *discover.Batch {
		return &discover.Batch{Part: part, Offers: list}
	}
	tests := []struct {
		name    string
		write   func(w1, w2 *Writer)
		count   uint64
		clients []discover.ClientCount
	}{
		{"written twice", func(w1, _ *Writer) {
			write(t, w1, batch(0, offer(discover.OfferRefused, 5, "10.0.0.7/32")))
			write(t, w1, batch(0, offer(discover.OfferRefused, 5, "10.0.0.7/32")))
		}, 5, []discover.ClientCount{{Addr: netip.MustParsePrefix("10.0.0.7/32"), Count: 5}}},
		{"older after newer", func(w1, _ *Writer) {
			write(t, w1, batch(0, offer(discover.OfferRefused, 4, "10.0.0.7/32", "10.0.0.8/32")))
			write(t, w1, batch(0, offer(discover.OfferRefused, 3, "10.0.0.7/32")))
		}, 8, []discover.ClientCount{{Addr: netip.MustParsePrefix("10.0.0.7/32"), Count: 4}, {Addr: netip.MustParsePrefix("10.0.0.8/32"), Count: 4}}},
		{"parts add up", func(w1, _ *Writer) {
			write(t, w1, batch(0, offer(discover.OfferRefused, 5, "10.0.0.7/32")))
			write(t, w1, batch(1, offer(discover.OfferRefused, 3, "10.0.0.7/32")))
		}, 8, []discover.ClientCount{{Addr: netip.MustParsePrefix("10.0.0.7/32"), Count: 8}}},
		{"sources add up", func(w1, w2 *Writer) {
			write(t, w1, batch(0, offer(discover.OfferRefused, 3, "10.0.0.7/32")))
			write(t, w2, batch(0, offer(discover.OfferRefused, 5, "10.0.0.9/32")))
		}, 8, []discover.ClientCount{{Addr: netip.MustParsePrefix("10.0.0.9/32"), Count: 5}, {Addr: netip.MustParsePrefix("10.0.0.7/32"), Count: 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := temp(t)
			second := pcap
			second.Name = "b.pcap"
			tt.write(start(t, db, pcap), start(t, db, second))
			got := offers(t, db, Query{})
			if len(got) != 1 || got[0].Offer != offer(discover.OfferRefused, 1).Offer || got[0].Count != tt.count ||
				!slices.Equal(got[0].Clients.Exact, tt.clients) || !got[0].First.Equal(t0) {
				t.Fatalf("got %+v, want %d sessions of %v", got, tt.count, tt.clients)
			}
		})
	}
}

// TestOfferKeys: what differs in any part of its key is a row of its own.
func TestOfferKeys(t *testing.T) {
	db := temp(t)
	var list []*discover.OfferCount
	for _, change := range []func(*discover.Offer){
		func(*discover.Offer) {},
		func(o *discover.Offer) { o.Network = "" },
		func(o *discover.Offer) { o.Target = "" },
		func(o *discover.Offer) { o.Server = netip.MustParseAddrPort("10.0.0.25:25") },
		func(o *discover.Offer) { o.Preface = "smtp" },
		func(o *discover.Offer) { o.State = discover.OfferDeclined },
		func(o *discover.Offer) { o.Class = discover.ClassMonitor },
	} {
		o := offer(discover.OfferRefused, 1, "10.0.0.7/32")
		change(&o.Offer)
		list = append(list, o)
	}
	write(t, start(t, db, pcap), &discover.Batch{Offers: list})
	got := map[discover.Offer]bool{}
	for _, o := range offers(t, db, Query{}) {
		got[o.Offer] = true
	}
	for _, o := range list {
		if !got[o.Offer] {
			t.Errorf("%+v is missing", o.Offer)
		}
	}
	if len(got) != len(list) {
		t.Errorf("got %d offers, want %d", len(got), len(list))
	}
}

func TestOfferManyClients(t *testing.T) {
	db := temp(t)
	o := offer(discover.OfferDeclined, 1)
	for i := range 100 {
		o.Clients.Add(netip.PrefixFrom(addr(i), 32), 1, db.SketchKey())
		o.Count++
	}
	o.Clients.Sort()
	write(t, start(t, db, pcap), &discover.Batch{Offers: []*discover.OfferCount{o}})
	got := offers(t, db, Query{})[0]
	if want := o.Clients.Distinct(); got.Clients.Distinct() != want || want < 97 || want > 103 || got.Clients.More != o.Clients.More {
		t.Errorf("got %d distinct clients of 100, want %d", got.Clients.Distinct(), want)
	}
}

// TestOfferWindow: a session in the clear is traffic, and the window of a
// question is one for it too.
func TestOfferWindow(t *testing.T) {
	db := temp(t)
	write(t, start(t, db, discover.Source{Kind: "live", Name: "eth0", Sensor: "edge-1"}), &discover.Batch{Offers: []*discover.OfferCount{offer(discover.OfferRefused, 60, "10.0.0.7/32")}})
	end := t0.Add(time.Hour)
	for _, tt := range []struct {
		name string
		q    Query
		want int
	}{
		{"all", Query{}, 1},
		{"since its end", Query{Since: end}, 1},
		{"since later", Query{Since: end.Add(1)}, 0},
		{"until its begin", Query{Until: t0}, 0},
		{"until later", Query{Until: t0.Add(1)}, 1},
		{"its sensor", Query{Sensor: "edge-1"}, 1},
		{"another sensor", Query{Sensor: "edge-2"}, 0},
	} {
		inv, err := db.Inventory(tt.q)
		if err != nil {
			t.Fatal(err)
		}
		if len(inv.Offers) != tt.want || inv.First.IsZero() != (tt.want == 0) {
			t.Errorf("%s: got %d offers from %v, want %d", tt.name, len(inv.Offers), inv.First, tt.want)
		}
	}
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	if !inv.First.Equal(t0) || !inv.Last.Equal(end) || !inv.Live {
		t.Errorf("got window %v to %v, live %v; want the session's, live", inv.First, inv.Last, inv.Live)
	}
}

// TestOffersKnownAgain: reading a capture twice changes nothing.
func TestOffersKnownAgain(t *testing.T) {
	db := temp(t)
	for i := range 2 {
		w := start(t, db, pcap)
		write(t, w, &discover.Batch{Offers: []*discover.OfferCount{offer(discover.OfferRefused, 3, "10.0.0.7/32")}})
		finish(t, w, "an identity", i == 1)
	}
	if got := offers(t, db, Query{}); len(got) != 1 || got[0].Count != 3 {
		t.Errorf("got %+v, want 3 sessions", got)
	}
	var left int64
	if err := db.read("count", func(c *conn) error {
		_, err := c.one("SELECT count(*) FROM offers", func(r *rows) { left = r.int(0) })
		return err
	}); err != nil || left != 1 {
		t.Errorf("got %d rows, %v; want 1: the second reading's are removed", left, err)
	}
}

// TestFromVersion2 brings a store of version 2 up to date: what it holds is
// there, and offers can be written to its sources.
func TestFromVersion2(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v2.db")
	was := steps
	steps = steps[:2]
	db := open(t, path)
	err := db.write("as version 2 did", func(c *conn) error {
		if err := c.exec("INSERT INTO sources (kind, name, sensor, run, state, identity, started) VALUES ('pcap', 'a.pcap', 'edge-1', 0, 'finished', 'an identity', 0)"); err != nil {
			return err
		}
		return c.exec("INSERT INTO hops (source, part, network, server, behind, first_seen, last_seen, handshakes) VALUES (1, 0, '', '10.0.0.1:443', '10.0.0.2:443', 1, 2, 7)")
	})
	db.Close()
	steps = was
	if err != nil {
		t.Fatal(err)
	}
	db = open(t, path)
	second := pcap
	second.Name = "b.pcap"
	write(t, start(t, db, second), &discover.Batch{Offers: []*discover.OfferCount{offer(discover.OfferRefused, 3, "10.0.0.7/32")}})
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Hops) != 1 || inv.Hops[0].Count != 7 || len(inv.Offers) != 1 || inv.Offers[0].Count != 3 {
		t.Errorf("got hops %+v, offers %+v; want 7 handshakes and 3 sessions", inv.Hops, inv.Offers)
	}
	if _, _, ok, err := db.Known("an identity"); !ok || err != nil {
		t.Errorf("known: got %v, %v", ok, err)
	}
	whole(t, db)
}
