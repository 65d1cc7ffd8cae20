package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

// TestCopy: a copy made while somebody writes is whole, and the original goes on.
func TestCopy(t *testing.T) {
	db := temp(t)
	w := start(t, db, live)
	write(t, w, batch(3))
	for _, from := range []string{"writer", "reader"} {
		source := db
		if from == "reader" {
			var err error
			if source, err = Open(db.path, Options{ReadOnly: true}); err != nil {
				t.Fatal(err)
			}
			defer source.Close()
		}
		path := filepath.Join(t.TempDir(), "it's a copy?.db")
		if err := source.CopyTo(path); err != nil {
			t.Fatal(err)
		}
		copied := open(t, path)
		sameFigures(t, from, figuresFrom(t, copied), figuresFrom(t, db))
		whole(t, copied)
		if err := source.CopyTo(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: onto a file: got %v", from, err)
		}
		if _, err := os.Stat(path + ".part"); err == nil {
			t.Errorf("%s: the beginning of a copy is left", from)
		}
	}
	write(t, w, batch(4))
}

// TestVacuum: what was removed gives its room back, with a reader and a writer
// at hand.
func TestVacuum(t *testing.T) {
	db := temp(t)
	w := start(t, db, pcap)
	write(t, w, benchBatch(5000, 1))
	finish(t, w, "id", false)
	keep := start(t, db, live)
	write(t, keep, batch(3))
	if err := db.write("remove", func(c *conn) error { return remove(c, w.id) }); err != nil {
		t.Fatal(err)
	}
	want := figuresFrom(t, db)
	s, err := db.Sweep(context.Background(), time.Now())
	if err != nil || s.Keys == 0 || !s.Kept || s.Certificates != 0 {
		t.Errorf("beside a sensor: got %+v, %v", s, err)
	}
	write(t, keep, batch(3)) // its key is there again, and again counts once
	finish(t, keep, "", false)
	if s, err = db.Sweep(context.Background(), time.Now()); err != nil || s.Kept || s.Certificates == 0 || s.Chains == 0 {
		t.Errorf("alone: got %+v, %v", s, err)
	}
	before := size(db.file)
	room, err := db.VacuumRoom()
	if err != nil || len(room) == 0 || room[0].Needs <= 0 {
		t.Errorf("room: got %+v, %v", room, err)
	}
	if err := db.Vacuum(); err != nil {
		t.Fatal(err)
	}
	if after := size(db.file); after >= before/2 || size(db.file+"-wal") != 0 {
		t.Errorf("got %d bytes, before %d, and %d of the log", after, before, size(db.file+"-wal"))
	}
	sameFigures(t, "vacuum", figuresFrom(t, db), want)
	whole(t, db)
}

// TestSweepMeanwhile: a key that is written between looking and removing stays.
func TestSweepMeanwhile(t *testing.T) {
	db := temp(t)
	w := start(t, db, live)
	write(t, w, batch(3))
	if err := db.write("lose", func(c *conn) error { return c.exec("DELETE FROM sightings") }); err != nil {
		t.Fatal(err)
	}
	r := &retention{db: db, ctx: context.Background(), now: time.Now()}
	keys, places, err := r.unusedKeys()
	if err != nil || len(keys) != 1 {
		t.Fatalf("got %d keys, %v; want 1", len(keys), err)
	}
	for _, late := range []func() *Writer{func() *Writer { return w }, func() *Writer { return start(t, db, pcap) }} {
		write(t, late(), batch(4))
		var n uint64
		err = db.write("sweep", func(c *conn) (err error) { n, err = dropKeys(c, keys, places); return err })
		if err != nil || n != 0 {
			t.Errorf("removed %d keys, %v; want none", n, err)
		}
		if err := db.write("lose", func(c *conn) error { return c.exec("DELETE FROM sightings WHERE source = 1") }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHandshakeTable(t *testing.T) {
	db := temp(t)
	w := start(t, db, pcap)
	write(t, w, &discover.Batch{Sightings: []*discover.Sighting{full(db.SketchKey()), sighting("a.shop.example", 3)}})
	for _, tt := range []struct {
		name string
		q    Query
		want int
	}{
		{"all", Query{}, 2}, {"before", Query{Until: t0}, 0}, {"first minute", Query{Until: t0.Add(30 * time.Second)}, 1},
		{"late", Query{Since: t0.Add(30 * time.Minute)}, 1}, {"another sensor", Query{Sensor: "edge-2"}, 0},
	} {
		table := db.Handshakes(tt.q)
		n := 0
		for row, err := range table.Rows {
			if err != nil {
				t.Fatal(err)
			}
			if n++; len(row) != len(table.Columns) {
				t.Errorf("%s: got %d values in %d columns", tt.name, len(row), len(table.Columns))
			}
		}
		if n != tt.want {
			t.Errorf("%s: got %d rows, want %d", tt.name, n, tt.want)
		}
	}
	var columns int64
	if columns = scalar(t, db, "SELECT count(*) FROM pragma_table_info('handshakes')"); int(columns) != len(handshakeColumns) {
		t.Errorf("the view has %d columns, exported are %d", columns, len(handshakeColumns))
	}
}
