package store

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"blindspot/discover"
)

// Query says which traffic an inventory is about. The zero value is all of it.
type Query struct {
	// Since (inclusive) and Until (exclusive) bound the traffic. A sighting is
	// the fold of a time bucket: it belongs where any of its handshakes may,
	// and its figures are not cut.
	Since, Until time.Time
	Sensor       string // only sources of this sensor; "" for all
}

// within is the condition on sources and time that all questions share, over
// buckets or intervals b and sources o. Its arguments are those of args.
const (
	fromBuckets = `FROM counted_sources AS o CROSS JOIN buckets AS b ON b.source = o.id
WHERE (?1 = '' OR o.sensor = ?1) AND b.last_seen >= ?2 AND b.first_seen < ?3`
	fromIntervals = `FROM counted_sources AS o CROSS JOIN visibility AS b ON b.source = o.id
WHERE (?1 = '' OR o.sensor = ?1) AND (b.bucket >= ?2 OR b.bucket + b.width > ?2) AND b.bucket < ?3`
)

func (q *Query) args() []driver.Value {
	until := int64(math.MaxInt64)
	if !q.Until.IsZero() {
		until = nanos(q.Until)
	}
	return []driver.Value{q.Sensor, nanos(q.Since), until}
}

// Inventory returns what is in use. It reads the sightings while they are
// walked over, so its memory does not depend on how many there are.
//
// Sightings are folded over sources, parts and buckets: each key comes once,
// with the earliest Bucket and no Width, and the keys of a hostname come
// together. They are a consistent state of the store; what is written
// meanwhile is in the next walk. An error of Certificate or Chain is yielded
// at the end of the walk.
func (db *DB) Inventory(q Query) (*discover.Inventory, error) {
	inv := &discover.Inventory{}
	err := db.read("read the inventory", func(c *conn) error { return q.head(c, inv, db.sketch) })
	if err != nil {
		return nil, err
	}
	late := &lateError{}
	inv.Sightings = func(yield func(*discover.Sighting, error) bool) { db.walk(q, late, yield) }
	inv.Certificate = func(f discover.Fingerprint) *discover.Certificate {
		x, err := db.Certificate(f)
		late.set(err)
		return x
	}
	inv.Chain = func(id discover.ChainID) []discover.Fingerprint {
		chain, err := db.Chain(id)
		late.set(err)
		return chain
	}
	return inv, nil
}

// lateError keeps the first error of look-ups that cannot return one.
type lateError struct {
	mu  sync.Mutex
	err error
}

func (l *lateError) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

func (l *lateError) get() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// selectWindow bounds handshakes and sessions in the clear, but for our own
// looks, which are no traffic.
const selectWindow = `
SELECT min(first_seen), max(last_seen), max(live) FROM (
  SELECT b.first_seen, b.last_seen, o.kind = 'live' AS live ` + fromBuckets + ` AND o.kind <> 'verify'
  UNION ALL SELECT b.first_seen, b.last_seen, o.kind = 'live' ` + fromOffers + `)`

// head fills all but the sightings; key is that of the sketches.
func (q *Query) head(c *conn, inv *discover.Inventory, key discover.SketchKey) error {
	_, err := c.one(selectWindow, func(r *rows) {
		if r.v[0] != nil {
			inv.First, inv.Last, inv.Live = timeOf(r.int(0)), timeOf(r.int(1)), r.flag(2)
		}
	}, q.args()...)
	if err != nil {
		return err
	}
	if inv.Hops, err = q.hops(c); err != nil {
		return err
	}
	if inv.Offers, err = q.offers(c, key); err != nil {
		return err
	}
	// A window that has ended is judged by its own time.
	inv.Live = inv.Live && (q.Until.IsZero() || q.Until.After(time.Now()))
	return c.each("SELECT "+visibilityColumns+" "+fromIntervals+" ORDER BY b.source, b.part, b.bucket", func(r *rows) error {
		v, err := intervalOf(r)
		inv.Sensor.Add(&v.Visibility)
		return err
	}, q.args()...)
}

// selectSightings sorts narrow rows; the key's own columns are looked up once
// for each key. The order within a key makes folding repeatable.
const selectSightings = `
SELECT s.key, s.bucket, s.first_seen, s.last_seen, s.handshakes, s.client_list, s.client_more, s.client_sketch,
  s.ech, s.client_auth, s.key_proven, s.key_mismatch, s.ocsp_good, s.ocsp_bad, s.hello_retry, s.packets_lost, s.choice, s.forwarded, s.source
FROM (SELECT b.source, b.part, b.bucket ` + fromBuckets + `) AS b
CROSS JOIN sightings AS s ON s.source = b.source AND s.part = b.part AND s.bucket = b.bucket
WHERE s.last_seen >= ?2 AND s.first_seen < ?3
ORDER BY s.key, s.bucket, s.source, s.part`

func (db *DB) walk(q Query, late *lateError, yield func(*discover.Sighting, error) bool) {
	err := db.read("read sightings", func(c *conn) (err error) {
		f := fold{c: c, key: db.sketch, keys: newKeyScan(c), choices: newNumbered("choices", choiceColumns, scanChoice)}
		defer f.keys.close()
		f.yield = func(s *discover.Sighting) bool { return yield(s, nil) }
		if f.foreign, err = foreignKeys(c); err != nil {
			return err
		}
		if err := c.each(selectSightings, f.add, q.args()...); err != nil {
			return err
		}
		return f.flush()
	})
	if err == nil {
		err = late.get()
	}
	if err != nil && !errors.Is(err, errStop) {
		yield(nil, err)
	}
}

// fold adds up rows that come in the order of their keys.
type fold struct {
	c       *conn
	keys    keyScan
	choices numbered[choice]
	key     discover.SketchKey
	foreign map[int64]discover.SketchKey // of sources that were merged
	yield   func(*discover.Sighting) bool

	started bool
	id      keyID
	sum     discover.Sighting
	newest  time.Time // Last of the row that sum's words come from
	list    []discover.ClientCount
}

func (f *fold) add(r *rows) error {
	id := r.blob(0)
	if len(id) != len(f.id) {
		return fmt.Errorf("key of %d bytes, want %d", len(id), len(f.id))
	}
	if f.started && keyID(id) == f.id {
		return f.more(r)
	}
	if err := f.flush(); err != nil {
		return err
	}
	f.started, f.id = true, keyID(id)
	list := f.sum.Clients.Exact[:0]
	f.sum = discover.Sighting{}
	f.sum.Clients.Exact = list
	if err := f.keys.find(f.id, &f.sum.Key); err != nil {
		return err
	}
	return f.first(r)
}

// flush yields the sighting that is complete.
func (f *fold) flush() error {
	if f.started && !f.yield(&f.sum) {
		return errStop
	}
	f.started = false
	return nil
}

// first fills the sum from the first row of its key.
func (f *fold) first(r *rows) (err error) {
	s := &f.sum
	s.Bucket, s.First, s.Last, s.Count = timeOf(r.int(1)), timeOf(r.int(2)), timeOf(r.int(3)), r.uint(4)
	if s.Clients.Exact, err = clientsOf(r.blob(5), s.Clients.Exact); err != nil {
		return err
	}
	s.Clients.More = r.uint(6)
	if err := s.Clients.SetSketch(r.blob(7)); err != nil {
		return fmt.Errorf("client sketch: %w", err)
	}
	s.ECH, s.ClientAuth, s.KeyProven, s.KeyMismatch = r.uint(8), r.uint(9), r.uint(10), r.uint(11)
	s.OCSPGood, s.OCSPBad, s.HelloRetry, s.PacketsLost = r.uint(12), r.uint(13), r.uint(14), r.uint(15)
	s.Forwarded = r.uint(17)
	return f.chose(r, s.Last)
}

// chose takes the words of a row that is the newest.
func (f *fold) chose(r *rows, last time.Time) error {
	c, err := f.choices.at(f.c, r.int(16))
	f.sum.ALPN, f.sum.LastCipher, f.sum.LastGroup, f.newest = c.alpn, c.cipher, c.group, last
	return err
}

// more adds a further row of the same key.
func (f *fold) more(r *rows) (err error) {
	s := &f.sum
	first, last := timeOf(r.int(2)), timeOf(r.int(3))
	if first.Before(s.First) {
		s.First = first
	}
	if last.After(s.Last) {
		s.Last = last
	}
	s.Count, s.Forwarded = s.Count+r.uint(4), s.Forwarded+r.uint(17)
	var other discover.Clients
	if f.list, err = clientsOf(r.blob(5), f.list[:0]); err != nil {
		return err
	}
	other.Exact, other.More = f.list, r.uint(6)
	if err := other.SetSketch(r.blob(7)); err != nil {
		return fmt.Errorf("client sketch: %w", err)
	}
	s.Clients.Merge(&other, f.keyOf(r.int(18)))
	s.ECH, s.ClientAuth, s.KeyProven, s.KeyMismatch = s.ECH+r.uint(8), s.ClientAuth+r.uint(9), s.KeyProven+r.uint(10), s.KeyMismatch+r.uint(11)
	s.OCSPGood, s.OCSPBad, s.HelloRetry, s.PacketsLost = s.OCSPGood+r.uint(12), s.OCSPBad+r.uint(13), s.HelloRetry+r.uint(14), s.PacketsLost+r.uint(15)
	if !last.Before(f.newest) {
		return f.chose(r, last)
	}
	return nil
}
