package store

import (
	"flag"
	"os"
	"testing"

	"blindspot/discover"
)

var benchFrom = flag.String("store.from", "", "store whose content BenchmarkWriteFrom writes into a new one")

// BenchmarkWriteFrom writes what real traffic gave: distributions of names,
// certificates and clients that benchBatch does not have.
func BenchmarkWriteFrom(b *testing.B) {
	if *benchFrom == "" {
		b.Skip("no store given with -store.from")
	}
	whole := contentOf(b, *benchFrom)
	often, rest := split(whole.Sightings, 16)
	for _, c := range []struct {
		name    string
		batches []*discover.Batch
	}{
		{"all", []*discover.Batch{whole}},
		{"sightings", []*discover.Batch{{Sightings: whole.Sightings}}},
		{"certificates", []*discover.Batch{{Certificates: whole.Certificates, Chains: whole.Chains}}},
		{"parts", []*discover.Batch{{Sightings: often}, {Part: 1, Sightings: rest}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				db := benchStore(b, c.batches...)
				db.Close()
				b.StopTimer()
				os.Remove(db.file)
				b.StartTimer()
			}
			spent := float64((cpu() - before).Nanoseconds()) / float64(b.N)
			b.ReportMetric(spent/1e6, "cpu-ms/op")
			b.ReportMetric(spent/float64(max(1, len(whole.Sightings))), "cpu-ns/sighting")
		})
	}
}

// split takes one sighting in n away from the others, as the last part of a
// capture is written.
func split(list []*discover.Sighting, n int) (most, few []*discover.Sighting) {
	for i, s := range list {
		if i%n == 0 {
			few = append(few, s)
		} else {
			most = append(most, s)
		}
	}
	return most, few
}

// contentOf reads a store into one batch.
func contentOf(b *testing.B, path string) *discover.Batch {
	db, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	out := &discover.Batch{}
	inv, err := db.Inventory(Query{})
	if err != nil {
		b.Fatal(err)
	}
	chains := make(map[discover.ChainID]bool)
	for s, err := range inv.Sightings {
		if err != nil {
			b.Fatal(err)
		}
		kept := *s
		kept.Clients = s.Clients.Clone()
		out.Sightings = append(out.Sightings, &kept)
		for _, id := range []discover.ChainID{s.Chain, s.ClientChain} {
			if !id.IsZero() && !chains[id] {
				chains[id] = true
				out.Chains = append(out.Chains, discover.Chain{ID: id, Certificates: inv.Chain(id)})
			}
		}
	}
	for x, err := range db.Certificates() {
		if err != nil {
			b.Fatal(err)
		}
		out.Certificates = append(out.Certificates, x)
	}
	return out
}
