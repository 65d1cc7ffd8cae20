package capture

import (
	"math"
	"math/bits"
	"strconv"
)

// clock turns the timestamps of a pcapng interface into nanoseconds.
type clock struct {
	resolution byte   // if_tsresol: the exponent; the top bit says base 2 instead of 10
	unit       uint64 // nanoseconds in a tick, where that is a whole number
	most       uint64 // the largest number of ticks that fits with unit
	offset     int64  // nanoseconds, if_tsoffset
}

func newClock(resolution byte, offset int64) clock {
	c := clock{resolution: resolution, offset: saturate(offset)}
	if resolution <= 9 {
		c.unit = pow10(9 - resolution)
		c.most = math.MaxInt64 / c.unit
	}
	return c
}

// saturate turns seconds into nanoseconds.
func saturate(seconds int64) int64 {
	return min(max(seconds, math.MinInt64/1_000_000_000), math.MaxInt64/1_000_000_000) * 1_000_000_000
}

func pow10(n byte) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

// time returns the time of a tick. What does not fit ends at the far end.
func (c *clock) time(ticks uint64) int64 {
	ns := ticks * c.unit
	if c.unit == 0 || ticks > c.most {
		ns = c.slow(ticks)
	}
	sum := int64(ns) + c.offset
	if c.offset > 0 && sum < 0 {
		return math.MaxInt64
	}
	return sum
}

// slow converts ticks that are no whole nanoseconds, or too many.
func (c *clock) slow(ticks uint64) uint64 {
	exponent := c.resolution & 0x7f
	switch {
	case c.unit != 0:
		return math.MaxInt64
	case c.resolution&0x80 == 0: // finer than nanoseconds, or nonsense
		if exponent-9 > 19 {
			return 0
		}
		return min(ticks/pow10(exponent-9), math.MaxInt64)
	}
	hi, lo := bits.Mul64(ticks, 1_000_000_000) // ticks × 10⁹ ÷ 2^exponent
	switch {
	case exponent >= 64:
		return hi >> (exponent - 64)
	case hi>>exponent != 0:
		return math.MaxInt64
	}
	return min(hi<<(64-exponent)|lo>>exponent, math.MaxInt64)
}

// String returns the resolution as in "10^-6".
func (c *clock) String() string {
	base := "10^-"
	if c.resolution&0x80 != 0 {
		base = "2^-"
	}
	return base + strconv.Itoa(int(c.resolution&0x7f))
}
