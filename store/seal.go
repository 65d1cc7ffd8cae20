package store

import "blindspot/discover"

// seal says what of a source was folded. Rows that a writer holds are figures
// since the beginning of their part: written again after they were folded into
// a day they would count twice. So they are refused, and counted. A sensor that
// writes to an hour before MinHours have passed never meets a seal.
//
// What comes for a day of which nothing was folded is no repetition, and taken:
// where a clock that was a year ahead has sealed a year, no traffic is lost.
type seal struct {
	until int64 // buckets before
	part  int64 // hops and offers up to this part
	late  int64 // rows refused in this transaction
	days  map[int64]bool
}

// unsealed is the seal of a new source.
var unsealed = seal{until: never, part: dayPart}

// load reads the seal; found tells whether the source is there.
func (s *seal) load(c *conn, source int64) (found bool, err error) {
	*s = unsealed
	return c.one("SELECT folded_until, folded_part FROM sources WHERE id = ?", func(r *rows) { s.until, s.part = r.int(0), r.int(1) }, source)
}

const selectSealed = `
SELECT EXISTS (SELECT 1 FROM buckets WHERE source = ?1 AND part = -1 AND bucket = ?2)
  OR EXISTS (SELECT 1 FROM visibility WHERE source = ?1 AND part = -1 AND bucket = ?2)
  OR EXISTS (SELECT 1 FROM buckets WHERE source = ?1 AND part = -2 AND bucket <= ?2 AND bucket + width > ?2)
  OR EXISTS (SELECT 1 FROM visibility WHERE source = ?1 AND part = -2 AND bucket <= ?2 AND bucket + width > ?2)`

// refuses reports whether a row of a bucket comes too late.
func (s *seal) refuses(c *conn, source, bucket int64) (bool, error) {
	if bucket >= s.until || bucket < -maxBucket { // beyond is no time, which is not folded
		return false, nil
	}
	at := floorDay(bucket)
	sealed, known := s.days[at]
	if !known {
		if _, err := c.one(selectSealed, func(r *rows) { sealed = r.flag(0) }, source, at); err != nil {
			return false, err
		}
		if s.days == nil {
			s.days = make(map[int64]bool)
		}
		s.days[at] = sealed
	}
	if sealed {
		s.late++
	}
	return sealed, nil
}

// refusesPart is refuses for n rows without a bucket.
func (s *seal) refusesPart(part uint32, n int) bool {
	if n == 0 || int64(part) > s.part {
		return false
	}
	s.late += int64(n)
	return true
}

// tell keeps the number of rows that were refused.
func (s *seal) tell(c *conn, source int64) error {
	if s.late == 0 {
		return nil
	}
	n := s.late
	s.late = 0
	return c.exec("UPDATE sources SET late = late + ? WHERE id = ?", n, source)
}

// putParts writes what has no bucket.
func (w *Writer) putParts(c *conn, b *discover.Batch) error {
	if w.seal.refusesPart(b.Part, len(b.Hops)+len(b.Offers)) {
		return nil
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
	return nil
}
