package store

import (
	"database/sql/driver"
	"errors"
	"math"
	"slices"

	"blindspot/discover"
)

const (
	// foldIntervals is how many intervals one transaction folds.
	foldIntervals = 200
	// maxFoldedNotes bounds the notes of an interval that is a sum.
	maxFoldedNotes = 100
)

// LostRetention is the key of discover.Visibility.Lost that counts handshakes
// (and sessions in the clear) whose rows were dropped, by retention or for a
// bound on the store's size.
const LostRetention = "retention"

const moreNotes = "further notes were left out when hours were folded"

// intervals folds what a source saw and could not see.
func (r *retention) intervals(s *foldable, list []task) error {
	for chunk := range slices.Chunk(list, foldIntervals) {
		err := r.transaction(func(c *conn) error {
			for i := range chunk {
				if err := moveInterval(c, s.id, &chunk[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func moveInterval(c *conn, source int64, t *task) error {
	v, found, err := intervalAt(c, source, t.part, t.bucket)
	if err != nil || !found {
		return err
	}
	if err := addInterval(c, source, t.toPart, t.toBucket, t.toWidth, &v.Visibility); err != nil {
		return err
	}
	return c.exec("DELETE FROM visibility WHERE source = ? AND part = ? AND bucket = ?", source, t.part, t.bucket)
}

func intervalAt(c *conn, source, part, bucket int64) (v discover.Interval, found bool, err error) {
	var bad error
	found, err = c.one("SELECT "+visibilityColumns+" FROM visibility WHERE source = ? AND part = ? AND bucket = ?",
		func(r *rows) { v, bad = intervalOf(r) }, source, part, bucket)
	return v, found, errors.Join(err, bad)
}

// addInterval adds v to the sum that an interval is.
func addInterval(c *conn, source, part, bucket, width int64, v *discover.Visibility) error {
	sum, _, err := intervalAt(c, source, part, bucket)
	if err != nil {
		return err
	}
	sum.Add(v)
	if len(sum.Notes) > maxFoldedNotes {
		sum.Notes = append(sum.Notes[:maxFoldedNotes-1], moreNotes)
	}
	return c.exec(`INSERT OR REPLACE INTO visibility (source, part, bucket, width, packets, bytes, kernel_drops, handshakes, hidden, lost, notes, kinds)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, source, part, bucket, max(width, int64(sum.Width)),
		count(sum.Packets), count(sum.Bytes), count(sum.KernelDrops), count(sum.Handshakes), counts(sum.Hidden), counts(sum.Lost), notes(sum.Notes), counts(sum.Kinds))
}

// addLost counts what was dropped, in the interval of the source's rest.
func addLost(c *conn, source, rest int64, n uint64) error {
	if n == 0 {
		return nil
	}
	v := discover.Visibility{Lost: map[string]uint64{LostRetention: n}}
	return addInterval(c, source, restPart, rest, day, &v)
}

// partRows folds hops and offers, which have no buckets. Of the parts that are
// closed, rows that were last seen before the hours are added up, and those
// last seen before the days are dropped.
func (r *retention) partRows(s *foldable, c cuts, rest int64) error {
	closed, err := r.closeParts(s, c)
	if err != nil || closed < dayPart {
		return err
	}
	if c.days != never {
		if err := r.repeat(func(db *conn) (int, error) { return dropHops(db, s.id, closed, c.days) }); err != nil {
			return err
		}
		if err := r.repeat(func(db *conn) (int, error) { return r.dropOffers(db, s.id, closed, c.days, rest) }); err != nil {
			return err
		}
	}
	if c.hours == never || closed <= 0 {
		return nil // one part alone is its own sum
	}
	if err := r.repeat(func(db *conn) (int, error) { return joinHops(db, s.id, closed, c.hours) }); err != nil {
		return err
	}
	return r.repeat(func(db *conn) (int, error) { return joinOffers(db, s, closed, c.hours) })
}

// closeParts seals the parts that nobody writes to any more, and returns the
// last of them; less than dayPart where there is nothing to do.
func (r *retention) closeParts(s *foldable, c cuts) (closed int64, err error) {
	closed = s.closedPart(r.now)
	cut := max(c.hours, c.days)
	if cut == never {
		return dayPart - 1, nil
	}
	old := false
	err = r.db.read("read hops and offers", func(db *conn) error {
		_, err := db.one(`SELECT EXISTS (SELECT 1 FROM hops WHERE source = ?1 AND part <= ?2 AND last_seen < ?3)
  OR EXISTS (SELECT 1 FROM offers WHERE source = ?1 AND part <= ?2 AND last_seen < ?3)`, func(row *rows) { old = row.flag(0) }, s.id, closed, cut)
		return err
	})
	if err != nil || !old {
		return dayPart - 1, err
	}
	if closed > s.foldedPart && s.reading {
		err = r.transaction(func(db *conn) error {
			return db.exec("UPDATE sources SET folded_part = ? WHERE id = ?", closed, s.id)
		})
	}
	return closed, err
}

// repeat runs transactions until one handled less than it may.
func (r *retention) repeat(f func(*conn) (int, error)) error {
	for n := foldRows; n == foldRows; {
		err := r.transaction(func(c *conn) (err error) { n, err = f(c); return err })
		if err != nil {
			return err
		}
	}
	return nil
}

func dropHops(c *conn, source, closed, before int64) (n int, err error) {
	return n, c.each(`
DELETE FROM hops WHERE source = ?1 AND (part, network, server, behind) IN (
  SELECT part, network, server, behind FROM hops WHERE source = ?1 AND part <= ?2 AND last_seen < ?3 LIMIT ?4) RETURNING 1`,
		func(*rows) error { n++; return nil }, source, closed, before, int64(foldRows))
}

func (r *retention) dropOffers(c *conn, source, closed, before, rest int64) (n int, err error) {
	var sessions uint64
	err = c.each(`
DELETE FROM offers WHERE source = ?1 AND (part, network, server, target, preface, state, class) IN (
  SELECT part, network, server, target, preface, state, class FROM offers WHERE source = ?1 AND part <= ?2 AND last_seen < ?3 LIMIT ?4) RETURNING sessions`,
		func(row *rows) error { n++; sessions += row.uint(0); return nil }, source, closed, before, int64(foldRows))
	if err != nil {
		return n, err
	}
	if rest == math.MaxInt64 { // no bucket of the source was ever folded
		rest = floorDay(before) - day
	}
	r.out.Sessions += sessions
	return n, addLost(c, source, rest, sessions)
}

// joinHops adds hops of closed parts to those of dayPart.
func joinHops(c *conn, source, closed, before int64) (n int, err error) {
	type hop struct {
		part                    int64
		network, server, behind string
		first, last, handshakes int64
	}
	var list []hop
	err = c.each(`SELECT part, network, server, behind, first_seen, last_seen, handshakes FROM hops
WHERE source = ? AND part BETWEEN 0 AND ? AND last_seen < ? LIMIT ?`, func(r *rows) error {
		list = append(list, hop{r.int(0), r.text(1), r.text(2), r.text(3), r.int(4), r.int(5), r.int(6)})
		return nil
	}, source, closed, before, int64(foldRows))
	for i := 0; err == nil && i < len(list); i++ {
		h := &list[i]
		err = c.exec(`
INSERT INTO hops (source, part, network, server, behind, first_seen, last_seen, handshakes) VALUES (?, -1, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),
  handshakes = handshakes + excluded.handshakes`, source, h.network, h.server, h.behind, h.first, h.last, h.handshakes)
		if err == nil {
			err = c.exec("DELETE FROM hops WHERE source = ? AND part = ? AND network = ? AND server = ? AND behind = ?", source, h.part, h.network, h.server, h.behind)
		}
	}
	return len(list), err
}

// joinOffers adds offers of closed parts to those of dayPart.
func joinOffers(c *conn, s *foldable, closed, before int64) (n int, err error) {
	type partOffer struct {
		part int64
		*discover.OfferCount
	}
	var list []partOffer
	err = c.each("SELECT "+offerColumns+`, part FROM offers AS b
WHERE source = ? AND part BETWEEN 0 AND ? AND last_seen < ? LIMIT ?`, func(r *rows) error {
		o, err := offerOf(r)
		list = append(list, partOffer{r.int(12), o})
		return err
	}, s.id, closed, before, int64(foldRows))
	for i := 0; err == nil && i < len(list); i++ {
		err = joinOffer(c, s, list[i].part, list[i].OfferCount)
	}
	return len(list), err
}

const whereOffer = " WHERE source = ? AND part = ? AND network = ? AND server = ? AND target = ? AND preface = ? AND state = ? AND class = ?"

func joinOffer(c *conn, s *foldable, part int64, o *discover.OfferCount) error {
	key := []driver.Value{s.id, int64(dayPart), o.Network, addrText(o.Server), o.Target, o.Preface, o.State, o.Class}
	sum := o
	var bad error
	found, err := c.one("SELECT "+offerColumns+" FROM offers AS b"+whereOffer, func(r *rows) { sum, bad = offerOf(r) }, key...)
	if err = errors.Join(err, bad); err != nil {
		return err
	}
	if found {
		foldOffer(sum, o, s.key)
	}
	sum.Clients.Sort()
	if err := c.exec("DELETE FROM offers"+whereOffer, key...); err != nil {
		return err
	}
	if err := insertOfferRow(c, s.id, dayPart, sum); err != nil {
		return err
	}
	key[1] = part
	return c.exec("DELETE FROM offers"+whereOffer, key...)
}

const offerColumns = "b.network, b.server, b.target, b.preface, b.state, b.class, b.first_seen, b.last_seen, b.sessions, b.client_list, b.client_more, b.client_sketch"

// insertOfferRow writes an offer under any part.
func insertOfferRow(c *conn, source, part int64, o *discover.OfferCount) error {
	return c.exec(insertOffer, source, part, o.Network, addrText(o.Server), o.Target, o.Preface, o.State, o.Class,
		nanos(o.First), nanos(o.Last), count(o.Count), count(o.Clients.Distinct()),
		notNil(appendClients(nil, o.Clients.Exact)), count(o.Clients.More), notNil(o.Clients.Sketch()))
}
