package store

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"blindspot/discover"
)

var makeGolden = flag.Bool("store.golden", false, "write testdata/v1.db anew; only before version 1 is released")

// goldenBatch is what testdata/v1.db holds.
func goldenBatch(key discover.SketchKey) *discover.Batch {
	v := discover.Interval{Bucket: t0, Width: 3600e9}
	v.Packets, v.Handshakes, v.Hidden, v.Notes = 7, 2, map[string]uint64{"encrypted": 1}, []string{"a note"}
	return &discover.Batch{
		Sightings:    []*discover.Sighting{full(key), sighting("a.shop.example", 3)},
		Certificates: []*discover.Certificate{{SHA256: chain[0], Subject: "CN=leaf", DNSNames: []string{"a.shop.example"}, NotAfter: t0}},
		Chains:       []discover.Chain{{ID: discover.ChainIDOf(chain), Certificates: chain}},
		Visibility:   []discover.Interval{v},
	}
}

// TestVersion1 opens a store that version 1 wrote, brings it up to date, and
// finds everything in it.
func TestVersion1(t *testing.T) {
	golden := filepath.Join("testdata", "v1.db")
	if *makeGolden {
		os.Remove(golden)
		db := open(t, golden)
		w := start(t, db, pcap)
		write(t, w, goldenBatch(db.SketchKey()))
		finish(t, w, "an identity", false)
		db.Close()
	}
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	path := put(t, filepath.Join(t.TempDir(), "v1.db"), string(b))
	db := open(t, path)
	want := goldenBatch(db.SketchKey())
	got := seen(t, db, Query{})
	if len(got) != len(want.Sightings) {
		t.Errorf("got %d sightings, want %d", len(got), len(want.Sightings))
	}
	for _, s := range want.Sightings {
		g := got[s.Key]
		if g.Count != s.Count || !slices.Equal(g.Clients.Exact, s.Clients.Exact) || distinct(t, g) != s.Clients.Distinct() || g.LastGroup != s.LastGroup {
			t.Errorf("%s: got %+v, want %+v", s.Hostname, g.Sighting, *s)
		}
	}
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	if x := inv.Certificate(chain[0]); x == nil || x.Subject != "CN=leaf" || !x.NotAfter.Equal(t0) {
		t.Errorf("got certificate %+v", x)
	}
	if !slices.Equal(inv.Chain(discover.ChainIDOf(chain)), chain) || inv.Sensor.Packets != 7 {
		t.Errorf("got chain %v, sensor %+v", inv.Chain(discover.ChainIDOf(chain)), inv.Sensor)
	}
	if _, _, ok, err := db.Known("an identity"); !ok || err != nil {
		t.Errorf("known: got %v, %v", ok, err)
	}
	finish(t, start(t, db, pcap), "an identity", true)
	whole(t, db)
}

func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, path).Close()
	c, err := dial(path, "rw", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	good := append(slices.Clone(steps), "CREATE TABLE later (a INTEGER) STRICT; INSERT INTO later VALUES (1)")
	bad := append(slices.Clone(good), "CREATE TABLE torn (a INTEGER) STRICT; nonsense")
	if err := migrate(c, bad); err == nil {
		t.Error("bad migration: got no error")
	}
	count := func(table string) (n int64) {
		if _, err := c.one("SELECT count(*) FROM sqlite_schema WHERE name = ?", func(r *rows) { n = r.int(0) }, table); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if v, err := pragma(c, "user_version"); int(v) != len(good) || err != nil {
		t.Errorf("got version %d, %v, want %d: each migration is a transaction", v, err, len(good))
	}
	if count("later") != 1 || count("torn") != 0 {
		t.Error("the bad migration was not undone, or the good one was")
	}
	if err := migrate(c, good); err != nil {
		t.Errorf("again: %v", err)
	}
	if db, err := Open(path, Options{}); err == nil {
		db.Close()
		t.Error("a store of version 2: got no error from a program of version 1")
	}
}

// TestOlderReadOnly checks the advice where a migration is needed.
func TestOlderReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, path).Close()
	was := steps
	steps = append(slices.Clone(steps), "CREATE TABLE later (a INTEGER) STRICT")
	defer func() { steps = was }()
	if db, err := Open(path, Options{ReadOnly: true}); err == nil {
		db.Close()
		t.Error("got no error")
	}
	open(t, path).Close()
	db, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
}

func TestStepNumbers(t *testing.T) {
	for _, names := range [][]string{{"0002_a"}, {"0001_a", "0003_b"}, {"1_a"}, {"0001_a", "0001_b"}} {
		fsys := fstest.MapFS{}
		for _, n := range names {
			fsys["migrations/"+n+".sql"] = &fstest.MapFile{}
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v: accepted", names)
				}
			}()
			readSteps(fsys)
		}()
	}
	if len(steps) == 0 {
		t.Error("no migrations")
	}
}

// TestViews checks what people with SQL are promised.
func TestViews(t *testing.T) {
	db := temp(t)
	w := start(t, db, pcap)
	write(t, w, goldenBatch(db.SketchKey()))
	err := db.read("views", func(c *conn) error {
		var first, leaf, last string
		_, err := c.one("SELECT first_seen, certificate, last_seen FROM handshakes WHERE hostname = 'api.shop.example'", func(r *rows) {
			first, leaf, last = r.text(0), r.text(1), r.text(2)
		})
		if err != nil {
			return err
		}
		if first != "2026-11-23T10:00:00Z" || last != "2026-11-23T10:59:00Z" || leaf != chain[0].String() {
			t.Errorf("got %s, %s, %s", first, last, leaf)
		}
		var got []string
		err = c.each("SELECT certificate, subject FROM chain_certificates ORDER BY place", func(r *rows) error {
			got = append(got, r.text(0)+r.text(1))
			return nil
		})
		if want := []string{chain[0].String() + "CN=leaf", chain[1].String()}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
