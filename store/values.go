package store

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// noTime stands for the zero time.Time in columns of nanoseconds.
const noTime = math.MinInt64

// Times that nanoseconds can hold: years 1678 to 2262. What a broken clock
// says beyond is moved to the end of the range.
var (
	minTime = time.Unix(0, math.MinInt64+1)
	maxTime = time.Unix(0, math.MaxInt64)
)

func nanos(t time.Time) int64 {
	if s := t.Unix(); s > 0 && s < maxTime.Unix() {
		return t.UnixNano()
	}
	switch {
	case t.IsZero():
		return noTime
	case t.Before(minTime):
		return math.MinInt64 + 1
	case t.After(maxTime):
		return math.MaxInt64
	}
	return t.UnixNano()
}

func timeOf(n int64) time.Time {
	if n == noTime {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// count is a uint64 as SQLite's signed integer; none comes near the sign.
func count(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func addrText(a netip.AddrPort) string {
	if !a.Addr().IsValid() {
		return ""
	}
	return a.String()
}

func addrOf(s string) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPort{}, nil
	}
	return netip.ParseAddrPort(s)
}

// digest is a SHA-256 as stored: the zero value is empty.
func digest(d []byte) []byte {
	if [32]byte(d) == [32]byte{} {
		return []byte{}
	}
	return d
}

func digestOf(b []byte) (d [32]byte, err error) {
	switch len(b) {
	case 0:
		return d, nil
	case 32:
		return [32]byte(b), nil
	}
	return d, fmt.Errorf("digest of %d bytes, want 32", len(b))
}

// encode returns v as JSON; the types that are given cannot fail.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
