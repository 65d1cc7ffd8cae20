package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"blindspot/discover"
)

// scratch is what Write uses again and again.
type scratch struct {
	order []row
	key   []byte
	list  []byte
}

// row is a sighting with the key that it is stored under.
type row struct {
	id     keyID
	bucket int64
	s      *discover.Sighting
}

// byKey orders rows by key, then bucket.
func byKey(a, b row) int {
	if x, y := binary.BigEndian.Uint64(a.id[:]), binary.BigEndian.Uint64(b.id[:]); x != y {
		return cmp.Compare(x, y)
	}
	return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.bucket, b.bucket))
}

// Write stores a batch in one transaction: all of it or, with an error,
// nothing. Figures replace by max what is there for the same source, part,
// bucket and key, so that writing a batch again, or an older one after it,
// changes nothing. It keeps no reference to b.
func (w *Writer) Write(b *discover.Batch) error {
	if b.Empty() {
		return nil
	}
	err := w.db.write("write to source "+w.src.Name, func(c *conn) error { return w.batch(c, b) })
	if err != nil {
		return err
	}
	return w.db.settled()
}

func (w *Writer) batch(c *conn, b *discover.Batch) error {
	there, err := c.one("SELECT 1 FROM sources WHERE id = ?", func(*rows) {}, w.id)
	if err == nil && !there {
		err = errSuperseded
	}
	if err != nil {
		return err
	}
	for _, cert := range b.Certificates {
		if err := putCertificate(c, cert); err != nil {
			return err
		}
	}
	for i := range b.Chains {
		if err := putChain(c, &b.Chains[i]); err != nil {
			return err
		}
	}
	for i := range b.Hops {
		if err := putHop(c, w.id, b.Part, &b.Hops[i]); err != nil {
			return err
		}
	}
	for _, o := range b.Offers {
		if err := putOffer(c, w.id, b.Part, o); err != nil {
			return err
		}
	}
	for i := range b.Visibility {
		if err := putInterval(c, w.id, b.Part, &b.Visibility[i]); err != nil {
			return err
		}
	}
	return w.sightings(c, b)
}

// sightings writes keys, buckets and figures, each in the order of its primary
// key: a B-tree that grows at one place touches each page once.
func (w *Writer) sightings(c *conn, b *discover.Batch) error {
	order := w.scratch.order[:0]
	for _, s := range b.Sightings {
		var id keyID
		id, w.scratch.key = idOf(&s.Key, w.scratch.key)
		order = append(order, row{id, nanos(s.Bucket), s})
	}
	w.scratch.order = order
	defer clear(order) // the sightings are the caller's
	slices.SortFunc(order, byKey)
	if err := w.putKeys(c, order); err != nil {
		return err
	}
	sameBucket := func(a, b row) int { return cmp.Compare(a.bucket, b.bucket) }
	if !slices.IsSortedFunc(order, sameBucket) {
		slices.SortStableFunc(order, sameBucket)
	}
	return w.putSightings(c, b.Part, order)
}

const (
	insertKey  = "INSERT INTO keys (id, hostname, target, server, chain, client_chain, profile) VALUES "
	keyRow     = "(?, ?, ?, ?, ?, ?, ?)"
	onKnownKey = " ON CONFLICT DO NOTHING"
)

func (w *Writer) putKeys(c *conn, order []row) error {
	b, err := c.bulk(insertKey, 0, keyRow, onKnownKey)
	if err != nil {
		return err
	}
	defer b.close()
	for i := range order {
		if i > 0 && order[i].id == order[i-1].id {
			continue
		}
		if err := w.putKey(c, b, &order[i]); err != nil {
			return err
		}
	}
	return b.flush()
}

func (w *Writer) putKey(c *conn, b *bulk, r *row) error {
	k := &r.s.Key
	profile, err := w.db.profiles.of(c, profileOf(k))
	if err != nil {
		return err
	}
	b.blob(r.id[:])
	b.text(k.Hostname)
	b.text(k.Target)
	b.text(addrText(k.Server))
	b.blob(digest(k.Chain[:]))
	b.blob(digest(k.ClientChain[:]))
	b.int(profile)
	return b.done()
}

const insertBucket = `
INSERT INTO buckets (source, part, bucket, width, first_seen, last_seen) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET width = max(width, excluded.width),
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)`

// putBucket writes the row of the bucket that all of order are in.
func putBucket(c *conn, source int64, part uint32, order []row) error {
	first, last, width := order[0].s.First, order[0].s.Last, order[0].s.Width
	for i := range order {
		s := order[i].s
		if s.First.Before(first) {
			first = s.First
		}
		if s.Last.After(last) {
			last = s.Last
		}
		width = max(width, s.Width)
	}
	return c.exec(insertBucket, source, int64(part), order[0].bucket, int64(width), nanos(first), nanos(last))
}

const (
	insertSighting = `
INSERT INTO sightings (source, part, bucket, key, first_seen, last_seen, handshakes, clients, client_list, ech, key_proven, ocsp_good, choice,
  forwarded, client_more, client_sketch, client_auth, key_mismatch, ocsp_bad, hello_retry, packets_lost)
VALUES `
	sightingShared = 3 // source, part, bucket
	// Most rows are plain: they have nothing of what few have, and its zeros
	// are not handed over.
	plainRow = "(?1, ?2, ?3, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, X'', 0, 0, 0, 0, 0)"
	fullRow  = "(?1, ?2, ?3, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

// onKnownSighting replaces by max. What is no number follows the row with more
// handshakes, which is the newer one; where they are equal the greater bytes
// win, so that the order of writing never matters.
const onKnownSighting = `
ON CONFLICT DO UPDATE SET
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),
  handshakes = max(handshakes, excluded.handshakes), forwarded = max(forwarded, excluded.forwarded),
  clients = max(clients, excluded.clients),
  client_list = CASE WHEN excluded.handshakes > handshakes THEN excluded.client_list
    WHEN excluded.handshakes < handshakes THEN client_list ELSE max(client_list, excluded.client_list) END,
  client_more = max(client_more, excluded.client_more),
  client_sketch = CASE WHEN excluded.handshakes > handshakes THEN excluded.client_sketch
    WHEN excluded.handshakes < handshakes THEN client_sketch ELSE max(client_sketch, excluded.client_sketch) END,
  ech = max(ech, excluded.ech), client_auth = max(client_auth, excluded.client_auth),
  key_proven = max(key_proven, excluded.key_proven), key_mismatch = max(key_mismatch, excluded.key_mismatch),
  ocsp_good = max(ocsp_good, excluded.ocsp_good), ocsp_bad = max(ocsp_bad, excluded.ocsp_bad),
  hello_retry = max(hello_retry, excluded.hello_retry), packets_lost = max(packets_lost, excluded.packets_lost),
  choice = CASE WHEN excluded.handshakes > handshakes THEN excluded.choice
    WHEN excluded.handshakes < handshakes OR choice = excluded.choice THEN choice
    ELSE (SELECT id FROM choices WHERE id IN (choice, excluded.choice) ORDER BY alpn DESC, cipher DESC, tls_group DESC LIMIT 1) END`

// sightingRows inserts sightings of both kinds.
type sightingRows struct{ plain, full *bulk }

// putSightings writes a run of rows for each bucket.
func (w *Writer) putSightings(c *conn, part uint32, order []row) (err error) {
	var to sightingRows
	if to.plain, err = c.bulk(insertSighting, sightingShared, plainRow, onKnownSighting); err != nil {
		return err
	}
	defer to.plain.close()
	if to.full, err = c.bulk(insertSighting, sightingShared, fullRow, onKnownSighting); err != nil {
		return err
	}
	defer to.full.close()
	for len(order) > 0 {
		n := 1
		for n < len(order) && order[n].bucket == order[0].bucket {
			n++
		}
		if err := w.putRun(c, &to, part, order[:n]); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

// putRun writes rows of one bucket.
func (w *Writer) putRun(c *conn, to *sightingRows, part uint32, order []row) error {
	if err := putBucket(c, w.id, part, order); err != nil {
		return err
	}
	to.plain.share(w.id, int64(part), order[0].bucket)
	to.full.share(w.id, int64(part), order[0].bucket)
	for i := range order {
		if err := w.putSighting(c, to, &order[i]); err != nil {
			return err
		}
	}
	if err := to.plain.flush(); err != nil {
		return err
	}
	return to.full.flush()
}

func (w *Writer) putSighting(c *conn, to *sightingRows, r *row) error {
	s := r.s
	choice, err := w.db.choices.of(c, choice{s.ALPN, s.LastCipher, s.LastGroup})
	if err != nil {
		return err
	}
	distinct, sketch := s.Clients.Distinct(), s.Clients.Sketch() // in this order: the count puts the sketch in order
	rare := s.Forwarded | s.Clients.More | s.ClientAuth | s.KeyMismatch | s.OCSPBad | s.HelloRetry | s.PacketsLost
	b := to.plain
	if rare != 0 || len(sketch) > 0 {
		b = to.full
	}
	w.putCommon(b, r, distinct, choice)
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
func (w *Writer) putCommon(b *bulk, r *row, distinct uint64, choice int64) {
	s := r.s
	w.scratch.list = appendClients(w.scratch.list[:0], s.Clients.Exact)
	b.blob(r.id[:])
	b.int(nanos(s.First))
	if s.Last.Equal(s.First) {
		b.again()
	} else {
		b.int(nanos(s.Last))
	}
	b.uint(s.Count)
	b.uint(distinct)
	b.blob(w.scratch.list)
	b.uint(s.ECH)
	b.uint(s.KeyProven)
	b.uint(s.OCSPGood)
	b.int(choice)
}

// notNil makes an empty blob of nil, which would be NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
