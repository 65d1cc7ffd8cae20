package ring_test

import (
	"testing"
	"time"

	"blindspot/capture"
	"blindspot/capture/ring"
)

// BenchmarkNext reads packets that wait in the ring, in blocks of some KiB,
// looking at the first byte of each.
func BenchmarkNext(b *testing.B) {
	for _, bench := range []struct {
		name        string
		size, block int
	}{{"small/512", 100, 512}, {"small/256", 100, 256}, {"small/128", 100, 128}, {"large/512", 1500, 512}, {"large/256", 1500, 256}, {"large/128", 1500, 128}} {
		size := bench.size
		b.Run(bench.name, func(b *testing.B) {
			pair(b)
			r := open(b, ring.Config{Interface: "rx0", BlockSize: bench.block << 10, Blocks: 64 << 10 / bench.block})
			s := newSender(b, "tx0")
			f := frame(size, 0, 0)
			batch := make([]capture.Packet, 64)
			const fill = 20000
			var sum byte
			b.ReportAllocs()
			b.SetBytes(int64(size))
			b.ResetTimer()
			for left, waiting := b.N, 0; left > 0; {
				b.StopTimer()
				for range min(fill, left) {
					s.send(b, f)
					waiting++
				}
				left -= waiting
				time.Sleep(120 * time.Millisecond) // until the kernel has given the last block
				b.StartTimer()
				for waiting > 0 {
					n, err := r.Next(batch)
					if err != nil {
						b.Fatal(err)
					}
					for _, p := range batch[:n] {
						sum += p.Data[0]
					}
					waiting -= n
				}
			}
			_ = sum
		})
	}
}
