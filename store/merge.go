package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"blindspot/discover"
)

// mergeRows is how many rows one transaction of Merge writes.
const mergeRows = 2000

// What Merge did with a source.
const (
	MergedNew      = "new"
	MergedReplaced = "replaced" // an earlier state of it that had been merged
	MergedKnown    = "known"    // nothing changed
)

// MergedSource is a source of the other store with what became of it.
type MergedSource struct {
	discover.Source
	Done       string // a Merged… constant
	Handshakes uint64
	Sightings  uint64 // rows that were copied
}

// Merge copies the sources of another store into this one. Both may be written
// meanwhile: the other one is read as it was at the beginning and never
// changed, and here each source appears as a whole when it is complete.
//
// Merging again changes nothing, or brings what has come since: a source is
// known by the store that it began in and its number, name and start there, a
// capture by its content. A store of an older version is brought up to date in
// a temporary copy.
//
// Sketches of clients cannot be compared between stores, whose keys differ:
// where a name's clients are too many for a list in both, a client that was seen
// by both sensors counts twice. Sources of one store are added up exactly.
func (db *DB) Merge(ctx context.Context, path string) ([]MergedSource, error) {
	if a, err := os.Stat(path); err == nil {
		if b, err := os.Stat(db.file); err == nil && os.SameFile(a, b) {
			return nil, fmt.Errorf("%s and %s are the same store: nothing is to be merged", path, db.path)
		}
	}
	other, done, err := db.openOther(path)
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := other.reader()
	if err != nil {
		return nil, err
	}
	defer other.release(c)
	if err := c.script("BEGIN"); err != nil { // all of it from one state
		return nil, other.explain("merge", err)
	}
	defer func() { _ = c.script("ROLLBACK") }()
	if err := db.removeUnlisted(ctx); err != nil {
		return nil, err
	}
	m := merge{db: db, ctx: ctx, other: other, from: c,
		profiles: newNumbered("profiles", profileColumns, scanProfile), choices: newNumbered("choices", choiceColumns, scanChoice)}
	return m.all()
}

// openOther opens a store to be read, and brings a copy of it up to date where
// it is older.
func (db *DB) openOther(path string) (other *DB, done func(), err error) {
	other, err = Open(path, Options{ReadOnly: true})
	if err == nil {
		return other, func() { _ = other.Close() }, nil
	}
	if !errors.Is(err, ErrOlder) {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(db.file), ".blindspot-merge-")
	if err != nil {
		return nil, nil, fmt.Errorf("bring a copy of %s up to date: %w", path, err)
	}
	clear := func() { _ = os.RemoveAll(dir) }
	copied := filepath.Join(dir, "copy.db")
	if err := copyOlder(path, copied); err != nil {
		clear()
		return nil, nil, explain(path, "copy", err)
	}
	if other, err = Open(copied, Options{MustExist: true}); err != nil {
		clear()
		return nil, nil, err
	}
	return other, func() { _ = other.Close(); clear() }, nil
}

func copyOlder(path, copied string) error {
	file, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	for _, mode := range [][2]string{{"rw", ""}, {"ro", "&immutable=1"}} {
		if mode[0] == "ro" && size(file+"-wal")+size(file+"-journal") > 0 {
			break // immutable would not see these
		}
		var c *conn
		if c, err = dial(file, mode[0], mode[1]); err != nil {
			continue
		}
		err = errors.Join(c.exec("VACUUM INTO ?", copied), c.close())
		if err == nil {
			return nil
		}
	}
	return err
}

// merge is one run of merging.
type merge struct {
	db       *DB
	ctx      context.Context
	other    *DB
	from     *conn
	profiles numbered[profile]
	choices  numbered[choice]
	facts    bool // certificates and chains were copied
}

// incoming is a source of the other store.
type incoming struct {
	id                                   int64
	kind, name, sensor, identity, reason string
	state                                string
	run, started, ended                  int64
	foldedUntil, foldedPart, late        int64
	origin                               []byte // the store it began in
	originID                             int64  // its number there
	progress
}

// progress grows while a source is being read. Folding does not change it.
type progress struct{ packets, handshakes, newest, ended int64 }

func (p progress) compare(o progress) int {
	return cmp.Or(cmp.Compare(p.packets, o.packets), cmp.Compare(p.handshakes, o.handshakes), cmp.Compare(p.newest, o.newest), cmp.Compare(p.ended, o.ended))
}

const progressColumns = `(SELECT coalesce(sum(packets), 0) FROM visibility WHERE source = s.id), (SELECT coalesce(sum(handshakes), 0) FROM visibility WHERE source = s.id),
  (SELECT coalesce(max(last_seen), -9223372036854775807 - 1) FROM buckets WHERE source = s.id), s.ended`

func progressOf(r *rows, at int) progress {
	return progress{r.int(at), r.int(at + 1), r.int(at + 2), r.int(at + 3)}
}

func (m *merge) all() (out []MergedSource, err error) {
	list, err := m.list()
	if err != nil {
		return nil, m.other.explain("merge", err)
	}
	for i := range list {
		s := &list[i]
		done := MergedSource{Source: discover.Source{Kind: s.kind, Name: s.name, Sensor: s.sensor, Identity: s.identity}, Handshakes: uint64(max(0, s.handshakes))}
		if err := m.source(s, &done); err != nil {
			return out, fmt.Errorf("merge %s of %s: %w", s.name, m.other.path, err)
		}
		out = append(out, done)
	}
	return out, nil
}

func (m *merge) list() (list []incoming, err error) {
	err = m.from.each(`SELECT id, kind, name, sensor, identity, reason, state, run, started, ended, folded_until, folded_part, late, origin, origin_id, `+progressColumns+`
FROM sources AS s WHERE unlisted = 0 ORDER BY id`, func(r *rows) error {
		s := incoming{id: r.int(0), kind: r.text(1), name: r.text(2), sensor: r.text(3), identity: r.text(4), reason: r.text(5), state: r.text(6),
			run: r.int(7), started: r.int(8), ended: r.int(9), foldedUntil: r.int(10), foldedPart: r.int(11), late: r.int(12),
			origin: r.blob(13), originID: r.int(14), progress: progressOf(r, 15)}
		if len(s.origin) == 0 {
			s.origin, s.originID = m.other.sketch[:], s.id
		}
		list = append(list, s)
		return nil
	})
	return list, err
}

// source merges one source.
func (m *merge) source(s *incoming, done *MergedSource) error {
	old, known, err := m.known(s)
	if err != nil {
		return err
	}
	if known {
		done.Done = MergedKnown
		return nil
	}
	id, err := m.begin(s)
	if err != nil {
		return err
	}
	if err := m.copy(s, id, done); err != nil {
		return err
	}
	stands, err := m.appear(s, id, old)
	if err != nil {
		return err
	}
	switch {
	case !stands:
		done.Done = MergedKnown
	case old != 0:
		done.Done = MergedReplaced
	default:
		done.Done = MergedNew
	}
	return m.db.removeUnlisted(m.ctx)
}

// known looks for what was merged before. It returns the number of an earlier
// state, or that nothing is to be done.
func (m *merge) known(s *incoming) (old int64, known bool, err error) {
	var there progress
	var writing bool
	err = m.db.read("look up a source", func(c *conn) error {
		found, err := c.one("SELECT id, state = 'reading' AND origin = X'', "+progressColumns+` FROM sources AS s
WHERE unlisted = 0 AND (origin = ?1 AND origin_id = ?2 OR origin = X'' AND ?3 AND id = ?2) AND kind = ?4 AND name = ?5 AND sensor = ?6 AND started = ?7`,
			func(r *rows) { old, writing, there = r.int(0), r.flag(1), progressOf(r, 2) },
			s.origin, s.originID, bit(bytes.Equal(s.origin, m.db.sketch[:])), s.kind, s.name, s.sensor, s.started)
		if err != nil || found || s.identity == "" {
			return err
		}
		known, err = c.one("SELECT 1 FROM sources WHERE identity = ? AND state = 'finished'", func(*rows) {}, s.identity)
		return err
	})
	if old != 0 {
		known = writing || s.compare(there) <= 0
	}
	return old, known, err
}

// begin makes the source, which nobody sees before it is complete.
func (m *merge) begin(s *incoming) (id int64, err error) {
	err = m.db.write("merge", func(c *conn) error {
		_, err := c.one(`INSERT INTO sources (kind, name, sensor, reason, run, state, started, ended, folded_until, folded_part, late, origin, origin_id, unlisted)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) RETURNING id`, func(r *rows) { id = r.int(0) },
			s.kind, s.name, s.sensor, s.reason, s.run, s.state, s.started, s.ended, s.foldedUntil, s.foldedPart, s.late, s.origin, s.originID)
		return err
	})
	if err == nil && !m.facts {
		m.facts, err = true, errors.Join(m.db.settled(), m.copyFacts())
	}
	return id, err
}

// appear lets the source appear, in the place of its earlier state. Where a
// capture of the same content was finished meanwhile, that stands.
func (m *merge) appear(s *incoming, id, old int64) (stands bool, err error) {
	err = m.db.write("merge", func(c *conn) error {
		if s.identity != "" {
			found, err := c.one("SELECT 1 FROM sources WHERE identity = ? AND state = 'finished' AND id <> ?", func(*rows) {}, s.identity, old)
			if err != nil || found {
				return err
			}
		}
		if old != 0 {
			if err := c.exec("UPDATE sources SET unlisted = 1, identity = '' WHERE id = ?", old); err != nil {
				return err
			}
		}
		var err error
		stands, err = c.one("UPDATE sources SET unlisted = 0, identity = ? WHERE id = ? RETURNING id", func(*rows) {}, s.identity, id)
		if err == nil && !stands {
			err = errMerging
		}
		return err
	})
	return stands, err
}

var errMerging = errors.New("another blindspot merged into the store at the same time: merge again")

// removeUnlisted removes what a merge that was broken off has left, and what was
// replaced, bucket after bucket.
func (db *DB) removeUnlisted(ctx context.Context) error {
	type place struct{ source, part, bucket int64 }
	var places []place
	var ids []int64
	err := db.read("read sources", func(c *conn) error {
		if err := c.each("SELECT id FROM sources WHERE unlisted = 1", func(r *rows) error { ids = append(ids, r.int(0)); return nil }); err != nil {
			return err
		}
		return c.each("SELECT b.source, b.part, b.bucket FROM sources AS s CROSS JOIN buckets AS b ON b.source = s.id WHERE s.unlisted = 1", func(r *rows) error {
			places = append(places, place{r.int(0), r.int(1), r.int(2)})
			return nil
		})
	})
	for i := 0; err == nil && i < len(places); i++ {
		p := places[i]
		if err = ctx.Err(); err == nil {
			err = db.write("remove a source", func(c *conn) error {
				return c.exec("DELETE FROM sightings WHERE source = ? AND part = ? AND bucket = ?", p.source, p.part, p.bucket)
			})
		}
	}
	for _, id := range ids {
		if err == nil {
			err = db.write("remove a source", func(c *conn) error { return remove(c, id) })
		}
	}
	return err
}
