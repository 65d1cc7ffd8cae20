package flow

import (
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse"
)

// BenchmarkPacketAnswered is the cost of a packet of a flow that has its answer, with
// few and with many flows in the table, in batches as a Reader hands them over.
func BenchmarkPacketAnswered(b *testing.B) {
	for _, flows := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run("flows="+count(flows), func(b *testing.B) {
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
	if n >= 1_000_000 {
		return strconv.Itoa(n/1_000_000) + "M"
	}
	return strconv.Itoa(n/1_000) + "k"
}

// BenchmarkPacketForeign is the cost of a datagram that is neither QUIC nor DTLS.
func BenchmarkPacketForeign(b *testing.B) {
	table := New(Config{})
	list := make([]decode.Segment, segmentBatch)
	for i := range list {
		list[i] = segment(true, 1, 0, make([]byte, 200))
		list[i].Proto, list[i].SrcPort = decode.UDP, uint16(i)
	}
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(list) {
		table.Segments(list)
	}
}

// BenchmarkHandshake is the cost of a whole connection, from SYN to
// observation: one after the other, and with many under way, whose segments come
// by turns.
func BenchmarkHandshake(b *testing.B) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, open := range []int{1, 2_000} {
			name := strings.ReplaceAll(strings.ReplaceAll(tls.VersionName(version), " ", ""), ".", "")
			b.Run(fmt.Sprintf("%s/open=%d", name, open), func(b *testing.B) { benchHandshakes(b, version, open) })
		}
	}
}

func benchHandshakes(b *testing.B, version uint16, open int) {
	segs := record(b, version, testName, 1).packets(1, 2, 1460)
	var table *Table
	table = New(Config{NoFingerprints: true, Emit: func(o *discover.Observation) { table.Recycle(o) }})
	batch := make([]decode.Segment, 0, segmentBatch)
	take := func(s decode.Segment, client int) {
		setClient(&s, client)
		if batch = append(batch, s); len(batch) == cap(batch) {
			table.Segments(batch)
			batch = batch[:0]
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for first := 0; first < b.N; first += open {
		for _, s := range segs {
			for i := range min(open, b.N-first) {
				take(s, first+i)
			}
		}
	}
	b.ReportMetric(float64(len(segs)), "segments/op")
}

// setClient gives a segment the ends of one of many clients.
func setClient(s *decode.Segment, client int) {
	addr, port := v4(10, 1, byte(client>>24), byte(client>>16)), uint16(client)
	if s.DstPort == 443 {
		s.Src, s.SrcPort = addr, port
	} else {
		s.Dst, s.DstPort = addr, port
	}
}
