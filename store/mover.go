package store

import (
	"database/sql/driver"
	"fmt"
	"math"
	"strings"

	"blindspot/discover"
)

// Figures of a sighting that add up, and the others.
const (
	sumColumns    = "handshakes, forwarded, ech, client_auth, key_proven, key_mismatch, ocsp_good, ocsp_bad, hello_retry, packets_lost"
	figureColumns = "first_seen, last_seen, choice, clients, client_list, client_more, client_sketch, " + sumColumns
	sums          = 10
	firstSum      = 7 // column of the first of them
)

// figures are a row of sightings without its key.
type figures struct {
	first, last, choice int64
	clients             int64
	list                []byte
	more                int64
	sketch              []byte
	sums                [sums]int64
}

// figuresOf reads figureColumns from column at on.
func figuresOf(r *rows, at int) figures {
	f := figures{first: r.int(at), last: r.int(at + 1), choice: r.int(at + 2), clients: r.int(at + 3), list: r.blob(at + 4), more: r.int(at + 5), sketch: r.blob(at + 6)}
	for i := range f.sums {
		f.sums[i] = r.int(at + firstSum + i)
	}
	return f
}

func (f *figures) values(v []driver.Value) []driver.Value {
	v = append(v, f.first, f.last, f.choice, f.clients, notNil(f.list), f.more, notNil(f.sketch))
	for i := range f.sums {
		v = append(v, f.sums[i])
	}
	return v
}

// add adds what another bucket has of the same key.
func (f *figures) add(o *figures, key discover.SketchKey) error {
	if o.last >= f.last {
		f.choice = o.choice
	}
	f.first, f.last = min(f.first, o.first), max(f.last, o.last)
	for i := range f.sums {
		f.sums[i] = plus(f.sums[i], o.sums[i])
	}
	sum, err := clientsIn(f.list, f.more, f.sketch)
	if err != nil {
		return err
	}
	other, err := clientsIn(o.list, o.more, o.sketch)
	if err != nil {
		return err
	}
	sum.Merge(&other, key)
	sum.Sort()
	f.clients, f.more = count(sum.Distinct()), count(sum.More)
	f.list, f.sketch = appendClients(nil, sum.Exact), sum.Sketch()
	return nil
}

// plus adds figures that are none below zero.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func clientsIn(list []byte, more int64, sketch []byte) (c discover.Clients, err error) {
	if c.Exact, err = clientsOf(list, nil); err != nil {
		return c, err
	}
	c.More = uint64(max(0, more))
	if err := c.SetSketch(sketch); err != nil {
		return c, fmt.Errorf("client sketch: %w", err)
	}
	return c, nil
}

// stays is 1 for keys that outlive the days: a name or a certificate that a
// server went on with (discover.Key.InUse).
const stays = `(k.hostname <> '' OR k.chain <> X'') AND p.class <> 'verify' AND (p.version <> '' OR p.outcome = 'established')`

var (
	selectMoved   = "SELECT key, 1, 0, " + figureColumns + " FROM sightings WHERE source = ? AND part = ? AND bucket = ? ORDER BY key LIMIT ?"
	selectExpired = "SELECT s.key, " + stays + ", p.class = 'verify', " + figureColumns + `
FROM sightings AS s CROSS JOIN keys AS k ON k.id = s.key CROSS JOIN profiles AS p ON p.id = k.profile
WHERE s.source = ? AND s.part = ? AND s.bucket = ? ORDER BY s.key LIMIT ?`
	selectFigures  = "SELECT " + figureColumns + " FROM sightings WHERE source = ? AND part = ? AND bucket = ? AND key = ?"
	replaceFigures = "INSERT OR REPLACE INTO sightings (source, part, bucket, key, " + figureColumns + ") VALUES (?" + strings.Repeat(", ?", 3+firstSum+sums) + ")"
	deleteMoved    = "DELETE FROM sightings WHERE source = ? AND part = ? AND bucket = ? AND key <= ?"
)

// mover moves sightings of one bucket of a source into another.
type mover struct {
	c      *conn
	source int64
	key    discover.SketchKey
	task   *task

	moved   uint64 // rows
	dropped uint64 // handshakes
	values  []driver.Value
}

// moving is one row on its way.
type moving struct {
	key          []byte
	stays, looks bool
	figures
}

// several moves up to limit rows, and returns how many of the tasks are done.
func (m *mover) several(list []task, limit int) (done int, err error) {
	for limit > 0 && done < len(list) {
		m.task = &list[done]
		n, err := m.some(limit)
		if err != nil {
			return 0, err
		}
		if n < limit {
			done++
		}
		limit -= n + 1
	}
	return done, nil
}

// some moves up to limit rows, in the order of their keys. Where there were
// less, the bucket is gone.
func (m *mover) some(limit int) (n int, err error) {
	list, err := m.take(limit)
	if err != nil {
		return 0, err
	}
	if err := m.widen(); err != nil {
		return 0, err
	}
	for i := range list {
		if err := m.put(&list[i]); err != nil {
			return 0, err
		}
	}
	t := m.task
	if len(list) == limit {
		return limit, m.c.exec(deleteMoved, m.source, t.part, t.bucket, list[limit-1].key)
	}
	if err := m.c.exec("DELETE FROM sightings WHERE source = ? AND part = ? AND bucket = ?", m.source, t.part, t.bucket); err != nil {
		return 0, err
	}
	return len(list), m.c.exec("DELETE FROM buckets WHERE source = ? AND part = ? AND bucket = ?", m.source, t.part, t.bucket)
}

func (m *mover) take(limit int) (list []moving, err error) {
	text := selectMoved
	if m.task.expire {
		text = selectExpired
	}
	err = m.c.each(text, func(r *rows) error {
		list = append(list, moving{key: r.blob(0), stays: r.flag(1), looks: r.flag(2), figures: figuresOf(r, 3)})
		return nil
	}, m.source, m.task.part, m.task.bucket, int64(limit))
	return list, err
}

// widen lets the target's bucket cover what comes into it.
func (m *mover) widen() error {
	t := m.task
	return m.c.exec(`
INSERT INTO buckets (source, part, bucket, width, first_seen, last_seen)
SELECT source, ?4, ?5, ?6, first_seen, last_seen FROM buckets WHERE source = ?1 AND part = ?2 AND bucket = ?3
ON CONFLICT DO UPDATE SET width = max(width, excluded.width),
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)`,
		m.source, t.part, t.bucket, t.toPart, t.toBucket, t.toWidth)
}

func (m *mover) put(x *moving) error {
	if !x.stays {
		if !x.looks {
			m.dropped += uint64(max(0, x.sums[0]))
		}
		return nil
	}
	var there figures
	found, err := m.c.one(selectFigures, func(r *rows) { there = figuresOf(r, 0) }, m.source, m.task.toPart, m.task.toBucket, x.key)
	if err != nil {
		return err
	}
	if found {
		if err := there.add(&x.figures, m.key); err != nil {
			return err
		}
		x.figures = there
	}
	m.moved++
	m.values = append(m.values[:0], m.source, m.task.toPart, m.task.toBucket, x.key)
	m.values = x.figures.values(m.values)
	return m.c.exec(replaceFigures, m.values...)
}
