package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"blindspot/discover"
)

// Parts of a source beyond those that a sensor numbers. A row of theirs is the
// sum of rows that were closed; only folding writes it, each row once.
const (
	dayPart  = -1 // days, of the hours of all parts
	restPart = -2 // one row of each key, of all days before
)

const day = int64(24 * time.Hour)

const (
	// foldRows is how many rows one transaction of Fold moves, at most: about
	// 15 ms for which other writers wait.
	foldRows = 1000
	// maxFoldPause bounds the pause after a transaction, which is as long as
	// the transaction was: writers of other processes only look now and then
	// whether it is their turn.
	maxFoldPause = 50 * time.Millisecond
	// staleAfter is when a source that says it is being read is taken for one
	// that a killed process left behind.
	staleAfter = 30 * 24 * time.Hour
	// maxBucket bounds buckets that fold, either way: beyond are rows without
	// a time, and clocks that are broken.
	maxBucket = 1 << 62
)

// MinHours is the least time for which hours are kept: what a sensor holds of
// an hour must have been written before the hour is folded.
const MinHours = 2 * time.Hour

// Policy is how long a store keeps what. The zero value keeps everything.
type Policy struct {
	// Hours is how long sightings are kept by the hour, 0 for ever. Then the
	// hours of a day become one row of each key.
	Hours time.Duration
	// Days is how long sightings are kept by the day, 0 for ever. Then the
	// names and certificates in use stay, in one row of each key for all the
	// time before. What was only asked for is dropped, and counted.
	Days time.Duration
}

// Validate says what is wrong with a policy.
func (p Policy) Validate() error {
	switch {
	case p.Hours < 0 || p.Days < 0:
		return errors.New("a time to keep must not be negative")
	case p.Hours > 0 && p.Hours < MinHours:
		return fmt.Errorf("hours must be kept for %v at least: a sensor may still write to them", MinHours)
	case p.Days > 0 && p.Days < 24*time.Hour:
		return errors.New("days must be kept for one day at least")
	case p.Days > 0 && p.Hours > p.Days:
		return fmt.Errorf("hours are kept for %v and days only for %v: keep days longer than hours", p.Hours, p.Days)
	}
	return nil
}

// Folded is what Fold has done.
type Folded struct {
	Rows         uint64 // sightings that were folded into others, or moved
	Dropped      uint64 // handshakes whose sightings were dropped: only asked for, or without name and certificate
	Sessions     uint64 // sessions of offers that were dropped
	Transactions uint64
	Until        time.Time // hours before this were folded
}

// Fold applies a policy: hours to days, days to one row of each key. Whole days
// fold, in UTC, once their last hour is old enough. Every figure that reports
// add up stays what it was, but for what is dropped, which is counted under
// "retention" in what the sensor lost.
//
// It may run beside sensors that write, in this process or another: each of its
// transactions moves a bounded number of rows, and between two of them it
// pauses for as long as the last one took. Broken off at any time, it leaves
// sums as they were, and goes on with the next call.
func (db *DB) Fold(ctx context.Context, p Policy, now time.Time) (Folded, error) {
	if err := p.Validate(); err != nil {
		return Folded{}, fmt.Errorf("retention: %w", err)
	}
	r := &retention{db: db, ctx: ctx, now: now, enough: func() (bool, error) { return false, nil }}
	err := r.run(p.cuts(now))
	return r.out, err
}

// cuts are the ends of the days that fold.
type cuts struct {
	hours int64         // hours before this become days
	days  int64         // days before this are folded into the rest
	lag   time.Duration // a source without a clock of its own stays that far behind its newest traffic
}

// never is a cut before all times.
const never = math.MinInt64

func (p Policy) cuts(now time.Time) cuts {
	c := cuts{hours: never, days: never, lag: p.Hours}
	if p.Hours > 0 {
		c.hours = floorDay(nanos(now.Add(-p.Hours)))
	}
	if p.Days > 0 {
		c.days = floorDay(nanos(now.Add(-p.Days)))
	}
	if c.lag == 0 {
		c.lag = p.Days
	}
	return c
}

// floorDay is the beginning of the day, in UTC, of a time between the bounds.
func floorDay(t int64) int64 {
	t = min(max(t, -maxBucket), maxBucket)
	r := t % day
	if r < 0 {
		r += day
	}
	return t - r
}

// retention is one run of folding.
type retention struct {
	db     *DB
	ctx    context.Context
	now    time.Time
	out    Folded
	enough func() (bool, error) // asked between buckets; true ends the run
}

// errEnough ends a run whose end is reached.
var errEnough = errors.New("enough")

func (r *retention) run(c cuts) error {
	list, err := r.sources()
	for i := 0; err == nil && i < len(list); i++ {
		err = r.source(&list[i], c)
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return err
}

// foldable is a source with what folding has to know of it.
type foldable struct {
	id         int64
	kind       string
	reading    bool // somebody of this store may be writing to it
	run        bool
	started    int64
	newest     int64 // of its traffic
	lastPart   int64
	foldedPart int64
	key        discover.SketchKey // of its sketches
}

const selectFoldable = `
SELECT id, kind, state = 'reading' AND origin = X'', run, started, origin, folded_part,
  coalesce((SELECT max(last_seen) FROM buckets WHERE source = s.id), -9223372036854775807 - 1),
  max(coalesce((SELECT max(part) FROM buckets WHERE source = s.id), -1),
    coalesce((SELECT max(part) FROM hops WHERE source = s.id), -1), coalesce((SELECT max(part) FROM offers WHERE source = s.id), -1))
FROM sources AS s WHERE unlisted = 0 ORDER BY id`

func (r *retention) sources() (list []foldable, err error) {
	err = r.db.read("read sources", func(c *conn) error {
		return c.each(selectFoldable, func(row *rows) error {
			s := foldable{id: row.int(0), kind: row.text(1), reading: row.flag(2), run: row.flag(3), started: row.int(4),
				foldedPart: row.int(6), newest: row.int(7), lastPart: row.int(8), key: r.db.sketch}
			if origin := row.blob(5); len(origin) == len(s.key) {
				copy(s.key[:], origin)
			}
			list = append(list, s)
			return nil
		})
	})
	return list, err
}

// bound is the cut that a source allows. A live sensor's clock is that of
// packets now. A file that is being read may hold any time until its end. A
// pipe, or a look of our own, moves on with its own time.
func (s *foldable) bound(cut int64, lag time.Duration, now time.Time) int64 {
	switch {
	case !s.reading, s.kind == "live", s.started < nanos(now.Add(-staleAfter)):
		return cut
	case !s.run, s.newest == noTime:
		return never
	}
	return min(cut, floorDay(max(s.newest, -maxBucket)-int64(lag)))
}

// closedPart is the last part that nobody writes to any more.
func (s *foldable) closedPart(now time.Time) int64 {
	if !s.reading || s.started < nanos(now.Add(-staleAfter)) {
		return s.lastPart
	}
	return s.lastPart - 1
}

func (r *retention) source(s *foldable, c cuts) error {
	c.hours, c.days = s.bound(c.hours, c.lag, r.now), s.bound(c.days, c.lag, r.now)
	buckets, err := r.tasks("buckets", s.id, c)
	if err != nil {
		return err
	}
	intervals, err := r.tasks("visibility", s.id, c)
	if err != nil {
		return err
	}
	if len(buckets)+len(intervals) > 0 {
		if err := r.seal(s, max(c.hours, c.days)); err != nil {
			return err
		}
	}
	rest, err := r.restBucket(s.id, buckets, intervals)
	if err != nil {
		return err
	}
	for _, list := range [][]task{buckets, intervals} {
		for i := range list {
			list[i].aim(rest)
		}
	}
	if err := r.buckets(s, buckets, rest); err != nil {
		return err
	}
	if err := r.intervals(s, intervals); err != nil {
		return err
	}
	return r.partRows(s, c, rest)
}

// seal lets the source's writer refuse what is folded from now on: a flush that
// is repeated would count it again.
func (r *retention) seal(s *foldable, until int64) error {
	if t := timeOf(until); t.After(r.out.Until) {
		r.out.Until = t
	}
	return r.transaction(func(c *conn) error {
		return c.exec("UPDATE sources SET folded_until = max(folded_until, ?) WHERE id = ?", until, s.id)
	})
}

// task is a bucket or interval to be folded, and into which.
type task struct {
	part, bucket, width int64
	expire              bool // into the rest
	toPart, toBucket    int64
	toWidth             int64
}

// tasks lists what folds, the oldest first.
func (r *retention) tasks(table string, source int64, c cuts) (list []task, err error) {
	text := "SELECT part, bucket, width, bucket + width <= ?3 FROM " + table + ` WHERE source = ?1 AND bucket BETWEEN -(1 << 62) AND 1 << 62
  AND (part >= 0 AND bucket + width <= ?2 OR part >= -1 AND bucket + width <= ?3) ORDER BY bucket, part`
	err = r.db.read("read "+table, func(db *conn) error {
		return db.each(text, func(row *rows) error {
			list = append(list, task{part: row.int(0), bucket: row.int(1), width: row.int(2), expire: row.flag(3)})
			return nil
		}, source, c.hours, c.days)
	})
	return list, err
}

// restBucket is the bucket of a source's rest: it begins where its oldest
// traffic did when its first day was folded into it.
func (r *retention) restBucket(source int64, tasks ...[]task) (bucket int64, err error) {
	bucket = math.MaxInt64
	for _, list := range tasks {
		if len(list) > 0 {
			bucket = min(bucket, floorDay(list[0].bucket))
		}
	}
	err = r.db.read("read buckets", func(c *conn) error {
		_, err := c.one(`SELECT bucket FROM buckets WHERE source = ?1 AND part = -2
UNION ALL SELECT bucket FROM visibility WHERE source = ?1 AND part = -2 LIMIT 1`, func(row *rows) { bucket = row.int(0) }, source)
		return err
	})
	return bucket, err
}

// aim sets where a task goes.
func (t *task) aim(rest int64) {
	if t.expire {
		t.toPart, t.toBucket, t.toWidth = restPart, rest, max(day, t.bucket+t.width-rest)
		return
	}
	t.toPart, t.toBucket, t.toWidth = dayPart, floorDay(t.bucket), day
}

// buckets folds sightings, of as many buckets in a transaction as have few.
func (r *retention) buckets(s *foldable, list []task, rest int64) error {
	for len(list) > 0 {
		if enough, err := r.enough(); err != nil || enough {
			return errors.Join(err, errEnough)
		}
		done := 0
		err := r.transaction(func(c *conn) (err error) {
			m := mover{c: c, source: s.id, key: s.key}
			if done, err = m.several(list, foldRows); err != nil {
				return err
			}
			r.out.Rows += m.moved
			r.out.Dropped += m.dropped
			return addLost(c, s.id, rest, m.dropped)
		})
		if err != nil {
			return err
		}
		list = list[done:]
	}
	return nil
}

// transaction runs f in a transaction of its own, and leaves others their turn.
func (r *retention) transaction(f func(*conn) error) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	before := r.out
	var took time.Duration
	err := r.db.write("fold", func(c *conn) error {
		began := time.Now()
		err := f(c)
		took = time.Since(began)
		return err
	})
	if err != nil {
		r.out = before
		return err
	}
	r.out.Transactions++
	pause := time.NewTimer(min(took, maxFoldPause))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-r.ctx.Done():
	}
	return nil
}
