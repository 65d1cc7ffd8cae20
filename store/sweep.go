package store

import (
	"slices"

	"blindspot/discover"
)

const (
	// maxSwept bounds the keys that one sweep removes; the next finds others.
	maxSwept = 1 << 20
	// sweepKeys is how many keys one transaction removes, at most: each is
	// looked for in every bucket that is open.
	sweepKeys = 200
)

// Swept is what nothing refers to any more, and was removed.
type Swept struct {
	Keys, Chains, Certificates uint64
	// Kept says that chains and certificates were left alone, because a sensor
	// may be writing: it stores each once, and would not do so again.
	Kept bool
}

// sweep removes keys without sightings, and where nobody writes, chains and
// certificates without keys.
func (r *retention) sweep() (out Swept, err error) {
	keys, open, err := r.unusedKeys()
	if err != nil {
		return out, err
	}
	for chunk := range slices.Chunk(keys, sweepKeys) {
		var n uint64
		err := r.transaction(func(c *conn) (err error) { n, err = dropKeys(c, chunk, open); return err })
		if err != nil {
			return out, err
		}
		out.Keys += n
	}
	if out.Kept, err = r.beingRead(); err != nil || out.Kept {
		return out, err
	}
	err = r.repeat(func(c *conn) (int, error) {
		n, err := dropped(c, `DELETE FROM chains WHERE id IN (SELECT id FROM chains EXCEPT SELECT chain FROM keys EXCEPT SELECT client_chain FROM keys LIMIT ?) RETURNING 1`, int64(foldRows))
		out.Chains += uint64(n)
		return n, err
	})
	if err != nil {
		return out, err
	}
	return out, r.sweepCertificates(&out)
}

// writable are the sources whose buckets may get rows while a sweep is made:
// those being read, and the ones after the last.
type writable struct {
	last    int64
	reading []int64
}

// unusedKeys finds the keys of no sighting, and what may have got some since.
func (r *retention) unusedKeys() (keys []keyID, open writable, err error) {
	err = r.db.read("look for keys without sightings", func(c *conn) error {
		if err := c.script("BEGIN"); err != nil { // both from the same state
			return err
		}
		defer func() { _ = c.script("ROLLBACK") }()
		err := c.each("SELECT id, (state = 'reading' AND origin = X'') OR unlisted FROM sources ORDER BY id", func(row *rows) error {
			if open.last = row.int(0); row.flag(1) {
				open.reading = append(open.reading, open.last)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return c.each("SELECT id FROM keys EXCEPT SELECT key FROM sightings LIMIT ?", func(row *rows) error {
			keys = append(keys, keyID(row.blob(0)))
			return nil
		}, int64(maxSwept))
	})
	return keys, open, err
}

// dropKeys removes keys that no row was written for meanwhile. Whoever writes a
// sighting writes its key in the same transaction.
func dropKeys(c *conn, keys []keyID, open writable) (n uint64, err error) {
	type place struct{ source, part, bucket int64 }
	var places []place
	err = c.each("SELECT b.source, b.part, b.bucket, b.source > ? FROM sources AS s CROSS JOIN buckets AS b ON b.source = s.id WHERE b.part >= 0 OR s.origin <> X''", func(r *rows) error {
		if p := (place{r.int(0), r.int(1), r.int(2)}); r.flag(3) || slices.Contains(open.reading, p.source) {
			places = append(places, p)
		}
		return nil
	}, open.last)
	for i := 0; err == nil && i < len(keys); i++ {
		used := false
		for j := 0; err == nil && !used && j < len(places); j++ {
			used, err = c.one("SELECT 1 FROM sightings WHERE source = ? AND part = ? AND bucket = ? AND key = ?", func(*rows) {},
				places[j].source, places[j].part, places[j].bucket, keys[i][:])
		}
		if err == nil && !used {
			n++
			err = c.exec("DELETE FROM keys WHERE id = ?", keys[i][:])
		}
	}
	return n, err
}

// beingRead reports whether somebody may be writing to a source of this store.
func (r *retention) beingRead() (is bool, err error) {
	err = r.db.read("read sources", func(c *conn) error {
		is, err = c.one("SELECT 1 FROM sources WHERE state = 'reading' AND origin = X'' AND started >= ? OR unlisted", func(*rows) {}, nanos(r.now.Add(-staleAfter)))
		return err
	})
	return is, err
}

func dropped(c *conn, text string, limit int64) (n int, err error) {
	return n, c.each(text, func(*rows) error { n++; return nil }, limit)
}

// sweepCertificates removes certificates of no chain.
func (r *retention) sweepCertificates(out *Swept) error {
	used := make(map[discover.Fingerprint]struct{})
	var ids []int64
	err := r.db.read("look for certificates without chains", func(c *conn) error {
		err := c.each("SELECT certificates FROM chains", func(row *rows) error {
			for b := row.blob(0); len(b) >= 32; b = b[32:] {
				used[discover.Fingerprint(b[:32])] = struct{}{}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return c.each("SELECT id, sha256 FROM certificates", func(row *rows) error {
			if _, ok := used[discover.Fingerprint(row.blob(1))]; !ok {
				ids = append(ids, row.int(0))
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(ids, foldRows) {
		if err := r.transaction(func(c *conn) error {
			for _, id := range chunk {
				if err := c.exec("DELETE FROM certificates WHERE id = ?", id); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		out.Certificates += uint64(len(chunk))
	}
	return nil
}
