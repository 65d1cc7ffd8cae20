package discover

import (
	"flag"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var benchNames = flag.Int("discover.names", 2_000_000, "the most names in BenchmarkFold")

// BenchmarkFold is what it costs to fold handshakes of so many names, each at an
// endpoint and once: up to the bound on names, which is 1,000,000, and beyond. As
// a capture is folded, sightings are drained and forgotten 64,000 at a time.
// slowest-µs is the longest time that 256 handshakes took, a batch.
func BenchmarkFold(b *testing.B) {
	for _, names := range []int{10_000, 100_000, 1_000_000, 2_000_000, 10_000_000} {
		if names > *benchNames {
			break
		}
		b.Run(fmt.Sprintf("names=%d", names), func(b *testing.B) {
			b.ReportAllocs()
			var slowest time.Duration
			for b.Loop() {
				slowest = max(slowest, foldNames(names))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(names), "ns/handshake")
			b.ReportMetric(float64(slowest.Microseconds()), "slowest-µs")
		})
	}
}

// foldNames folds a handshake of each of so many names.
func foldNames(names int) (slowest time.Duration) {
	a := NewAggregator(AggregatorConfig{})
	o := observation("", 1, Established)
	o.ALPN, o.HasSNI = []string{"h2", "http/1.1"}, true
	o.Chain = []Fingerprint{{1}, {2}}
	name := make([]byte, 0, 64)
	began := time.Now()
	for i := range names {
		name = fmt.Appendf(name[:0], "host-%d.shop.example", i)
		o.SNI, o.KeyProven = string(name), Unknown
		o.Server = netip.AddrPortFrom(client4(i%3000), 443)
		a.Add(o)
		if i%256 == 255 {
			slowest = max(slowest, time.Since(began))
			if a.Len() >= 64_000 {
				a.Drain(true)
			}
			began = time.Now()
		}
	}
	return slowest
}
