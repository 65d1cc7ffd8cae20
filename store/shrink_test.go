package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"blindspot/discover"
)

// grow writes days of traffic of the same names, one hour a day with many.
func grow(t testing.TB, db *DB, days, names int) {
	t.Helper()
	w := start(t, db, live)
	for d := range days {
		b := &discover.Batch{}
		for i := range names {
			s := sighting(fmt.Sprintf("host-%d.shop.example", i), uint64(i%7+1))
			if i%10 == 9 {
				s.Version, s.Outcome = "", discover.Unanswered
			}
			if i%3 == 0 { // names of one day
				s.Hostname = fmt.Sprintf("host-%d-of-%d.shop.example", i, d)
			}
			s.Bucket = t0.Add(time.Duration(24*d+i%3) * time.Hour)
			s.First, s.Last = s.Bucket, s.Bucket.Add(time.Minute)
			b.Sightings = append(b.Sightings, s)
		}
		b.Visibility = visibilityOf(b.Sightings)
		write(t, w, b)
	}
}

// TestShrink: bound after bound, the least that will do is given up, and it is
// counted.
func TestShrink(t *testing.T) {
	const days, names = 24, 900
	db := temp(t)
	grow(t, db, days, names)
	foldless := rowCount(t, db, "keys")
	now := t0.Add(days * 24 * time.Hour)
	keep := 5 * 24 * time.Hour
	all := total(t, db)
	recent := func() int64 {
		return scalar(t, db, fmt.Sprint("SELECT sum(handshakes) FROM sightings WHERE last_seen >= ", nanos(now.Add(-keep))))
	}
	before := recent()
	used, err := db.settledBytes(0)
	if err != nil {
		t.Fatal(err)
	}
	var dropped uint64
	last := used
	for _, percent := range []int64{101, 95, 75, 60, 45, 35, 1} {
		out, err := db.Shrink(context.Background(), Bound{Bytes: used * percent / 100, Keep: keep}, now)
		if err != nil {
			t.Fatal(err)
		}
		what := fmt.Sprintf("%d %%: %+v", percent, out)
		if percent > 1 && (out.Over > 0 || out.Used > used*percent/100) || percent == 1 && out.Over == 0 {
			t.Errorf("%s: of %d bytes", what, used)
		}
		if percent == 101 && out.Transactions > 0 {
			t.Errorf("%s: nothing is to be done", what)
		}
		if out.Used > last {
			t.Errorf("%s: grew from %d bytes", what, last)
		}
		last = out.Used
		dropped += out.Dropped
		inv, err := db.Inventory(Query{})
		if err != nil {
			t.Fatal(err)
		}
		var held uint64
		for _, s := range seen(t, db, Query{}) {
			held += s.Count
		}
		if held+dropped != all || inv.Sensor.Lost[LostRetention] != dropped || inv.Sensor.Handshakes != all {
			t.Errorf("%s: got %d handshakes, %d dropped, %d said to be, of %d", what, held, dropped, inv.Sensor.Lost[LostRetention], all)
		}
		if got := recent(); got != before {
			t.Errorf("%s: got %d handshakes of the time to keep, want %d", what, got, before)
		}
		if percent > 70 { // only the time is lost of names in use
			if got := scalar(t, db, "SELECT count(DISTINCT k.hostname) FROM sightings AS s JOIN keys AS k ON k.id = s.key JOIN profiles AS p ON p.id = k.profile WHERE p.version <> ''"); got != int64(namesInUse(days, names)) {
				t.Errorf("%s: got %d names in use, want %d", what, got, namesInUse(days, names))
			}
		}
	}
	if left := rowCount(t, db, "keys"); left >= foldless {
		t.Errorf("got %d keys, before %d: those without sightings stay", left, foldless)
	}
	whole(t, db)
}

// namesInUse counts what grow writes.
func namesInUse(days, names int) int {
	n := 0
	for i := range names {
		switch {
		case i%10 == 9:
		case i%3 == 0:
			n += days
		default:
			n++
		}
	}
	return n
}
