package store

import (
	"errors"
	"testing"

	"blindspot/discover"
)

func batch(count uint64) *discover.Batch {
	v := discover.Interval{Bucket: t0, Width: 3600e9}
	v.Packets, v.Handshakes = 10*count, count
	return &discover.Batch{Sightings: []*discover.Sighting{sighting("h", count)}, Visibility: []discover.Interval{v}}
}

// total is the number of handshakes, by sightings and by visibility.
func total(t testing.TB, db *DB) uint64 {
	t.Helper()
	var n uint64
	for _, s := range seen(t, db, Query{}) {
		n += s.Count
	}
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	if inv.Sensor.Handshakes != n {
		t.Errorf("got %d handshakes in sightings, %d in visibility", n, inv.Sensor.Handshakes)
	}
	return n
}

func finish(t testing.TB, w *Writer, identity string, want bool) {
	t.Helper()
	known, err := w.Finish(identity)
	if err != nil || known != want {
		t.Fatalf("finish %s: got known %v, %v, want %v", w.src.Name, known, err, want)
	}
}

// TestSources holds the rules of what counts when a source is read again.
func TestSources(t *testing.T) {
	live := discover.Source{Kind: "live", Name: "eth0", Sensor: "edge-1"}
	pipe := discover.Source{Kind: "pcap", Name: "-", Sensor: "edge-1"}
	tests := []struct {
		name string
		do   func(t *testing.T, db *DB)
		want uint64
	}{
		{"a file twice", func(t *testing.T, db *DB) {
			for i := range 2 {
				w := start(t, db, pcap)
				write(t, w, batch(5))
				finish(t, w, "id", i == 1)
			}
		}, 5},
		{"a file under another name", func(t *testing.T, db *DB) {
			for i, name := range []string{"a.pcap", "b.pcap"} {
				w := start(t, db, discover.Source{Kind: "pcap", Name: name})
				write(t, w, batch(5))
				finish(t, w, "id", i == 1)
			}
		}, 5},
		{"another file under the same name", func(t *testing.T, db *DB) {
			for _, id := range []string{"id1", "id2"} {
				w := start(t, db, pcap)
				write(t, w, batch(5))
				finish(t, w, id, false)
			}
		}, 10},
		{"killed, then read", func(t *testing.T, db *DB) {
			write(t, start(t, db, pcap), batch(3))
			w := start(t, db, pcap)
			write(t, w, batch(5))
			finish(t, w, "id", false)
		}, 5},
		{"killed", func(t *testing.T, db *DB) { write(t, start(t, db, pcap), batch(3)) }, 3},
		{"killed twice", func(t *testing.T, db *DB) {
			write(t, start(t, db, pcap), batch(3))
			write(t, start(t, db, pcap), batch(4))
		}, 4},
		{"read, then killed", func(t *testing.T, db *DB) {
			w := start(t, db, pcap)
			write(t, w, batch(5))
			finish(t, w, "id", false)
			write(t, start(t, db, pcap), batch(3))
		}, 5},
		{"interrupted", func(t *testing.T, db *DB) {
			w := start(t, db, pcap)
			write(t, w, batch(3))
			if err := w.Abort("interrupted"); err != nil {
				t.Fatal(err)
			}
		}, 3},
		{"interrupted, then read", func(t *testing.T, db *DB) {
			w := start(t, db, pcap)
			write(t, w, batch(3))
			if err := w.Abort("interrupted"); err != nil {
				t.Fatal(err)
			}
			w = start(t, db, pcap)
			write(t, w, batch(5))
			finish(t, w, "id", false)
		}, 5},
		{"live runs", func(t *testing.T, db *DB) {
			write(t, start(t, db, live), batch(1)) // killed
			for range 2 {
				w := start(t, db, live)
				write(t, w, batch(5))
				finish(t, w, "", false)
			}
		}, 11},
		{"pipes", func(t *testing.T, db *DB) {
			write(t, start(t, db, pipe), batch(1)) // killed
			w := start(t, db, pipe)
			write(t, w, batch(5))
			finish(t, w, "id", false)
		}, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := temp(t)
			tt.do(t, db)
			if got := total(t, db); got != tt.want {
				t.Errorf("got %d handshakes, want %d", got, tt.want)
			}
		})
	}
}

func TestSourceInfo(t *testing.T) {
	db := temp(t)
	w := start(t, db, pcap)
	write(t, w, batch(3))
	if err := w.Abort("interrupted"); err != nil {
		t.Fatal(err)
	}
	other := discover.Source{Kind: "pcap", Name: "b.pcap", Sensor: "edge-2"}
	w = start(t, db, other)
	write(t, w, batch(5))
	finish(t, w, "id", false)
	start(t, db, pcap)

	got, err := db.Sources()
	if err != nil || len(got) != 3 {
		t.Fatalf("got %d sources, %v, want 3", len(got), err)
	}
	a, b, c := got[0], got[1], got[2]
	if a.Source != pcap || a.State != Incomplete || a.Reason != "interrupted" || a.Counted || a.Packets != 30 || a.Handshakes != 3 {
		t.Errorf("interrupted: got %+v", a)
	}
	other.Identity = "id"
	if b.Source != other || b.State != Finished || !b.Counted || b.Ended.Before(b.Started) || !b.First.Equal(t0.Add(60e9)) {
		t.Errorf("finished: got %+v", b)
	}
	if c.State != Reading || !c.Ended.IsZero() || !c.First.IsZero() || !c.Counted {
		t.Errorf("being read: got %+v", c)
	}

	src, ended, ok, err := db.Known("id")
	if err != nil || !ok || src != other || !ended.Equal(b.Ended) {
		t.Errorf("known: got %+v, %v, %v, %v", src, ended, ok, err)
	}
	for _, id := range []string{"", "other"} {
		if _, _, ok, err := db.Known(id); ok || err != nil {
			t.Errorf("identity %q: got %v, %v, want unknown", id, ok, err)
		}
	}
}

// TestSuperseded checks two readers of one file at the same time.
func TestSuperseded(t *testing.T) {
	db := temp(t)
	slow, fast := start(t, db, pcap), start(t, db, pcap)
	write(t, slow, batch(3))
	write(t, fast, batch(5))
	finish(t, fast, "id", false)
	if err := slow.Write(batch(4)); !errors.Is(err, errSuperseded) {
		t.Errorf("write: got %v, want %v", err, errSuperseded)
	}
	finish(t, slow, "id", true)
	if got := total(t, db); got != 5 {
		t.Errorf("got %d handshakes, want 5", got)
	}
}

func TestStat(t *testing.T) {
	db := temp(t)
	w := start(t, db, pcap)
	write(t, w, batch(3))
	s, err := db.Stat()
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]int64)
	for _, x := range s.Tables {
		rows[x.Name] = x.Rows
	}
	if s.Version != len(steps) || s.FileBytes+s.WALBytes == 0 || rows["sightings"] != 1 || rows["keys"] != 1 || rows["sources"] != 1 {
		t.Errorf("got %+v", s)
	}
}
