package store

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"blindspot/discover"
)

// TestHops: writing a hop again changes nothing, and parts and sources add up.
func TestHops(t *testing.T) {
	db := temp(t)
	way := discover.Hop{Network: "plant", From: netip.MustParseAddrPort("10.0.0.1:443"), To: netip.MustParseAddrPort("[2001:db8::1]:8443")}
	hop := func(n uint64, last time.Time) []discover.HopCount {
		return []discover.HopCount{{Hop: way, First: t0, Last: last, Count: n}}
	}
	w := start(t, db, pcap)
	write(t, w, &discover.Batch{Hops: hop(3, t0.Add(time.Minute))})
	write(t, w, &discover.Batch{Hops: hop(5, t0.Add(time.Hour)), Sightings: []*discover.Sighting{sighting("a.shop.example", 1)}})
	write(t, w, &discover.Batch{Hops: hop(3, t0.Add(time.Minute))})
	write(t, w, &discover.Batch{Part: 1, Hops: hop(2, t0.Add(time.Minute))})
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	want := []discover.HopCount{{Hop: way, First: t0, Last: t0.Add(time.Hour), Count: 7}}
	if !reflect.DeepEqual(inv.Hops, want) {
		t.Errorf("got %+v, want %+v", inv.Hops, want)
	}
	if inv, err = db.Inventory(Query{Since: t0.Add(2 * time.Hour)}); err != nil || len(inv.Hops) != 0 {
		t.Errorf("got %d hops after the window, %v; want none", len(inv.Hops), err)
	}
}
