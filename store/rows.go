package store

import (
	"slices"
	"time"

	"blindspot/discover"
)

// atOnce is how many rows are taken from memory before the first of them is
// written: they are in no order there, and so the processor waits for several at a
// time.
const atOnce = 16

// rowWriter inserts the keys and figures of sightings of one part.
type rowWriter struct {
	w           *Writer
	c           *conn
	batch       *discover.Batch
	keys        *bulk
	plain, full *bulk // sightings of both kinds
	keyed       bool  // the keys are there already
	last        keyID // of the keys that were inserted
	looked      uint64
}

func (w *Writer) rows(c *conn, b *discover.Batch) (to *rowWriter, err error) {
	to = &rowWriter{w: w, c: c, batch: b}
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
func (to *rowWriter) each(order []row, put func(*row, *discover.Sighting) error) error {
	var some [atOnce]*discover.Sighting
	for rows := range slices.Chunk(order, atOnce) {
		for i := range rows {
			some[i] = to.batch.At(rows[i].n, &to.w.scratch.rows[i])
		}
		for i := range rows {
			to.looked += look(some[i])
		}
		for i := range rows {
			if err := put(&rows[i], some[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// look reads a byte of each part of s that lies elsewhere.
func look(s *discover.Sighting) (n uint64) {
	if len(s.Hostname) > 0 {
		n = uint64(s.Hostname[0])
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

func (to *rowWriter) putKey(r *row, s *discover.Sighting) error {
	if r.id == to.last { // which is the zero one of none
		return nil
	}
	to.last = r.id
	k, b := &s.Key, to.keys
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
	part := int64(to.batch.Part)
	to.plain.share(to.w.id, part, order[0].bucket)
	to.full.share(to.w.id, part, order[0].bucket)
	var span span
	err := to.each(order, func(r *row, s *discover.Sighting) error {
		span.add(s)
		if !to.keyed {
			if err := to.putKey(r, s); err != nil {
				return err
			}
		}
		return to.putSighting(r, s)
	})
	if err != nil {
		return err
	}
	for _, b := range [...]*bulk{to.keys, to.plain, to.full} {
		if err := b.flush(); err != nil {
			return err
		}
	}
	return span.put(to.c, to.w.id, to.batch.Part, order[0].bucket)
}

func (to *rowWriter) putSighting(r *row, s *discover.Sighting) error {
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
	to.putCommon(b, r, s, distinct, choice)
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
func (to *rowWriter) putCommon(b *bulk, r *row, s *discover.Sighting, distinct uint64, choice int64) {
	list := &to.w.scratch.list
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
	begun       bool
}

func (x *span) add(s *discover.Sighting) {
	if !x.begun || s.First.Before(x.first) {
		x.first = s.First
	}
	if !x.begun || s.Last.After(x.last) {
		x.last = s.Last
	}
	x.width, x.begun = max(x.width, s.Width), true
}

const insertBucket = `
INSERT INTO buckets (source, part, bucket, width, first_seen, last_seen) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET width = max(width, excluded.width),
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)`

func (x *span) put(c *conn, source int64, part uint32, bucket int64) error {
	return c.exec(insertBucket, source, int64(part), bucket, int64(x.width), nanos(x.first), nanos(x.last))
}
