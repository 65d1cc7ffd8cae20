package coverage

import (
	"math"
	"time"
)

// moment is a point in time in eight bytes: nanoseconds of Unix time, so that
// there may be millions. The zero moment is none, as the zero time is. What is
// outside of the years 1678 to 2261 is taken for their ends.
type moment uint64

// epoch is the moment of Unix time zero; with it, moments compare as numbers.
const epoch = 1 << 63

var (
	firstMoment = time.Unix(0, math.MinInt64+1)
	lastMoment  = time.Unix(0, math.MaxInt64)
)

func momentOf(t time.Time) moment {
	switch {
	case t.IsZero():
		return 0
	case t.Before(firstMoment):
		t = firstMoment
	case t.After(lastMoment):
		t = lastMoment
	}
	return moment(t.UnixNano()) + epoch
}

// time returns the moment as a time in UTC.
func (m moment) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(m-epoch)).UTC()
}

// stretch is from one moment to another; the zero one is empty.
type stretch struct{ first, last moment }

// widen makes the stretch hold first..last too.
func (s *stretch) widen(first, last moment) {
	if s.first == 0 || first < s.first {
		s.first = first
	}
	s.last = max(s.last, last)
}
