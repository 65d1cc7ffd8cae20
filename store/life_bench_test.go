package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"blindspot/discover"
)

// BenchmarkFold folds a day of 24 hours with the same 5,000 keys in each.
func BenchmarkFold(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		db := temp(b)
		hours(b, start(b, db, live), 14, 5000)
		b.StartTimer()
		before := cpu()
		began := time.Now()
		r := &retention{db: db, ctx: context.Background(), now: later, enough: func() (bool, error) { return false, nil }}
		if err := r.run(Policy{Hours: 48 * time.Hour}.cuts(later)); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpu()-before).Microseconds())/float64(r.out.Rows), "cpu-us/row")
		b.ReportMetric(float64(time.Since(began).Milliseconds())/float64(r.out.Transactions), "ms/transaction")
		b.StopTimer()
		db.Close()
		os.Remove(db.file)
		b.StartTimer()
	}
}

// BenchmarkMerge copies a store of 70,000 sightings into a new one.
func BenchmarkMerge(b *testing.B) {
	other := temp(b)
	hours(b, start(b, other, discover.Source{Kind: "live", Name: "eth0"}), 14, 5000)
	for b.Loop() {
		db := open(b, filepath.Join(b.TempDir(), "into.db"))
		before := cpu()
		merged(b, db, other)
		b.ReportMetric(float64((cpu()-before).Microseconds())/70_000, "cpu-us/row")
		db.Close()
	}
}
