package sensor

import (
	"context"
	"maps"
	"sync/atomic"
	"time"

	"blindspot/discover"
)

const (
	// maxHeld is how many sightings are held before they are written and
	// forgotten.
	maxHeld = 250_000
	// maxHeldEnding is the same at the end of the run, when all flows are told at
	// once: they are stored while further ones are folded.
	maxHeldEnding = 20_000
	// turn is how often the folder looks at the time.
	turn = time.Second
	// chooseEvery is how often it is decided anew which hostnames are counted
	// one by one.
	chooseEvery = 10 * time.Minute
)

// folder is the side that folds. It never waits for the store.
type folder struct {
	owner      *Sensor
	running    context.Context // ends when packets do
	aggregator *discover.Aggregator
	merge      *merger
	settings   atomic.Pointer[discover.AggregatorConfig] // that were changed meanwhile
	tally      tally

	sights  []*Sight // of the workers, last
	seen    discover.Visibility
	latest  time.Time // packet time
	bucket  time.Time // of the part
	flushed time.Time
	chosen  time.Time
}

// Folding is what the folder tells of itself.
type Folding struct {
	Stats     discover.AggregatorStats
	Sightings int // held
	// Certificates is how many different ones were seen since the last hour.
	Certificates int
	Waiting      int // observations that wait for those of other workers
	Repeated     uint64
	Hops         uint64
	Tally        []Tally
	Hostnames    []HostnameTally
	Other        uint64 // handshakes of the hostnames that are not counted one by one
	Latest       time.Time
}

func newFolder(s *Sensor) *folder {
	n := len(s.cfg.Interfaces) * s.cfg.Workers
	f := &folder{owner: s, running: context.Background(), aggregator: discover.NewAggregator(s.cfg.Aggregator), sights: make([]*Sight, n), flushed: time.Now(), chosen: time.Now()}
	f.merge = newMerger(n, f.add)
	f.tally = newTally(s.cfg.HostnameLabels)
	return f
}

// run takes batches until the channel is closed, and then writes what is left.
// When running ends there is not much to come, and when ctx ends it is late.
func (f *folder) run(ctx, running context.Context, work <-chan batch) {
	f.running = running
	tick := time.NewTicker(min(turn, f.owner.cfg.Flush))
	defer tick.Stop()
	for {
		select {
		case b, ok := <-work:
			if !ok {
				f.end(ctx)
				return
			}
			f.take(&b)
		case now := <-tick.C:
			f.turn(now)
		}
	}
}

func (f *folder) take(b *batch) {
	f.merge.take(b)
	if b.sight != nil {
		f.sights[b.worker] = b.sight
	}
	limit := maxHeld
	if f.running.Err() != nil {
		limit = maxHeldEnding
	}
	if f.aggregator.Len() > limit {
		f.flush(time.Now(), true)
	}
}

// turn is what is done every second.
func (f *folder) turn(now time.Time) {
	if cfg := f.settings.Swap(nil); cfg != nil {
		f.aggregator.Configure(cfg.Monitors, cfg.ECHPublicNames)
	}
	f.merge.age(now)
	f.see()
	if e := f.owner.cfg.Events; e != nil {
		e.HandOver()
	}
	if e := f.owner.cfg.Evidence; e != nil {
		e.Flush(now)
	}
	if now.Sub(f.chosen) >= chooseEvery {
		f.chosen = now
		f.tally.choose()
	}
	if now.Sub(f.flushed) >= f.owner.cfg.Flush {
		f.flush(now, f.over())
	}
	f.publish()
}

// over reports whether the traffic has come to another time bucket than that of
// the part: its sightings will not change any more, but for handshakes that
// began before and end now.
func (f *folder) over() bool {
	b := f.latest.Truncate(discover.BucketWidth)
	if f.bucket.IsZero() {
		f.bucket = b
	}
	return b.After(f.bucket)
}

// add folds an observation.
func (f *folder) add(o *discover.Observation) {
	f.aggregator.Classify(o)
	f.owner.cfg.Clients.reduce(o)
	f.aggregator.Add(o)
	if !o.Handshake() {
		return
	}
	f.tally.add(o)
	if e := f.owner.cfg.Events; e != nil {
		e.Add(o)
	}
	if f.owner.cfg.Seen != nil {
		f.owner.cfg.Seen(o)
	}
}

// see adds up what the workers say of themselves, and folds what is new in it.
func (f *folder) see() {
	sum := discover.Visibility{}
	for _, s := range f.sights {
		if s == nil {
			continue
		}
		sum.Add(&s.visibility)
		if s.at.After(f.latest) {
			f.latest = s.at
		}
	}
	if e := f.owner.cfg.Events; e != nil && e.Lost() > 0 {
		sum.Lost["events"] = e.Lost()
	}
	if e := f.owner.cfg.Evidence; e != nil {
		if _, lost := e.Stats(); lost > 0 {
			sum.Lost["evidence"] = lost
		}
	}
	if n := f.owner.softnet(); n > 0 {
		sum.Lost["softnet-drops"] = n
	}
	if f.latest.Unix() <= 0 { // no packet, and no clock
		return
	}
	grow(&sum, &f.seen)
	f.seen = sum
	f.aggregator.See(sum, f.latest)
}

// grow keeps figures from falling below those that were told before.
func grow(sum, before *discover.Visibility) {
	sum.Packets = max(sum.Packets, before.Packets)
	sum.Bytes = max(sum.Bytes, before.Bytes)
	sum.KernelDrops = max(sum.KernelDrops, before.KernelDrops)
	for cause, n := range before.Lost {
		sum.Lost[cause] = max(sum.Lost[cause], n)
	}
	for kind, n := range before.Kinds {
		sum.Kinds[kind] = max(sum.Kinds[kind], n)
	}
}

// flush hands the store what has changed, if it is done with what it has. With
// forget, the aggregator begins anew: what it held belongs to the batch.
func (f *folder) flush(now time.Time, forget bool) {
	s := f.owner.storer
	if f.owner.cfg.Store == nil {
		if forget {
			f.aggregator.Drain(true)
			f.aggregator.Renew()
			f.bucket = f.latest.Truncate(discover.BucketWidth)
		}
		f.flushed = now
		return
	}
	if !s.free() {
		return // it is slow, locked or full: fold on
	}
	b := f.aggregator.Drain(forget)
	if forget {
		f.aggregator.Renew()
		f.bucket = f.latest.Truncate(discover.BucketWidth)
	} else {
		b = clone(b)
	}
	f.flushed = now
	s.take(b)
}

// end takes what is left when there is no worker any more.
func (f *folder) end(ctx context.Context) {
	f.merge.end()
	if e := f.owner.cfg.Events; e != nil {
		e.End() // it is written while sightings are stored
	}
	f.see()
	f.publish()
	if f.owner.cfg.Store != nil && f.owner.storer.wait(ctx) {
		f.owner.storer.take(f.aggregator.Drain(true))
	}
	f.owner.storer.last()
}

// publish shows how things stand.
func (f *folder) publish() {
	st := f.aggregator.Stats()
	st.Hidden = maps.Clone(st.Hidden)
	p := &Folding{
		Stats: st, Sightings: f.aggregator.Len(), Certificates: f.aggregator.Certificates(), Waiting: f.merge.held(), Repeated: f.merge.repeated, Hops: f.merge.hops,
		Tally: f.tally.list(), Latest: f.latest,
	}
	p.Hostnames, p.Other = f.tally.hostnames()
	f.owner.folding.Store(p)
}
