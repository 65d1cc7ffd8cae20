package sensor

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"blindspot/discover"
	"blindspot/store"
)

// A batch that could not be written is tried again after the first of these,
// then twice as long, up to the last.
const firstWrite, lastWrite = 250 * time.Millisecond, 10 * time.Second

// storer is the side that stores, one batch at a time. While it has one, what is
// new stays in the aggregator.
type storer struct {
	owner  *Sensor
	log    *slog.Logger
	jobs   chan *discover.Batch
	ready  chan struct{} // holds one where there is no batch under way
	writer *store.Writer // nil until there is something to write

	lost     *discover.Batch // given up in the end
	err      error           // why
	flushing Flushing
}

// FlushBuckets are the upper bounds of Flushing.Durations, in seconds.
var FlushBuckets = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30}

// Flushing is what became of flushes.
type Flushing struct {
	Flushes   uint64    // that were written
	Failures  uint64    // attempts that failed
	Failing   string    // why the last attempt failed; "" where it did not
	Since     time.Time // of the first of these failures
	Rows      uint64    // sightings, certificates, chains and the rest
	Durations []uint64  // of written flushes, by FlushBuckets, and one above
	Seconds   float64   // all together
	Last      time.Time // end of the last one
	Begun     time.Time // of the one under way; zero for none
}

func newStorer(s *Sensor) *storer {
	st := &storer{owner: s, log: s.cfg.Log, jobs: make(chan *discover.Batch, 1), ready: make(chan struct{}, 1)}
	st.flushing.Durations = make([]uint64, len(FlushBuckets)+1)
	st.ready <- struct{}{}
	st.publish()
	return st
}

// free reports whether a batch may be given to take.
func (s *storer) free() bool { return len(s.ready) > 0 }

// wait waits until a batch may be given to take. It returns false where ctx
// ended before.
func (s *storer) wait(ctx context.Context) bool {
	select {
	case <-s.ready:
		s.ready <- struct{}{}
		return true
	case <-ctx.Done():
		return false
	}
}

// take begins to write a batch. The caller has asked free or wait.
func (s *storer) take(b *discover.Batch) {
	if b.Empty() {
		return
	}
	<-s.ready
	s.jobs <- b
}

// last says that there will be no further batch.
func (s *storer) last() { close(s.jobs) }

// run writes batches until there is none any more. When running ends, batches
// are tried again without long pauses, and when ctx ends one that fails is given
// up.
func (s *storer) run(ctx, running context.Context) {
	flushed := make(chan struct{}, 1)
	var beside sync.WaitGroup
	beside.Go(func() { s.maintain(running, flushed) })
	for b := range s.jobs {
		s.write(ctx, b, running.Done())
		s.ready <- struct{}{}
		select {
		case flushed <- struct{}{}:
		default: // it is at work
		}
	}
	beside.Wait() // running has ended
	if s.writer != nil && s.lost == nil {
		if _, err := s.writer.Finish(""); err != nil {
			s.err = err
		}
	}
}

// maintain calls Maintain after flushes, until running ends. It takes as long as
// it takes: flushes go on beside it.
func (s *storer) maintain(running context.Context, flushed <-chan struct{}) {
	if s.owner.cfg.Maintain == nil {
		return
	}
	for {
		select {
		case <-running.Done():
			return
		case <-flushed:
			if running.Err() == nil {
				s.owner.cfg.Maintain(running)
			}
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// write writes one batch, as often as it takes.
func (s *storer) write(ctx context.Context, b *discover.Batch, ending <-chan struct{}) {
	for pause := firstWrite; ; pause = min(2*pause, lastWrite) {
		err := s.try(b)
		if err == nil {
			s.works()
			return
		}
		s.fails(err)
		if ctx.Err() != nil {
			s.lost, s.err = b, err
			return
		}
		if closed(ending) {
			pause = firstWrite
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
		case <-whenOpen(ending):
		}
		t.Stop()
	}
}

// whenOpen returns ending while it is not closed: its end is news only once.
func whenOpen(ending <-chan struct{}) <-chan struct{} {
	if closed(ending) {
		return nil
	}
	return ending
}

func (s *storer) try(b *discover.Batch) (err error) {
	began := time.Now()
	s.flushing.Begun = began
	s.publish()
	if s.writer == nil {
		if s.writer, err = s.owner.cfg.Store.Start(s.owner.source()); err != nil {
			s.writer = nil
			return err
		}
	}
	if err := s.writer.Write(b); err != nil {
		return err
	}
	s.wrote(b, time.Since(began))
	return nil
}

// wrote keeps the figures.
func (s *storer) wrote(b *discover.Batch, took time.Duration) {
	f := &s.flushing
	n := 0
	for n < len(FlushBuckets) && took.Seconds() > FlushBuckets[n] {
		n++
	}
	f.Durations[n]++
	f.Seconds += took.Seconds()
	f.Flushes++
	f.Rows += uint64(b.Len() + len(b.Certificates) + len(b.Chains) + len(b.Hops) + len(b.Offers) + len(b.Visibility))
	f.Last, f.Begun = time.Now(), time.Time{}
}

// works tells that the store takes rows again.
func (s *storer) works() {
	if s.flushing.Failing != "" {
		s.log.Info("the store takes sightings again", "after", time.Since(s.flushing.Since).Round(time.Second).String())
	}
	s.flushing.Failing, s.flushing.Since = "", time.Time{}
	s.publish()
}

// fails tells of a trouble once.
func (s *storer) fails(err error) {
	f := &s.flushing
	f.Failures++
	f.Begun = time.Time{}
	if f.Failing == "" {
		f.Since = time.Now()
		s.log.Error("the store takes no sightings: they are kept in memory and tried again", "error", err)
	}
	f.Failing = err.Error()
	s.publish()
}

func (s *storer) publish() {
	f := s.flushing
	f.Durations = append([]uint64(nil), f.Durations...)
	s.owner.flushing.Store(&f)
}

// unsaved says what could not be stored in the end.
func (s *storer) unsaved() error {
	switch {
	case s.lost != nil:
		return fmt.Errorf("the last flush, of %d sightings, could not be stored: %w", s.lost.Len(), s.err)
	case s.err != nil:
		return s.err
	}
	return nil
}
