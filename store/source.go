package store

import (
	"errors"
	"fmt"
	"time"

	"blindspot/discover"
)

// State is how far the reading of a source came.
type State string

// The states of a source. A source that is Reading while nothing reads it was
// left behind by a killed process.
const (
	Reading    State = "reading"
	Finished   State = "finished"
	Incomplete State = "incomplete" // broken off; SourceInfo.Reason says why
)

// SourceInfo is a source with what became of it.
type SourceInfo struct {
	discover.Source
	ID      int64
	State   State
	Reason  string    // why it is incomplete
	Started time.Time // by the wall clock
	Ended   time.Time // zero while it is being read

	// Counted says that reports count its rows. They leave out a reading that
	// was broken off where a whole or later one of the same name is there.
	Counted bool

	First, Last time.Time // of its traffic
	Packets     uint64
	Handshakes  uint64
}

// Writer writes the rows of one source. It is used by one goroutine at a time;
// several writers of one store take turns.
type Writer struct {
	db  *DB
	id  int64
	src discover.Source
	run bool

	seal    seal // read at the beginning of each transaction
	scratch scratch
}

// isRun tells sources that cannot be read a second time: what comes under the
// same name later is other traffic.
func isRun(src *discover.Source) bool {
	return src.Kind == "live" || src.Kind == "verify" || src.Name == "-"
}

// Start begins a source. Its rows are there for reports as soon as they are
// written.
func (db *DB) Start(src discover.Source) (*Writer, error) {
	w := &Writer{db: db, src: src, run: isRun(&src), seal: unsealed}
	err := db.write("start source "+src.Name, func(c *conn) error {
		_, err := c.one("INSERT INTO sources (kind, name, sensor, run, state, started) VALUES (?, ?, ?, ?, 'reading', ?) RETURNING id",
			func(r *rows) { w.id = r.int(0) },
			src.Kind, src.Name, src.Sensor, bit(w.run), nanos(time.Now()))
		return err
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Finish marks the source as read to its end. identity is what its content is
// known by, "" for a live source.
//
// Where a finished source with the same identity is there, the rows of this
// one are removed again, and known is true: reading a file twice changes
// nothing. Otherwise the rows of unfinished readings of the same kind, name
// and sensor are removed, which a killed or interrupted process left behind
// and which would count twice.
func (w *Writer) Finish(identity string) (known bool, err error) {
	err = w.db.write("finish source "+w.src.Name, func(c *conn) error {
		if identity != "" {
			known, err = c.one("SELECT 1 FROM sources WHERE identity = ? AND state = 'finished' AND id <> ?", func(*rows) {}, identity, w.id)
			if err != nil {
				return err
			}
		}
		if known {
			return remove(c, w.id)
		}
		if err := w.end(c, Finished, identity, ""); err != nil {
			return err
		}
		return w.removeUnfinished(c)
	})
	return known && err == nil, err
}

// Abort keeps what was read and marks the source as incomplete, with the
// reason as a sentence for people.
func (w *Writer) Abort(reason string) error {
	return w.db.write("end source "+w.src.Name, func(c *conn) error { return w.end(c, Incomplete, "", reason) })
}

// EndRuns marks what live sensors that were killed left behind as broken off,
// and returns how many there were. What they had written stays. The caller knows
// that no other sensor writes to the store.
func (db *DB) EndRuns(reason string) (n int, err error) {
	err = db.write("end the runs of killed sensors", func(c *conn) error {
		n = 0
		return c.each("UPDATE sources SET state = 'incomplete', reason = ?, ended = ? WHERE kind = 'live' AND state = 'reading' AND origin = X'' RETURNING id",
			func(*rows) error { n++; return nil }, reason, nanos(time.Now()))
	})
	return n, err
}

// errSuperseded is for a writer whose source another process removed.
var errSuperseded = errors.New("another blindspot has read the same source to its end meanwhile, and its rows stand: read it again to be sure")

func (w *Writer) end(c *conn, s State, identity, reason string) error {
	found, err := c.one("UPDATE sources SET state = ?, identity = ?, reason = ?, ended = ? WHERE id = ? RETURNING id", func(*rows) {},
		string(s), identity, reason, nanos(time.Now()), w.id)
	if err == nil && !found {
		err = errSuperseded
	}
	return err
}

func (w *Writer) removeUnfinished(c *conn) error {
	if w.run {
		return nil
	}
	var left []int64
	err := c.each("SELECT id FROM sources WHERE kind = ? AND name = ? AND sensor = ? AND run = 0 AND state <> 'finished' AND origin = X''",
		func(r *rows) error { left = append(left, r.int(0)); return nil }, w.src.Kind, w.src.Name, w.src.Sensor)
	for _, id := range left {
		err = errors.Join(err, remove(c, id))
	}
	return err
}

// remove deletes a source with its rows. Keys, certificates and chains stay:
// they are facts, and belong to no source.
func remove(c *conn, id int64) error {
	for _, text := range []string{
		"DELETE FROM sightings WHERE source = ?", "DELETE FROM buckets WHERE source = ?",
		"DELETE FROM hops WHERE source = ?", "DELETE FROM offers WHERE source = ?", "DELETE FROM visibility WHERE source = ?", "DELETE FROM sources WHERE id = ?",
	} {
		if err := c.exec(text, id); err != nil {
			return fmt.Errorf("remove source %d: %w", id, err)
		}
	}
	return nil
}

// Known returns the finished source with an identity, and when its reading
// ended.
func (db *DB) Known(identity string) (src discover.Source, ended time.Time, ok bool, err error) {
	if identity == "" {
		return src, ended, false, nil
	}
	err = db.read("look up a source", func(c *conn) error {
		var err error
		ok, err = c.one("SELECT kind, name, sensor, identity, ended FROM sources WHERE identity = ? AND state = 'finished'", func(r *rows) {
			src = discover.Source{Kind: r.text(0), Name: r.text(1), Sensor: r.text(2), Identity: r.text(3)}
			ended = timeOf(r.int(4))
		}, identity)
		return err
	})
	return src, ended, ok, err
}

// Sources returns all sources in the order in which they were started.
func (db *DB) Sources() ([]SourceInfo, error) {
	var out []SourceInfo
	err := db.read("list sources", func(c *conn) error {
		return c.each(sourcesQuery, func(r *rows) error {
			s := SourceInfo{ID: r.int(0), State: State(r.text(5)), Reason: r.text(6), Started: timeOf(r.int(7)), Ended: timeOf(r.int(8)),
				Counted: r.flag(9), Packets: r.uint(12), Handshakes: r.uint(13)}
			s.Source = discover.Source{Kind: r.text(1), Name: r.text(2), Sensor: r.text(3), Identity: r.text(4)}
			if r.v[10] != nil {
				s.First, s.Last = timeOf(r.int(10)), timeOf(r.int(11))
			}
			out = append(out, s)
			return nil
		})
	})
	return out, err
}

const sourcesQuery = `
SELECT s.id, s.kind, s.name, s.sensor, s.identity, s.state, s.reason, s.started, s.ended,
       s.id IN (SELECT id FROM counted_sources),
       (SELECT min(first_seen) FROM buckets WHERE source = s.id),
       (SELECT max(last_seen) FROM buckets WHERE source = s.id),
       (SELECT sum(packets) FROM visibility WHERE source = s.id),
       (SELECT sum(handshakes) FROM visibility WHERE source = s.id)
FROM sources AS s WHERE s.unlisted = 0 ORDER BY s.id`
