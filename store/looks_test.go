package store

import (
	"testing"
	"time"

	"blindspot/discover"
)

// TestLooksAreNoTraffic: our own looks are in the inventory, and the time of the
// traffic is that of others.
func TestLooksAreNoTraffic(t *testing.T) {
	db := temp(t)
	traffic := start(t, db, pcap)
	write(t, traffic, &discover.Batch{Sightings: []*discover.Sighting{sighting("api.shop.example", 3)}})
	before, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	look := sighting("api.shop.example", 1)
	look.Class, look.Known = discover.ClassVerify, discover.FromVerify
	look.First, look.Last = t0.Add(72*time.Hour), t0.Add(72*time.Hour)
	look.Bucket = look.First
	w := start(t, db, discover.Source{Kind: "verify", Name: "2026-11-26T10:00:00Z"})
	write(t, w, &discover.Batch{Sightings: []*discover.Sighting{look}})
	if _, err := w.Finish(""); err != nil {
		t.Fatal(err)
	}
	after, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	if !after.First.Equal(before.First) || !after.Last.Equal(before.Last) || after.Live {
		t.Errorf("with a look the traffic is from %v to %v, without from %v to %v", after.First, after.Last, before.First, before.Last)
	}
	looks := 0
	for k, s := range seen(t, db, Query{}) {
		if k.Class == discover.ClassVerify {
			looks++
			if !s.Last.Equal(look.Last) {
				t.Errorf("got a look at %v, want %v", s.Last, look.Last)
			}
		}
	}
	if looks != 1 {
		t.Errorf("got %d looks, want 1", looks)
	}
}
