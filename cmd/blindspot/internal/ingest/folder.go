package ingest

import (
	"cmp"
	"context"
	"sync/atomic"

	"blindspot/discover"
	"blindspot/discover/flow"
	"blindspot/store"
)

const (
	// maxHeld is how many sightings are held before they are written and
	// forgotten. Where hardly one in seldom handshakes finds its sighting there,
	// holding them folds nothing, and fewHeld are enough.
	maxHeld = 250_000
	fewHeld = 64_000
	seldom  = 64
	// manyCertificates are stored without waiting for a flush.
	manyCertificates = 512
	// flushPackets is how many packets are read before what is new is written,
	// so that a killed process loses little.
	flushPackets = 10_000_000
)

// folder is the side that folds: aggregator, event log and store of one
// capture.
type folder struct {
	cfg        *Config
	seen       *discover.Visibility
	aggregator *discover.Aggregator
	source     discover.Source
	observer   *flow.Observer
	back       chan<- []flow.Collected // those that were folded; has room for all
	keeper     *keeper                 // nil until there is something to write
	writer     *store.Writer           // after run: nil where nothing was written

	before       discover.AggregatorStats
	total        *atomic.Uint64
	handshakes   uint64
	folded       int // observations since the sightings were last forgotten
	certificates int
	flushed      uint64 // packets at the last flush
}

// run takes batches until the channel is closed. After an error it stops the
// packet line and takes the rest off the channel.
func (f *folder) run(work <-chan batch, stop context.CancelFunc) (err error) {
	for b := range work {
		if err == nil {
			err = f.take(&b)
			if err == nil && len(work) == 0 && f.cfg.Events != nil {
				err = f.cfg.Events.flush() // nothing to do: let readers have what there is
			}
			if err != nil {
				stop()
			}
		}
	}
	if err == nil {
		err = f.flush(true)
	}
	err = f.stored(err)
	if err == nil && f.cfg.Events != nil {
		err = f.cfg.Events.flush()
	}
	return err
}

func (f *folder) take(b *batch) error {
	for i := range b.collected {
		if o := f.observer.Observe(&b.collected[i]); o != nil {
			if err := f.add(o); err != nil {
				return err
			}
		}
	}
	f.back <- b.collected
	if b.visibility != nil {
		v, observed := discover.Visibility{}, f.observer.Visibility()
		v.Add(f.seen)
		v.Add(b.visibility)
		v.Add(&observed)
		f.aggregator.See(v, b.at)
	}
	if f.cfg.Store == nil {
		return nil
	}
	return f.store(b.packets)
}

// store writes what need not, or must not, be held any longer.
func (f *folder) store(packets uint64) error {
	switch {
	case f.full():
		f.flushed = packets
		return f.flush(true)
	case packets-f.flushed > flushPackets:
		f.flushed = packets
		return f.flush(false)
	}
	return f.write(f.aggregator.DrainCertificates(manyCertificates), true)
}

// full reports whether so many sightings are held that they are to be forgotten.
func (f *folder) full() bool {
	held := f.aggregator.Len()
	return held > maxHeld || held > fewHeld && (f.folded-held)*seldom < held
}

func (f *folder) add(o *discover.Observation) error {
	if f.outside(o) {
		return nil
	}
	f.aggregator.Add(o)
	f.folded++
	if !o.Handshake() {
		return nil
	}
	f.handshakes++
	f.total.Add(1)
	if f.cfg.Events == nil {
		return nil
	}
	return f.cfg.Events.write(o)
}

// outside reports whether o is out of the window that was asked for.
func (f *folder) outside(o *discover.Observation) bool {
	return !f.cfg.Since.IsZero() && o.Time.Before(f.cfg.Since) ||
		!f.cfg.Until.IsZero() && !o.Time.Before(f.cfg.Until)
}

// flush writes what has changed since the last time. What is forgotten is
// stored while the next observations are folded; what is not has to be waited
// for.
func (f *folder) flush(forget bool) error {
	if f.cfg.Store == nil {
		return f.write(f.aggregator.DrainCertificates(0), true)
	}
	if forget {
		f.folded = 0
	}
	return f.write(f.aggregator.Drain(forget), forget)
}

// write stores a batch; the first one begins the source. Where the batch is
// owned, that is nobody else's, it returns at once.
func (f *folder) write(b *discover.Batch, owned bool) error {
	f.certificates += len(b.Certificates)
	if f.cfg.Store == nil || b.Empty() {
		return nil
	}
	if f.keeper == nil {
		f.keeper = newKeeper(f.cfg.Store, f.source)
	}
	if owned {
		return f.keeper.give(b)
	}
	return f.keeper.keep(b)
}

// stored waits until everything is, unless there was an error before. What
// there is to be said of the source then is for f.writer.
func (f *folder) stored(err error) error {
	if f.keeper == nil {
		return err
	}
	err = cmp.Or(err, f.keeper.close())
	f.writer = f.keeper.writer
	return err
}

// names is how many hostnames in use this capture added.
func (f *folder) names() int { return f.aggregator.Stats().Names - f.before.Names }

// hidden counts this capture's handshakes by what hid them.
func (f *folder) hidden() map[string]uint64 {
	counts := make(map[string]uint64)
	for why, n := range f.aggregator.Stats().Hidden {
		if d := n - f.before.Hidden[why]; d > 0 {
			counts[why] = d
		}
	}
	return counts
}
