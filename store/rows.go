package store

import (
	"slices"
	"time"

	"blindspot/discover"
)

// atOnce is how many rows are looked at before the first of them is written:
// they are in no order in memory, and so the processor waits for several at a
// time.
const atOnce = 16

// rowWriter inserts the keys and figures of sightings of one part.
type rowWriter struct {
	w           *Writer
	c           *conn
	part        uint32
	keys        *bulk
	plain, full *bulk // sightings of both kinds
	keyed       bool  // the keys are there already
	last        keyID // of the keys that were inserted
	looked      uint64
}

func (w *Writer) rows(c *conn, part uint32) (to *rowWriter, err error) {
	to = &rowWriter{w: w, c: c, part: part}
	if to.keys, err = c.bulk(insertKey, 0, keyRow, onKnownKey); err != nil {
		return nil, err
	}
	if to.plain, err = c.bulk(insertSighting, sightingShared, plainRow, onKnownSighting); err != nil {
		return nil, err
	}
	to.full, err = c.bulk(insertSighting, sightingShared, fullRow, onKnownSighting)
	return to, err
}

// close lets go of what was written.
func (to *rowWriter) close() {
	to.keys.close()
	to.plain.close()
	to.full.close()
}

// each calls put with each row.
func (to *rowWriter) each(order []row, put func(*row) error) error {
	for some := range slices.Chunk(order, atOnce) {
		for i := range some {
			to.looked += look(some[i].s)
		}
		for i := range some {
			if err := put(&some[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// look reads a byte of each part of s that is written.
func look(s *discover.Sighting) uint64 {
	n := uint64(len(s.Sensor)+len(s.Target)+len(s.Known)+len(s.Alert)+len(s.ALPN)+len(s.LastGroup)) + uint64(s.Chain[0]) + s.Count + s.OCSPGood
	if len(s.Hostname) > 0 {
		n += uint64(s.Hostname[0])
	}
	if len(s.Clients.Exact) > 0 {
		n += s.Clients.Exact[0].Count
	}
	return n
}

// putKeys writes the keys of rows that are in their order.
func (to *rowWriter) putKeys(order []row) error {
	to.keyed = true
	if err := to.each(order, to.putKey); err != nil {
		return err
	}
	return to.keys.flush()
}

func (to *rowWriter) putKey(r *row) error {
	if r.id == to.last { // which is the zero one of none
		return nil
	}
	to.last = r.id
	k, b := &r.s.Key, to.keys
	profile, err := to.w.db.profiles.of(to.c, profileOf(k))
	if err != nil {
		return err
	}
	b.blob(r.id[:])
	b.text(k.Hostname)
	b.text(k.Target)
	b.addr(k.Server)
	b.blob(digest(k.Chain[:]))
	b.blob(digest(k.ClientChain[:]))
	b.int(profile)
	return b.done()
}

// putBuckets writes the figures of rows in the order of buckets, and their keys
// where that has not been done.
func (to *rowWriter) putBuckets(order []row) error {
	for len(order) > 0 {
		n := 1
		for n < len(order) && order[n].bucket == order[0].bucket {
			n++
		}
		if err := to.putBucket(order[:n]); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

// putBucket writes rows of one bucket.
func (to *rowWriter) putBucket(order []row) error {
	to.plain.share(to.w.id, int64(to.part), order[0].bucket)
	to.full.share(to.w.id, int64(to.part), order[0].bucket)
	span := spanOf(order[0].s)
	err := to.each(order, func(r *row) error {
		span.add(r.s)
		if !to.keyed {
			if err := to.putKey(r); err != nil {
				return err
			}
		}
		return to.putSighting(r)
	})
	if err != nil {
		return err
	}
	for _, b := range [...]*bulk{to.keys, to.plain, to.full} {
		if err := b.flush(); err != nil {
			return err
		}
	}
	return span.put(to.c, to.w.id, to.part, order[0].bucket)
}

func (to *rowWriter) putSighting(r *row) error {
	s := r.s
	choice, err := to.w.db.choices.of(to.c, choice{s.ALPN, s.LastCipher, s.LastGroup})
	if err != nil {
		return err
	}
	distinct, sketch := s.Clients.Distinct(), s.Clients.Sketch() // in this order: the count puts the sketch in order
	rare := s.Forwarded | s.Clients.More | s.ClientAuth | s.KeyMismatch | s.OCSPBad | s.HelloRetry | s.PacketsLost
	b := to.plain
	if rare != 0 || len(sketch) > 0 {
		b = to.full
	}
	to.putCommon(b, r, distinct, choice)
	if b == to.full {
		b.uint(s.Forwarded)
		b.uint(s.Clients.More)
		b.blob(sketch)
		b.uint(s.ClientAuth)
		b.uint(s.KeyMismatch)
		b.uint(s.OCSPBad)
		b.uint(s.HelloRetry)
		b.uint(s.PacketsLost)
	}
	return b.done()
}

// putCommon sets the columns that both kinds of rows have.
func (to *rowWriter) putCommon(b *bulk, r *row, distinct uint64, choice int64) {
	s, list := r.s, &to.w.scratch.list
	*list = appendClients((*list)[:0], s.Clients.Exact)
	b.blob(r.id[:])
	b.int(nanos(s.First))
	if s.Last.Equal(s.First) {
		b.again()
	} else {
		b.int(nanos(s.Last))
	}
	b.uint(s.Count)
	b.uint(distinct)
	b.blob(*list)
	b.uint(s.ECH)
	b.uint(s.KeyProven)
	b.uint(s.OCSPGood)
	b.int(choice)
}

// span is the time that the sightings of a bucket cover.
type span struct {
	first, last time.Time
	width       time.Duration
}

func spanOf(s *discover.Sighting) span { return span{s.First, s.Last, s.Width} }

func (x *span) add(s *discover.Sighting) {
	if s.First.Before(x.first) {
		x.first = s.First
	}
	if s.Last.After(x.last) {
		x.last = s.Last
	}
	x.width = max(x.width, s.Width)
}

const insertBucket = `
INSERT INTO buckets (source, part, bucket, width, first_seen, last_seen) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET width = max(width, excluded.width),
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)`

func (x *span) put(c *conn, source int64, part uint32, bucket int64) error {
	return c.exec(insertBucket, source, int64(part), bucket, int64(x.width), nanos(x.first), nanos(x.last))
}
