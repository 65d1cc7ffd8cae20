package store

import (
	"bytes"
	"cmp"
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

// Write stores a batch in one transaction: all of it or, with an error,
// nothing. Figures replace by max what is there for the same source, part,
// bucket and key, so that writing a batch again, or an older one after it,
// changes nothing. It keeps no reference to b.
func (w *Writer) Write(b *discover.Batch) error {
	if b.Empty() {
		return nil
	}
	return w.db.write("write to source "+w.src.Name, func(c *conn) error { return w.batch(c, b) })
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
	slices.SortFunc(order, func(a, b row) int { return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.bucket, b.bucket)) })
	if err := putKeys(c, order); err != nil {
		return err
	}
	slices.SortStableFunc(order, func(a, b row) int { return cmp.Compare(a.bucket, b.bucket) })
	if err := putBuckets(c, w.id, b.Part, order); err != nil {
		return err
	}
	return w.putSightings(c, b.Part, order)
}

const (
	insertKey = `
INSERT INTO keys (id, sensor, network, name_kind, hostname, target, transport, server, chain, client_chain,
                  known, length_evidence, version, preface, outcome, alert, class)
VALUES `
	keyColumns = 17
	onKnownKey = " ON CONFLICT DO NOTHING"
)

func putKeys(c *conn, order []row) error {
	b, err := c.bulk(insertKey, keyColumns, onKnownKey)
	if err != nil {
		return err
	}
	for i := range order {
		if i > 0 && order[i].id == order[i-1].id {
			continue
		}
		if err := putKey(b, &order[i]); err != nil {
			return err
		}
	}
	return b.flush()
}

func putKey(b *bulk, r *row) error {
	k := &r.s.Key
	b.blob(r.id[:])
	b.text(k.Sensor)
	b.text(k.Network)
	b.text(k.Name.String())
	b.text(k.Hostname)
	b.text(k.Target)
	b.text(k.Transport.String())
	b.text(addrText(k.Server))
	b.blob(digest(k.Chain[:]))
	b.blob(digest(k.ClientChain[:]))
	b.text(k.Known)
	b.text(k.LengthEvidence)
	b.text(k.Version)
	b.text(k.Preface)
	b.text(string(k.Outcome))
	b.text(k.Alert)
	b.text(k.Class)
	return b.done()
}

const insertBucket = `
INSERT INTO buckets (source, part, bucket, width, first_seen, last_seen) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET width = max(width, excluded.width),
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)`

// putBuckets writes one row for each run of sightings with the same bucket.
func putBuckets(c *conn, source int64, part uint32, order []row) error {
	for from := 0; from < len(order); {
		first, last, width := nanos(order[from].s.First), nanos(order[from].s.Last), order[from].s.Width
		to := from + 1
		for ; to < len(order) && order[to].bucket == order[from].bucket; to++ {
			s := order[to].s
			first, last, width = min(first, nanos(s.First)), max(last, nanos(s.Last)), max(width, s.Width)
		}
		if err := c.exec(insertBucket, source, int64(part), order[from].bucket, int64(width), first, last); err != nil {
			return err
		}
		from = to
	}
	return nil
}

const (
	insertSighting = `
INSERT INTO sightings (source, part, bucket, key, first_seen, last_seen, handshakes, clients, client_list, client_more, client_sketch,
  ech, client_auth, key_proven, key_mismatch, ocsp_good, ocsp_bad, hello_retry, packets_lost, alpn, cipher, tls_group, forwarded)
VALUES `
	sightingColumns = 23
)

// onKnownSighting replaces by max. What is no number follows the row with more
// handshakes, which is the newer one; where they are equal the greater bytes
// win, so that the order of writing never matters.
const onKnownSighting = `
ON CONFLICT DO UPDATE SET
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),
  handshakes = max(handshakes, excluded.handshakes), clients = max(clients, excluded.clients),
  client_list = CASE WHEN excluded.handshakes > handshakes THEN excluded.client_list
    WHEN excluded.handshakes < handshakes THEN client_list ELSE max(client_list, excluded.client_list) END,
  client_more = max(client_more, excluded.client_more),
  client_sketch = CASE WHEN excluded.handshakes > handshakes THEN excluded.client_sketch
    WHEN excluded.handshakes < handshakes THEN client_sketch ELSE max(client_sketch, excluded.client_sketch) END,
  ech = max(ech, excluded.ech), client_auth = max(client_auth, excluded.client_auth),
  key_proven = max(key_proven, excluded.key_proven), key_mismatch = max(key_mismatch, excluded.key_mismatch),
  ocsp_good = max(ocsp_good, excluded.ocsp_good), ocsp_bad = max(ocsp_bad, excluded.ocsp_bad),
  hello_retry = max(hello_retry, excluded.hello_retry), packets_lost = max(packets_lost, excluded.packets_lost),
  alpn = CASE WHEN excluded.handshakes > handshakes THEN excluded.alpn
    WHEN excluded.handshakes < handshakes THEN alpn ELSE max(alpn, excluded.alpn) END,
  cipher = CASE WHEN excluded.handshakes > handshakes THEN excluded.cipher
    WHEN excluded.handshakes < handshakes THEN cipher ELSE max(cipher, excluded.cipher) END,
  tls_group = CASE WHEN excluded.handshakes > handshakes THEN excluded.tls_group
    WHEN excluded.handshakes < handshakes THEN tls_group ELSE max(tls_group, excluded.tls_group) END,
  forwarded = max(forwarded, excluded.forwarded)`

func (w *Writer) putSightings(c *conn, part uint32, order []row) error {
	b, err := c.bulk(insertSighting, sightingColumns, onKnownSighting)
	if err != nil {
		return err
	}
	w.scratch.list = w.scratch.list[:0]
	for i := range order {
		if i%bulkRows == 0 {
			w.scratch.list = w.scratch.list[:0] // the rows before were run
		}
		if err := w.putSighting(b, part, &order[i]); err != nil {
			return err
		}
	}
	return b.flush()
}

func (w *Writer) putSighting(b *bulk, part uint32, r *row) error {
	s, at := r.s, len(w.scratch.list)
	w.scratch.list = appendClients(w.scratch.list, s.Clients.Exact)
	b.int(w.id)
	b.int(int64(part))
	b.int(r.bucket)
	b.blob(r.id[:])
	b.int(nanos(s.First))
	b.int(nanos(s.Last))
	b.uint(s.Count)
	b.uint(s.Clients.Distinct())
	b.blob(w.scratch.list[at:])
	b.uint(s.Clients.More)
	b.blob(s.Clients.Sketch())
	b.uint(s.ECH)
	b.uint(s.ClientAuth)
	b.uint(s.KeyProven)
	b.uint(s.KeyMismatch)
	b.uint(s.OCSPGood)
	b.uint(s.OCSPBad)
	b.uint(s.HelloRetry)
	b.uint(s.PacketsLost)
	b.text(s.ALPN)
	b.text(s.LastCipher)
	b.text(s.LastGroup)
	b.uint(s.Forwarded)
	return b.done()
}

// notNil makes an empty blob of nil, which would be NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
