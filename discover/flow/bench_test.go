package flow

import (
	"crypto/tls"
	"testing"

	"blindspot/capture/decode"
	"blindspot/tlsparse"
)

// BenchmarkAnswered is the cost of a packet of a flow that has its answer, with
// few and with many flows in the table, in batches as a Reader hands them over.
func BenchmarkAnswered(b *testing.B) {
	for _, flows := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(count(flows), func(b *testing.B) {
			table := answered(b, flows)
			list := make([]decode.Segment, segmentBatch)
			for i := range list {
				list[i] = segment(true, 1, decode.ACK, bulk())
			}
			b.ReportAllocs()
			b.ResetTimer()
			n := uint32(1)
			for i := 0; i < b.N; i += len(list) {
				for j := range list {
					n = n*1664525 + 1013904223 // any of them (Numerical Recipes, §7.1)
					flow := uint64(n) * uint64(flows) >> 32
					list[j].Dst = v4(10, byte(flow>>16), byte(flow>>8), byte(flow))
				}
				table.Segments(list)
			}
		})
	}
}

// bulk is the payload of a segment in the midst of a TLS connection.
func bulk() []byte {
	p := make([]byte, 1448)
	copy(p, []byte{tlsparse.RecordApplicationData, 3, 3, 0x40, 0x11})
	return p
}

// answered returns a table of flows that carry something else.
func answered(b *testing.B, flows int) *Table {
	table := New(Config{})
	s := segment(true, 1, decode.ACK, bulk())
	for i := range flows {
		s.Dst = v4(10, byte(i>>16), byte(i>>8), byte(i))
		for range maxUnsynced {
			s.Seq += 1448
			table.Segment(&s, 1)
		}
	}
	if n := table.lists[listDone].len; n != flows {
		b.Fatalf("%d of %d flows are answered", n, flows)
	}
	return table
}

func count(n int) string {
	switch {
	case n >= 1_000_000:
		return "1M flows"
	case n >= 100_000:
		return "100k flows"
	case n >= 10_000:
		return "10k flows"
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
