package store

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"blindspot/discover"
)

// live is a sensor's run.
var live = discover.Source{Kind: "live", Name: "eth0", Sensor: "edge-1"}

// later is when all of a test's traffic is old.
var later = t0.Add(1000 * 24 * time.Hour)

// foldNow applies a policy.
func foldNow(t testing.TB, db *DB, p Policy, now time.Time) Folded {
	t.Helper()
	f, err := db.Fold(context.Background(), p, now)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// random makes traffic of a source over some days: names in use and names that
// were only asked for, clients beyond what a list holds, several parts.
func random(rng *rand.Rand, src discover.Source, key discover.SketchKey, days int) []*discover.Batch {
	var out []*discover.Batch
	at := t0
	for part := range uint32(3) {
		b := &discover.Batch{Part: part}
		for hour := range 24 * days {
			if rng.IntN(4) == 0 {
				b.Sightings = append(b.Sightings, randomHour(rng, src.Sensor, t0.Add(time.Duration(hour)*time.Hour), key)...)
			}
		}
		b.Visibility = visibilityOf(b.Sightings)
		b.Hops = []discover.HopCount{{Hop: discover.Hop{From: netip.MustParseAddrPort("10.0.0.1:443"), To: netip.MustParseAddrPort("10.0.0.2:443")},
			First: at, Last: at.Add(time.Duration(rng.IntN(100)) * time.Hour), Count: uint64(rng.IntN(9) + 1)}}
		b.Offers = []*discover.OfferCount{offer(discover.OfferRefused, uint64(rng.IntN(9)+1), fmt.Sprintf("10.0.0.%d/32", rng.IntN(9)))}
		out = append(out, b)
	}
	return out
}

func randomHour(rng *rand.Rand, sensor string, bucket time.Time, key discover.SketchKey) (list []*discover.Sighting) {
	seen := make(map[int]bool)
	for range 1 + rng.IntN(6) {
		i := rng.IntN(10)
		if seen[i] {
			continue
		}
		seen[i] = true
		s := sighting(fmt.Sprintf("h%d", i), 0)
		s.Sensor, s.Bucket, s.Clients = sensor, bucket, discover.Clients{}
		if i == 9 { // nobody answers
			s.Version, s.Outcome = "", discover.Unanswered
		}
		s.First = bucket.Add(time.Duration(rng.IntN(1800e9)))
		s.Last = s.First.Add(time.Duration(rng.IntN(1800e9)))
		pool := 20 // fits into the list
		if i%3 == 0 {
			pool = 200
		}
		for range 1 + rng.IntN(60) {
			s.Count++
			s.Clients.Add(netip.PrefixFrom(addr(rng.IntN(pool)), 32), 1, key)
		}
		s.Clients.Sort()
		s.ECH, s.KeyProven, s.PacketsLost = uint64(rng.IntN(3)), uint64(rng.IntN(3)), uint64(rng.IntN(3))
		s.LastCipher = fmt.Sprint("c", rng.IntN(4))
		list = append(list, s)
	}
	return list
}

func visibilityOf(list []*discover.Sighting) []discover.Interval {
	sum := make(map[time.Time]*discover.Interval)
	for _, s := range list {
		v := sum[s.Bucket]
		if v == nil {
			v = &discover.Interval{Bucket: s.Bucket, Width: time.Hour}
			v.Hidden, v.Lost, v.Kinds = map[string]uint64{}, map[string]uint64{"table-full": 1}, map[string]uint64{"tcp": 7}
			v.Bytes, v.KernelDrops, v.Notes = 11, 3, []string{"a note at " + s.Bucket.String()}
			sum[s.Bucket] = v
		}
		v.Handshakes += s.Count
		v.Packets += 10 * s.Count
		v.Hidden["encrypted"] += s.Count
	}
	var out []discover.Interval
	for _, at := range slices.SortedFunc(maps.Keys(sum), time.Time.Compare) {
		out = append(out, *sum[at])
	}
	return out
}

// figuresIn is what reports add up, in a form that can be compared. Which
// clients a list keeps beyond its bound depends on the order of merging, and so
// does, by a little, what a sketch makes of them.
type figuresIn struct {
	sightings map[discover.Key]plain
	hops      []discover.HopCount
	offers    []discover.OfferCount
	sensor    discover.Visibility
	first     time.Time
	last      time.Time
}

func figuresFrom(t testing.TB, db *DB) figuresIn {
	t.Helper()
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	f := figuresIn{sightings: make(map[discover.Key]plain), hops: inv.Hops, sensor: inv.Sensor, first: inv.First, last: inv.Last}
	slices.Sort(f.sensor.Notes)
	for _, o := range inv.Offers {
		f.offers = append(f.offers, *o)
	}
	for s, err := range inv.Sightings {
		if err != nil {
			t.Fatal(err)
		}
		p := plainOf(s)
		p.Bucket = time.Time{}
		f.sightings[s.Key] = p
	}
	return f
}

// sameFigures compares all that reports add up.
func sameFigures(t testing.TB, what string, got, want figuresIn) {
	t.Helper()
	if len(got.sightings) != len(want.sightings) {
		t.Errorf("%s: got %d sightings, want %d", what, len(got.sightings), len(want.sightings))
	}
	for k, w := range want.sightings {
		g := got.sightings[k]
		sameClients(t, what+": "+k.Sensor+" "+k.Hostname, g, w)
		g.Clients, w.Clients, g.sketch, w.sketch = discover.Clients{}, discover.Clients{}, "", ""
		if fmt.Sprintf("%+v", g) != fmt.Sprintf("%+v", w) {
			t.Errorf("%s: got\n%+v, want\n%+v", what, g, w)
		}
	}
	for _, x := range [][2]any{{got.hops, want.hops}, {offersText(got.offers), offersText(want.offers)}, {got.sensor, want.sensor}, {got.first, want.first}, {got.last, want.last}} {
		if fmt.Sprintf("%+v", x[0]) != fmt.Sprintf("%+v", x[1]) {
			t.Errorf("%s: got\n%+v, want\n%+v", what, x[0], x[1])
		}
	}
}

func offersText(list []discover.OfferCount) (out []string) {
	for _, o := range list {
		out = append(out, fmt.Sprintf("%+v %v %v %d %v", o.Offer, o.First, o.Last, o.Count, o.Clients.Exact))
	}
	return out
}

func sameClients(t testing.TB, what string, got, want plain) {
	t.Helper()
	g, w := handshakesOf(got), handshakesOf(want)
	if g != w {
		t.Errorf("%s: got %d handshakes of clients, want %d", what, g, w)
	}
	a, b := distinct(t, got), distinct(t, want)
	if d := float64(a) - float64(b); d > 0.03*float64(b) || -d > 0.03*float64(b) {
		t.Errorf("%s: got %d clients, want about %d", what, a, b)
	}
	if want.Clients.More == 0 && want.sketch == "" {
		x, y := got.Clients.Clone(), want.Clients.Clone()
		x.Sort()
		y.Sort()
		if !slices.Equal(x.Exact, y.Exact) || a != b {
			t.Errorf("%s: got clients %v, want %v", what, x.Exact, y.Exact)
		}
	}
}

func handshakesOf(p plain) uint64 {
	n := p.Clients.More
	for _, c := range p.Clients.Exact {
		n += c.Count
	}
	return n
}

// TestFoldProperty: hours become days, and everything that reports add up is
// what it was.
func TestFoldProperty(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 5))
		db := temp(t)
		for _, src := range []discover.Source{live, pcap} {
			w := start(t, db, src)
			for _, b := range random(rng, src, db.SketchKey(), 4) {
				write(t, w, b)
			}
			if src.Kind == "pcap" {
				finish(t, w, "id", false)
			}
		}
		want := figuresFrom(t, db)
		before := rowCount(t, db, "sightings")
		f := foldNow(t, db, Policy{Hours: 24 * time.Hour}, later)
		what := fmt.Sprintf("seed %d: %+v", seed, f)
		sameFigures(t, what, figuresFrom(t, db), want)
		if after := rowCount(t, db, "sightings"); f.Rows == 0 || after >= before {
			t.Errorf("%s: got %d rows, before %d", what, after, before)
		}
		if n := scalar(t, db, "SELECT count(*) FROM buckets WHERE part >= 0"); n != 0 {
			t.Errorf("%s: %d hours are left", what, n)
		}
		again := foldNow(t, db, Policy{Hours: 24 * time.Hour}, later)
		if again.Rows != 0 || again.Transactions != 0 {
			t.Errorf("again: got %+v, want nothing to do", again)
		}
		whole(t, db)
	}
}

func rowCount(t testing.TB, db *DB, table string) int64 {
	return scalar(t, db, "SELECT count(*) FROM "+table)
}

func scalar(t testing.TB, db *DB, text string) (n int64) {
	t.Helper()
	err := db.read("count", func(c *conn) error {
		_, err := c.one(text, func(r *rows) { n = r.int(0) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestExpire: names in use stay, with all their figures; what was only asked
// for is dropped, and counted.
func TestExpire(t *testing.T) {
	for _, p := range []Policy{{Days: 30 * 24 * time.Hour}, {Hours: 48 * time.Hour, Days: 30 * 24 * time.Hour}} {
		rng := rand.New(rand.NewPCG(1, 2))
		db := temp(t)
		w := start(t, db, live)
		for _, b := range random(rng, live, db.SketchKey(), 4) {
			write(t, w, b)
		}
		want := figuresFrom(t, db)
		if p.Hours > 0 {
			foldNow(t, db, p, t0.Add(10*24*time.Hour))
		}
		f := foldNow(t, db, p, later)
		var asked uint64
		for k, s := range want.sightings {
			if !k.InUse() {
				asked += s.Count
				delete(want.sightings, k)
			}
		}
		want.sensor.Lost[LostRetention] = asked + f.Sessions
		want.hops, want.offers = nil, nil
		got := figuresFrom(t, db)
		want.first, want.last = got.first, got.last // those of what was dropped stay
		sameFigures(t, fmt.Sprintf("%+v", p), got, want)
		if f.Dropped != asked || asked == 0 || f.Sessions == 0 {
			t.Errorf("%+v: got %+v, want %d handshakes dropped", p, f, asked)
		}
		if n := scalar(t, db, "SELECT count(*) FROM buckets"); n != 1 {
			t.Errorf("%+v: got %d buckets, want one for all the time", p, n)
		}
		whole(t, db)
	}
}

// TestOpenHours: what a sensor may still write to does not fold.
func TestOpenHours(t *testing.T) {
	db := temp(t)
	w := start(t, db, live)
	b := &discover.Batch{}
	for hour := range 60 { // from 10:00 on the first day to 22:00 on the third
		s := sighting("a", uint64(hour+1))
		s.Bucket = t0.Add(time.Duration(hour) * time.Hour)
		s.First, s.Last = s.Bucket, s.Bucket
		b.Sightings = append(b.Sightings, s)
	}
	b.Visibility = visibilityOf(b.Sightings)
	write(t, w, b)
	want := figuresFrom(t, db)
	tests := []struct {
		now         time.Time
		hours, days int64
	}{
		{t0.Add(14 * time.Hour), 60, 0}, // midnight: the last hour is not old enough
		{t0.Add(15 * time.Hour), 60, 0},
		{t0.Add(16 * time.Hour), 46, 1},
		{t0.Add(39 * time.Hour), 46, 1},
		{t0.Add(40 * time.Hour), 22, 2},
	}
	for _, tt := range tests {
		foldNow(t, db, Policy{Hours: MinHours}, tt.now)
		hours, days := scalar(t, db, "SELECT count(*) FROM buckets WHERE part = 0"), scalar(t, db, "SELECT count(*) FROM buckets WHERE part = -1")
		if hours != tt.hours || days != tt.days {
			t.Errorf("at %v: got %d hours and %d days, want %d and %d", tt.now, hours, days, tt.hours, tt.days)
		}
		sameFigures(t, tt.now.String(), figuresFrom(t, db), want)
		write(t, w, b) // a flush that is repeated
		sameFigures(t, "written again at "+tt.now.String(), figuresFrom(t, db), want)
	}
	if late := scalar(t, db, "SELECT late FROM sources"); late == 0 {
		t.Error("rows that were refused are not counted")
	}
	more := sighting("a", 7)
	more.Bucket = t0.Add(59 * time.Hour)
	more.First, more.Last, more.Count = more.Bucket, more.Bucket, 100
	write(t, w, &discover.Batch{Sightings: []*discover.Sighting{more}})
	if got := scalar(t, db, "SELECT sum(handshakes) FROM sightings"); got != 60*61/2+40 {
		t.Errorf("got %d handshakes, want %d: an open hour is written as before", got, 60*61/2+40)
	}
}

// TestReadingFolds: what may still come decides what folds.
func TestReadingFolds(t *testing.T) {
	tests := []struct {
		name   string
		src    discover.Source
		finish bool
		now    time.Time
		folds  bool
	}{
		{"a capture being read", pcap, false, time.Now(), false},
		{"a capture left behind", pcap, false, time.Now().Add(2 * staleAfter), true},
		{"a capture that was read", pcap, true, time.Now(), true},
		{"a pipe at the time of its traffic", discover.Source{Kind: "pcap", Name: "-"}, false, time.Now(), false},
		{"a pipe left behind", discover.Source{Kind: "pcap", Name: "-"}, false, time.Now().Add(2 * staleAfter), true},
		{"a sensor", live, false, time.Now(), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := temp(t)
			w := start(t, db, tt.src)
			s := sighting("a", 1)
			s.Bucket = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
			s.First, s.Last = s.Bucket, s.Bucket
			write(t, w, &discover.Batch{Sightings: []*discover.Sighting{s}})
			if tt.finish {
				finish(t, w, "id", false)
			}
			f := foldNow(t, db, Policy{Hours: 48 * time.Hour}, tt.now)
			if got := f.Rows > 0; got != tt.folds {
				t.Errorf("got %+v, want folding %v", f, tt.folds)
			}
			if got := scalar(t, db, "SELECT sum(handshakes) FROM sightings"); got != 1 {
				t.Errorf("got %d handshakes, want 1", got)
			}
		})
	}
}

// TestFoldBounded: many rows take many short transactions, and breaking off
// between two of them changes no sum.
func TestFoldBounded(t *testing.T) {
	db := temp(t)
	w := start(t, db, live)
	for hour := range 3 {
		b := benchBatch(2*foldRows+7, 1)
		for _, s := range b.Sightings {
			s.Bucket = t0.Add(time.Duration(hour) * time.Hour)
			s.First, s.Last = s.Bucket, s.Bucket
		}
		b.Visibility = visibilityOf(b.Sightings)
		write(t, w, b)
	}
	want := total(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	r := &retention{db: db, ctx: ctx, now: later}
	calls := 0
	r.enough = func() (bool, error) {
		if calls++; calls == 2 {
			cancel()
		}
		return false, nil
	}
	if err := r.run(Policy{Hours: 48 * time.Hour}.cuts(later)); err == nil {
		t.Error("got no error although it was broken off")
	}
	if got := total(t, db); got != want || r.out.Transactions < 2 {
		t.Errorf("broken off: got %d handshakes after %d transactions, want %d", got, r.out.Transactions, want)
	}
	f := foldNow(t, db, Policy{Hours: 48 * time.Hour}, later)
	if got := total(t, db); got != want || f.Transactions < 4 {
		t.Errorf("got %d handshakes after %d transactions, want %d", got, f.Transactions, want)
	}
}

func TestPolicy(t *testing.T) {
	for _, p := range []Policy{{Hours: time.Hour}, {Hours: -1}, {Days: time.Hour}, {Hours: 72 * time.Hour, Days: 48 * time.Hour}} {
		if _, err := temp(t).Fold(context.Background(), p, later); err == nil {
			t.Errorf("%+v: accepted", p)
		}
	}
}

func addrPrefix(i int) netip.Prefix { return netip.PrefixFrom(addr(i), 32) }

// TestClockAhead: a fold by a clock that was a year ahead seals what it folded,
// and nothing that comes.
func TestClockAhead(t *testing.T) {
	db := temp(t)
	w := start(t, db, live)
	write(t, w, batch(3))
	foldNow(t, db, Policy{Hours: 48 * time.Hour, Days: 72 * time.Hour}, t0.Add(365*24*time.Hour))
	write(t, w, batch(3)) // again: late
	next := batch(5)
	at := t0.Add(24 * time.Hour)
	next.Sightings[0].Bucket, next.Sightings[0].First, next.Sightings[0].Last = at, at, at
	next.Visibility[0].Bucket = at
	for range 2 {
		write(t, w, next)
		if got := total(t, db); got != 8 {
			t.Errorf("got %d handshakes, want 3 and 5", got)
		}
	}
	foldNow(t, db, Policy{Hours: 48 * time.Hour}, later)
	if got, late := total(t, db), scalar(t, db, "SELECT late FROM sources"); got != 8 || late != 2 {
		t.Errorf("got %d handshakes and %d late rows, want 8 and 2", got, late)
	}
	whole(t, db)
}
