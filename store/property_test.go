package store

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"

	"blindspot/discover"
)

// history makes the batches of one source as an aggregator would: snapshots of
// figures that only grow within a part.
func history(rng *rand.Rand, key discover.SketchKey) []*discover.Batch {
	var out []*discover.Batch
	for part := range uint32(3) {
		held := make(map[int]*discover.Sighting)
		for range 4 {
			b := &discover.Batch{Part: part}
			for i := range 12 {
				if rng.IntN(3) == 0 {
					continue
				}
				s := held[i]
				if s == nil {
					s = sighting(fmt.Sprintf("h%d", i%6), 0)
					s.Bucket = t0.Add(time.Duration(i/6) * time.Hour)
					s.First, s.Last, s.Clients = s.Bucket, s.Bucket, discover.Clients{}
					held[i] = s
				}
				for range 1 + rng.IntN(30) {
					s.Count++
					s.Clients.Add(netip.PrefixFrom(addr(rng.IntN(60)), 32), 1, key)
				}
				s.Last = s.Last.Add(time.Second)
				s.LastCipher, s.ALPN = fmt.Sprint("c", rng.IntN(9)), fmt.Sprint("a", rng.IntN(9))
				s.ECH += uint64(rng.IntN(2))
				snapshot := *s
				snapshot.Clients = s.Clients.Clone()
				snapshot.Clients.Sort()
				b.Sightings = append(b.Sightings, &snapshot)
			}
			out = append(out, b)
		}
	}
	return out
}

// TestAnyOrder writes the same batches in any order and as often as may be.
// The inventory is always the same.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		reference := temp(t)
		key := reference.SketchKey()
		batches := history(rng, key)
		w := start(t, reference, pcap)
		for _, b := range batches {
			write(t, w, b)
		}
		want := seen(t, reference, Query{})

		db := temp(t)
		db.sketch = key // the two stores are compared to the byte
		w = start(t, db, pcap)
		order := append(rng.Perm(len(batches)), rng.Perm(len(batches))[:5]...)
		for _, i := range order {
			write(t, w, batches[i])
		}
		if got := seen(t, db, Query{}); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d, order %v: got\n%+v, want\n%+v", seed, order, got, want)
		}
	}
}

// TestReadersDuringWrites reads while batches are written: every answer is the
// state between two transactions.
func TestReadersDuringWrites(t *testing.T) {
	db := temp(t)
	const names = 200
	hosts := func(count uint64) *discover.Batch {
		b := &discover.Batch{Certificates: []*discover.Certificate{benchCert(int(count))}}
		for i := range names {
			b.Sightings = append(b.Sightings, sighting(fmt.Sprint("h", i), count))
		}
		return b
	}
	w := start(t, db, pcap)
	write(t, w, hosts(1))
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for last := uint64(0); ; {
				n, sum := 0, uint64(0)
				inv, err := db.Inventory(Query{})
				if err != nil {
					t.Error(err)
					return
				}
				for s, err := range inv.Sightings {
					if err != nil {
						t.Error(err)
						return
					}
					n, sum = n+1, sum+s.Count
					inv.Certificate(benchCert(n).SHA256)
				}
				if n != names || sum%names != 0 || sum < last {
					t.Errorf("got %d sightings with %d handshakes after %d: a state between transactions", n, sum, last)
				}
				last = sum
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for count := uint64(2); count < 40; count++ {
		write(t, w, hosts(count))
	}
	close(done)
	readers.Wait()
}

// TestStopEarly leaves walks in the middle, more often than there are
// connections to keep.
func TestStopEarly(t *testing.T) {
	db := temp(t)
	write(t, start(t, db, pcap), benchBatch(100, 1))
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 * maxIdleReaders {
		for _, err := range inv.Sightings {
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range db.Certificates() {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			break
		}
	}
	if got := len(seen(t, db, Query{})); got != 100 {
		t.Errorf("got %d sightings, want 100", got)
	}
}
