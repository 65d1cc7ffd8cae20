package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

func merged(t testing.TB, into *DB, others ...*DB) (done []string) {
	t.Helper()
	for _, o := range others {
		list, err := into.Merge(context.Background(), o.path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			done = append(done, s.Done)
		}
	}
	return done
}

// sensorStore is a store of one sensor: a run that goes on, one that has ended,
// and a capture.
func sensorStore(t testing.TB, rng *rand.Rand, sensor string, days int) *DB {
	t.Helper()
	db := temp(t)
	for i, src := range []discover.Source{{Kind: "live", Name: "eth0"}, {Kind: "live", Name: "eth0"}, {Kind: "pcap", Name: "capture.pcap"}} {
		src.Sensor = sensor
		w := start(t, db, src)
		for _, b := range random(rng, src, db.SketchKey(), days) {
			write(t, w, b)
		}
		switch i {
		case 1:
			finish(t, w, "", false)
		case 2:
			finish(t, w, "content of "+sensor, false)
		}
	}
	write(t, start(t, db, discover.Source{Kind: "pcap", Name: "facts", Sensor: sensor}), &discover.Batch{
		Certificates: goldenBatch(db.SketchKey()).Certificates, Chains: goldenBatch(db.SketchKey()).Chains})
	return db
}

func rowCounts(t testing.TB, db *DB) string {
	out := ""
	for _, table := range []string{"sources", "buckets", "sightings", "keys", "profiles", "choices", "certificates", "chains", "visibility", "hops", "offers"} {
		out += fmt.Sprint(table, " ", rowCount(t, db, table), ", ")
	}
	return out
}

// TestMerge: the order of stores does not matter, merging again changes
// nothing, and neither does folding before or after.
func TestMerge(t *testing.T) {
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 7))
		a, b := sensorStore(t, rng, "edge-a", 2), sensorStore(t, rng, "edge-b", 2)
		ab, ba := temp(t), temp(t)
		merged(t, ab, a, b)
		merged(t, ba, b, a)
		want := figuresFrom(t, ab)
		sameFigures(t, "the other order", figuresFrom(t, ba), want)
		if x, y := rowCounts(t, ab), rowCounts(t, ba); x != y {
			t.Errorf("the other order: got %s, want %s", y, x)
		}
		for _, o := range []*DB{a, b} {
			for k, s := range figuresFrom(t, o).sightings {
				g := want.sightings[k]
				sameClients(t, "merged "+k.Sensor+" "+k.Hostname, g, s)
				if g.Count != s.Count || g.LastCipher != s.LastCipher || distinct(t, g) != distinct(t, s) {
					t.Errorf("%s: got %d handshakes of %d clients, want %d of %d", k.Hostname, g.Count, distinct(t, g), s.Count, distinct(t, s))
				}
			}
		}
		before := rowCounts(t, ab)
		if done := merged(t, ab, b, a, ba); strings.Contains(fmt.Sprint(done), MergedNew) || strings.Contains(fmt.Sprint(done), MergedReplaced) {
			t.Errorf("again: got %v, want all known", done)
		}
		if after := rowCounts(t, ab); after != before {
			t.Errorf("again: got %s, want %s", after, before)
		}
		whole(t, ab)

		p := Policy{Hours: 24 * time.Hour}
		foldNow(t, ab, p, later)
		sameFigures(t, "merged, then folded", figuresFrom(t, ab), want)
		foldNow(t, a, p, later)
		foldNow(t, b, p, later)
		folded := temp(t)
		merged(t, folded, a, b)
		sameFigures(t, "folded, then merged", figuresFrom(t, folded), want)
		if x, y := rowCounts(t, ab), rowCounts(t, folded); x != y {
			t.Errorf("folded, then merged: got %s, want %s", y, x)
		}
		if done := merged(t, ab, a); strings.Contains(fmt.Sprint(done), MergedReplaced) {
			t.Errorf("folded meanwhile: got %v, want all known", done)
		}
		back := rowCounts(t, a)
		if merged(t, a, b, ab); scalar(t, a, "SELECT count(*) FROM sources") != scalar(t, ab, "SELECT count(*) FROM sources") {
			t.Errorf("back into the first: got %s from %s", rowCounts(t, a), back)
		}
		sameFigures(t, "back into the first", figuresFrom(t, a), want)
	}
}

// TestMergeGoesOn: a sensor's run that was merged is replaced by its later
// state, never by an earlier one.
func TestMergeGoesOn(t *testing.T) {
	sensor, hub := temp(t), temp(t)
	w := start(t, sensor, live)
	write(t, w, batch(3))
	early := filepath.Join(t.TempDir(), "early.db")
	if err := sensor.CopyTo(early); err != nil {
		t.Fatal(err)
	}
	check := func(what, from, done string, want uint64) {
		t.Helper()
		list, err := hub.Merge(context.Background(), from)
		if err != nil || len(list) != 1 || list[0].Done != done {
			t.Fatalf("%s: got %+v, %v; want %s", what, list, err, done)
		}
		if got := total(t, hub); got != want {
			t.Errorf("%s: got %d handshakes, want %d", what, got, want)
		}
		if n := scalar(t, hub, "SELECT count(*) FROM sources"); n != 1 {
			t.Errorf("%s: got %d sources, want 1", what, n)
		}
	}
	check("first", sensor.path, MergedNew, 3)
	write(t, w, batch(5))
	check("later", sensor.path, MergedReplaced, 5)
	check("an earlier copy", early, MergedKnown, 5)
	finish(t, w, "", false)
	check("ended", sensor.path, MergedReplaced, 5)

	// The sensor's own run is not taken from elsewhere while it goes on.
	w = start(t, sensor, live)
	write(t, w, batch(7))
	if done := merged(t, hub, sensor); fmt.Sprint(done) != "[known new]" {
		t.Errorf("the next run: got %v", done)
	}
	if done := merged(t, sensor, hub); fmt.Sprint(done) != "[known known]" || total(t, sensor) != 12 {
		t.Errorf("back: got %v, %d handshakes, want 12", done, total(t, sensor))
	}
	whole(t, hub)
}

// TestMergeBrokenOff: what was copied before does not count, and goes away.
func TestMergeBrokenOff(t *testing.T) {
	a, hub := temp(t), temp(t)
	w := start(t, a, live)
	for part := range uint32(3) {
		b := benchBatch(2000, 2)
		b.Part, b.Visibility = part, visibilityOf(b.Sightings)
		write(t, w, b)
	}
	full := rowCount(t, a, "sightings")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for hubRows(hub) < full/3 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := hub.Merge(ctx, a.path); !errors.Is(err, context.Canceled) {
		t.Skipf("the merge was over before it could be broken off: %v", err)
	}
	if got := total(t, hub); got != 0 {
		t.Errorf("broken off: got %d handshakes, want none of a half", got)
	}
	if s, err := hub.Sources(); err != nil || len(s) != 0 {
		t.Errorf("broken off: got %+v, %v; want no source", s, err)
	}
	merged(t, hub, a)
	if got := total(t, hub); got != total(t, a) || rowCount(t, hub, "sources") != 1 || rowCount(t, hub, "sightings") != full {
		t.Errorf("again: got %d handshakes, %s", got, rowCounts(t, hub))
	}
	whole(t, hub)
}

func hubRows(db *DB) (n int64) {
	_ = db.read("count", func(c *conn) error {
		_, err := c.one("SELECT count(*) FROM sightings", func(r *rows) { n = r.int(0) })
		return err
	})
	return n
}

// TestMergeVersions: an older store is brought up to date in a copy, a newer one
// is refused.
func TestMergeVersions(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "v1.db"))
	if err != nil {
		t.Fatal(err)
	}
	path := put(t, filepath.Join(t.TempDir(), "v1.db"), string(b))
	hub := temp(t)
	for _, want := range []string{MergedNew, MergedKnown} {
		list, err := hub.Merge(context.Background(), path)
		if err != nil || len(list) != 1 || list[0].Done != want {
			t.Fatalf("got %+v, %v, want %s", list, err, want)
		}
	}
	if got := len(seen(t, hub, Query{})); got != 2 {
		t.Errorf("got %d sightings, want 2", got)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(b) {
		t.Errorf("the older store was changed, %v", err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(hub.file), ".blindspot-merge-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("copies are left: %v, %v", left, err)
	}
	newer := temp(t)
	if err := newer.write("age", func(c *conn) error { return c.script("PRAGMA user_version = 99") }); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{newer.path, hub.path, filepath.Join(t.TempDir(), "none.db")} {
		if _, err := hub.Merge(context.Background(), bad); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

// TestSketchKeyShared: stores that were made with one key count clients of both
// once.
func TestSketchKeyShared(t *testing.T) {
	key := discover.SketchKey{1, 2, 3}
	var stores []*DB
	for i := range 2 {
		db, err := Open(filepath.Join(t.TempDir(), "test.db"), Options{SketchKey: key})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if db.SketchKey() != key {
			t.Fatalf("got key %v, want %v", db.SketchKey(), key)
		}
		s := sighting("h", 100)
		s.Clients = discover.Clients{}
		for c := range 100 {
			s.Clients.Add(addrPrefix(c), 1, key)
		}
		s.Last = s.Last.Add(time.Duration(i))
		write(t, start(t, db, live), &discover.Batch{Sightings: []*discover.Sighting{s}})
		stores = append(stores, db)
	}
	merged(t, stores[0], stores[1])
	for _, s := range seen(t, stores[0], Query{}) {
		if n := distinct(t, s); s.Count != 200 || n < 97 || n > 103 {
			t.Errorf("got %d handshakes of %d clients, want 200 of about 100", s.Count, n)
		}
	}
}
