package store

import (
	"os"
	"time"
)

// Stat is the size of a store, and what it holds.
type Stat struct {
	Version   int
	FileBytes int64 // the database
	WALBytes  int64 // what is not in it yet
	FreeBytes int64 // in the file, to be used again
	Tables    []TableStat

	// First and Last bound the traffic; zero where there is none.
	First, Last time.Time
	// FoldedUntil is the time before which hours have become days in every
	// source that counts, zero where some have not.
	FoldedUntil time.Time
	Buckets     BucketStat
	Sources     SourceStat
	Dropped     uint64 // handshakes and sessions that retention dropped
	Late        uint64 // rows that came after their hour was folded
}

// TableStat is the number of rows of a table.
type TableStat struct {
	Name string
	Rows int64
}

// BucketStat counts buckets by their width.
type BucketStat struct{ Hours, Days, Rest int64 }

// SourceStat counts sources by their state.
type SourceStat struct {
	Finished, Reading, Incomplete int64
	Merged                        int64 // of those, from other stores
}

var tables = []string{"sources", "buckets", "sightings", "keys", "profiles", "choices", "certificates", "chains", "visibility", "hops", "offers"}

// UsedBytes is what of the store's files is in use.
func (s *Stat) UsedBytes() int64 { return s.FileBytes - s.FreeBytes + s.WALBytes }

// Stat counts what is in the store; it walks over every row.
func (db *DB) Stat() (Stat, error) {
	var s Stat
	err := db.read("measure", func(c *conn) error {
		for _, f := range []func(*conn) error{s.pages, s.rows, s.life, s.sources} {
			if err := f(c); err != nil {
				return err
			}
		}
		return nil
	})
	s.FileBytes, s.WALBytes = size(db.file), size(db.file+"-wal")
	return s, err
}

func (s *Stat) pages(c *conn) error {
	version, err := pragma(c, "user_version")
	if err != nil {
		return err
	}
	free, err := pragma(c, "freelist_count")
	if err != nil {
		return err
	}
	page, err := pragma(c, "page_size")
	s.Version, s.FreeBytes = int(version), free*page
	return err
}

func (s *Stat) rows(c *conn) error {
	for _, name := range tables {
		t := TableStat{Name: name}
		if _, err := c.one("SELECT count(*) FROM "+name, func(r *rows) { t.Rows = r.int(0) }); err != nil {
			return err
		}
		s.Tables = append(s.Tables, t)
	}
	return nil
}

const selectLife = `
SELECT (SELECT min(first_seen) FROM buckets WHERE first_seen > -(1 << 62)), (SELECT max(last_seen) FROM buckets),
  (SELECT max(folded_until) FROM sources WHERE folded_until <= coalesce((SELECT min(bucket) FROM buckets WHERE part >= 0 AND bucket > -(1 << 62)), folded_until)),
  (SELECT count(*) FROM buckets WHERE part >= 0), (SELECT count(*) FROM buckets WHERE part = -1), (SELECT count(*) FROM buckets WHERE part = -2),
  (SELECT sum(json_extract(lost, '$.retention')) FROM visibility), (SELECT sum(late) FROM sources)`

func (s *Stat) life(c *conn) error {
	_, err := c.one(selectLife, func(r *rows) {
		if r.v[0] != nil {
			s.First, s.Last = timeOf(r.int(0)), timeOf(r.int(1))
		}
		if r.v[2] != nil && r.int(2) > -maxBucket {
			s.FoldedUntil = timeOf(r.int(2))
		}
		s.Buckets = BucketStat{r.int(3), r.int(4), r.int(5)}
		s.Dropped, s.Late = r.uint(6), r.uint(7)
	})
	return err
}

func (s *Stat) sources(c *conn) error {
	return c.each("SELECT state, count(*), sum(origin <> X'') FROM sources WHERE unlisted = 0 GROUP BY state", func(r *rows) error {
		switch State(r.text(0)) {
		case Finished:
			s.Sources.Finished = r.int(1)
		case Reading:
			s.Sources.Reading = r.int(1)
		case Incomplete:
			s.Sources.Incomplete = r.int(1)
		}
		s.Sources.Merged += r.int(2)
		return nil
	})
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
