package ingest

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/store"
)

func keeperStore(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "k.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func keeperBatch(part uint32, names int) *discover.Batch {
	b := &discover.Batch{Part: part}
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for i := range names {
		s := &discover.Sighting{Bucket: at, Width: time.Hour, First: at, Last: at, Count: 1}
		s.Key = discover.Key{Name: discover.NameValid, Hostname: fmt.Sprintf("h%d.shop.example", i), Transport: discover.TCP, Outcome: discover.Established}
		b.Sightings = append(b.Sightings, s)
	}
	return b
}

func handshakesIn(t *testing.T, db *store.DB) (n uint64) {
	t.Helper()
	inv, err := db.Inventory(store.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for s, err := range inv.Sightings {
		if err != nil {
			t.Fatal(err)
		}
		n += s.Count
	}
	return n
}

// TestKeeper: what is kept is stored when keep returns, and with it what was
// given before; what is given is stored when close returns.
func TestKeeper(t *testing.T) {
	db := keeperStore(t)
	k := newKeeper(db, discover.Source{Kind: "pcap", Name: "a.pcap"})
	for part := range uint32(3) {
		if err := k.give(keeperBatch(part, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.keep(keeperBatch(3, 10)); err != nil {
		t.Fatal(err)
	}
	if got := handshakesIn(t, db); got != 40 {
		t.Errorf("got %d handshakes after keep, want 40", got)
	}
	if err := k.give(keeperBatch(4, 10)); err != nil {
		t.Fatal(err)
	}
	if err := k.close(); err != nil {
		t.Fatal(err)
	}
	if got := handshakesIn(t, db); got != 50 {
		t.Errorf("got %d handshakes after close, want 50", got)
	}
	if _, err := k.writer.Finish("id"); err != nil {
		t.Error(err)
	}
}

// TestKeeperFails: after an error whoever gives or waits is told, and nobody
// waits for ever.
func TestKeeperFails(t *testing.T) {
	db := keeperStore(t)
	k := newKeeper(db, discover.Source{Kind: "pcap", Name: "a.pcap"})
	if err := k.keep(keeperBatch(0, 10)); err != nil {
		t.Fatal(err)
	}
	other, err := db.Start(discover.Source{Kind: "pcap", Name: "a.pcap"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Finish("id"); err != nil { // the other reading supersedes this one
		t.Fatal(err)
	}
	var told error
	for part := uint32(1); part < 100 && told == nil; part++ {
		told = k.give(keeperBatch(part, 10))
	}
	if told == nil {
		t.Error("a superseded keeper takes batches without an error")
	}
	if err := k.keep(keeperBatch(100, 10)); !errors.Is(err, told) {
		t.Errorf("keep: got %v, want %v", err, told)
	}
	if err := k.close(); !errors.Is(err, told) {
		t.Errorf("close: got %v, want %v", err, told)
	}
	if got := handshakesIn(t, db); got != 0 {
		t.Errorf("got %d handshakes of a superseded source, want 0", got)
	}
}

// TestFull: sightings are held as long as folding folds.
func TestFull(t *testing.T) {
	for _, tc := range []struct {
		name                string
		sightings, repeated int
		want                bool
	}{
		{"few", fewHeld, 0, false},
		{"no handshake comes twice", fewHeld + 1, 0, true},
		{"one in sixty-five", fewHeld + 1, fewHeld / 65, true},
		{"one in fifty", fewHeld + 1, fewHeld / 50, false},
		{"as many as may be", maxHeld + 1, maxHeld / 4, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &folder{cfg: &Config{}, aggregator: discover.NewAggregator(discover.AggregatorConfig{}), total: new(atomic.Uint64)}
			for i := range tc.sightings + tc.repeated {
				n := i % tc.sightings
				o := &discover.Observation{Time: time.Unix(1e9, 0), Hello: true, Transport: discover.TCP, Outcome: discover.Established,
					Server: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 443)}
				if err := f.add(o); err != nil {
					t.Fatal(err)
				}
			}
			if got := f.full(); got != tc.want {
				t.Errorf("%d sightings, %d handshakes: got %v, want %v", f.aggregator.Len(), f.folded, got, tc.want)
			}
		})
	}
}
