package discover

import "time"

// count keeps the figures of what was seen and hidden, by bucket.
func (a *Aggregator) count(o *Observation) {
	a.stats.Handshakes++
	iv := a.interval(o.Time)
	iv.Handshakes++
	a.hid(iv, o.CertsHidden, o.CertsHidden != "")
	a.hid(iv, CountECH, o.ECH != "")
	a.hid(iv, CountECHPublic, o.ECHPublic)
	a.hid(iv, CountESNI, o.ESNI)
	a.hid(iv, CountEarlyData, o.EarlyData)
	widen(&a.first, &a.last, o.Time)
}

// widen lets first and last, zero at the beginning, cover t too.
func widen(first, last *time.Time, t time.Time) {
	if first.IsZero() || t.Before(*first) {
		*first = t
	}
	if last.IsZero() || t.After(*last) {
		*last = t
	}
}

// hid counts a cause under which a handshake hides something.
func (a *Aggregator) hid(iv *Interval, cause string, is bool) {
	if is {
		iv.Hidden[cause]++
		a.stats.Hidden[cause]++
	}
}

func (a *Aggregator) interval(t time.Time) *Interval {
	if c := a.current; c != nil && !t.Before(c.Bucket) && t.Sub(c.Bucket) < BucketWidth {
		return c
	}
	b := t.Truncate(BucketWidth).UTC()
	a.latest = b
	a.changed[b] = struct{}{}
	iv, ok := a.intervals[b]
	if !ok {
		iv = &Interval{Bucket: b, Width: BucketWidth}
		iv.Hidden, iv.Lost = make(map[string]uint64), make(map[string]uint64)
		a.intervals[b] = iv
	}
	a.current = iv
	return iv
}
