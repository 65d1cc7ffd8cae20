package flow

import (
	"crypto/tls"
	"testing"

	"blindspot/capture/decode"
)

// BenchmarkAnswered is the cost of a packet of a flow that has its answer, with
// few and with many flows in the table.
func BenchmarkAnswered(b *testing.B) {
	for _, flows := range []int{1_000, 100_000, 1_000_000} {
		b.Run(count(flows), func(b *testing.B) {
			table := New(Config{})
			s := segment(true, 1, decode.ACK, make([]byte, 1448))
			for i := range flows {
				s.Dst = v4(10, byte(i>>16), byte(i>>8), byte(i))
				for range maxUnsynced {
					s.Seq += 1448
					table.Segment(&s, 1)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				n := i * 7919 % flows
				s.Dst = v4(10, byte(n>>16), byte(n>>8), byte(n))
				table.Segment(&s, 1)
			}
		})
	}
}

func count(n int) string {
	switch {
	case n >= 1_000_000:
		return "1M flows"
	case n >= 100_000:
		return "100k flows"
	}
	return "1k flows"
}

// BenchmarkHandshake is the cost of a whole connection, from SYN to
// observation.
func BenchmarkHandshake(b *testing.B) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		b.Run(tls.VersionName(version), func(b *testing.B) {
			segs := record(b, version, testName, 1).packets(1, 2, 1460)
			table := New(Config{})
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				port := uint16(i)
				for j := range segs {
					s := segs[j]
					if s.DstPort == 443 {
						s.SrcPort, s.Src = port, v4(10, 1, byte(i>>24), byte(i>>16))
					} else {
						s.DstPort, s.Dst = port, v4(10, 1, byte(i>>24), byte(i>>16))
					}
					table.Segment(&s, uint64(i))
				}
			}
		})
	}
}
