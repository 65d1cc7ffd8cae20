package discover

import (
	"fmt"
	"net/netip"
	"testing"
)

// BenchmarkAdd is what it costs to fold a handshake: of a name that is known at
// an endpoint, and of one that is new.
func BenchmarkAdd(b *testing.B) {
	for _, names := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d names", names), func(b *testing.B) {
			list := make([]string, names)
			for i := range list {
				list[i] = fmt.Sprintf("host-%d.shop.example", i)
			}
			a := NewAggregator(AggregatorConfig{})
			o := observation("", 1, Established)
			o.ALPN = []string{"h2", "http/1.1"}
			o.Chain = []Fingerprint{{1}, {2}}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				o.SNI, o.HasSNI, o.KeyProven = list[i%names], true, Unknown
				o.Server = netip.AddrPortFrom(client4(i%names%3000), 443)
				a.Add(o)
			}
		})
	}
}
