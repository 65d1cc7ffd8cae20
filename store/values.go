package store

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"time"

	"blindspot/discover"
)

// noTime stands for the zero time.Time in columns of nanoseconds.
const noTime = discover.NoTime

func nanos(t time.Time) int64 { return discover.Nanos(t) }

func timeOf(n int64) time.Time { return discover.TimeOf(n) }

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
