package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"slices"

	"blindspot/discover"
)

// scratch is what Write uses again and again.
type scratch struct {
	order []row
	key   []byte
	list  []byte
	rows  [atOnce]discover.Sighting
}

// row is a sighting of a batch by its number, with the key that it is stored
// under.
type row struct {
	id     keyID
	bucket int64
	n      int
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
	return w.WriteAll(func(yield func(*discover.Batch) bool) { yield(b) })
}

// WriteAll is Write for several batches, in one transaction that lasts until
// there are no more: other writers of the store wait that long.
func (w *Writer) WriteAll(batches iter.Seq[*discover.Batch]) error {
	err := w.db.transact("write to source "+w.src.Name, (*conn).transactRows, func(c *conn) error {
		if err := w.there(c); err != nil {
			return err
		}
		for b := range batches {
			if err := w.batch(c, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.db.settled()
}

// there makes sure that the source has not been removed.
func (w *Writer) there(c *conn) error {
	there, err := w.seal.load(c, w.id)
	if err == nil && !there {
		err = errSuperseded
	}
	return err
}

func (w *Writer) batch(c *conn, b *discover.Batch) error {
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
	if err := w.putParts(c, b); err != nil {
		return err
	}
	for i := range b.Visibility {
		late, err := w.seal.refuses(c, w.id, nanos(b.Visibility[i].Bucket))
		if err != nil {
			return err
		}
		if late {
			continue
		}
		if err := putInterval(c, w.id, b.Part, &b.Visibility[i]); err != nil {
			return err
		}
	}
	if err := w.sightings(c, b); err != nil {
		return err
	}
	return w.seal.tell(c, w.id)
}

// sightings writes keys, buckets and figures, each in the order of its primary
// key: a B-tree that grows at one place touches each page once. Where all are in
// one bucket the orders are the same, and one walk does.
func (w *Writer) sightings(c *conn, b *discover.Batch) error {
	order := w.scratch.order[:0]
	for i := range b.Len() {
		s := b.At(i, &w.scratch.rows[0])
		bucket := nanos(s.Bucket)
		late, err := w.seal.refuses(c, w.id, bucket)
		if err != nil {
			return err
		}
		if late {
			continue
		}
		var id keyID
		id, w.scratch.key = idOf(&s.Key, w.scratch.key)
		order = append(order, row{id, bucket, i})
	}
	w.scratch.order = order
	defer clear(w.scratch.rows[:]) // the sightings are the caller's
	slices.SortFunc(order, byKey)
	return w.put(c, b, order)
}

// put writes rows in the order of their keys.
func (w *Writer) put(c *conn, b *discover.Batch, order []row) error {
	if len(order) == 0 {
		return nil
	}
	to, err := w.rows(c, b)
	if err != nil {
		return err
	}
	defer to.close()
	sameBucket := func(a, b row) int { return cmp.Compare(a.bucket, b.bucket) }
	if !slices.IsSortedFunc(order, sameBucket) {
		if err := to.putKeys(order); err != nil {
			return err
		}
		slices.SortStableFunc(order, sameBucket)
	}
	return to.putBuckets(order)
}

const (
	insertKey  = "INSERT INTO keys (id, hostname, target, server, chain, client_chain, profile) VALUES "
	keyRow     = "(?, ?, ?, ?, ?, ?, ?)"
	onKnownKey = " ON CONFLICT DO NOTHING"
)

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

// notNil makes an empty blob of nil, which would be NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
