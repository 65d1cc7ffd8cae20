package store

import (
	"errors"
	"testing"

	"blindspot/discover"
)

// TestWriteAll: batches of one transaction are all there or none, whatever their
// parts and buckets.
func TestWriteAll(t *testing.T) {
	one, two := benchBatch(300, 1), benchBatch(300, 3)
	two.Part = 1
	for _, tc := range []struct {
		name  string
		fails bool
		want  int
	}{
		{"to the end", false, 600},
		{"broken off", true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db := temp(t)
			w := start(t, db, pcap)
			if tc.fails { // in its second batch
				two = &discover.Batch{Part: 1, Hops: []discover.HopCount{{}}}
				if err := db.write("break", func(c *conn) error {
					return c.script("CREATE TRIGGER t BEFORE INSERT ON hops BEGIN SELECT raise(ABORT, 'no hop'); END")
				}); err != nil {
					t.Fatal(err)
				}
			}
			err := w.WriteAll(func(yield func(*discover.Batch) bool) { _ = yield(one) && yield(two) })
			if (err != nil) != tc.fails {
				t.Errorf("got error %v", err)
			}
			var n int
			if err := db.read("count", func(c *conn) error {
				found, err := c.one("SELECT count(*) FROM sightings", func(r *rows) { n = int(r.int(0)) })
				if !found {
					return errors.Join(err, errUnknown)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if n != tc.want {
				t.Errorf("got %d sightings, want %d", n, tc.want)
			}
			whole(t, db)
		})
	}
}
