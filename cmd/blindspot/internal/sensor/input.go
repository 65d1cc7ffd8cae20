package sensor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"blindspot/capture"
	"blindspot/capture/ring"
)

const (
	// A source that cannot be opened, or is gone, is tried again after the first
	// of these, then twice as long, up to the last.
	firstRetry, lastRetry = 250 * time.Millisecond, 5 * time.Second
	// idleTurn is how long an input without a source waits at a time, so that
	// its table's clock goes on.
	idleTurn = 100 * time.Millisecond
	// settled is how long a source without packets has to be without trouble,
	// to be one that works.
	settled = time.Second
	// When the run ends, what the kernel has for a source is read until nothing
	// came this often, and this long at most.
	drained  = 2
	draining = 500 * time.Millisecond
)

// input is the source of a worker for the whole run. Interfaces come and go
// below it: it waits, and opens again. It ends with the context alone, or where
// a source has an end (io.EOF).
type input struct {
	ctx  context.Context
	open func(context.Context) (capture.Source, error)
	log  *slog.Logger

	src    capture.Source // nil while there is none
	tap    tap            // the same, nil where it is none
	past   capture.Stats  // of the sources before
	extra  extra          // of the sources before
	retry  time.Duration
	next   time.Time // of the next attempt
	idle   bool      // the last Next brought nothing
	told   string    // the trouble that the log knows of
	ended  time.Time // when the end of the run was noticed
	empty  int       // turns without packets since then
	up     atomic.Bool
	since  time.Time     // by the wall clock, when packets ceased to come; zero while they may
	failed time.Time     // when there was trouble last
	away   time.Duration // how long none could come, before that
}

func newInput(open func(context.Context) (capture.Source, error), log *slog.Logger) *input {
	return &input{open: open, log: log, retry: firstRetry}
}

// Next implements capture.Source. It brings nothing, and no error, where there
// was no packet for a while.
func (in *input) Next(batch []capture.Packet) (int, error) {
	in.idle = true
	if in.ctx.Err() != nil {
		return in.drain(batch)
	}
	if in.src == nil && !in.begin() {
		return 0, nil
	}
	n, err := in.src.Next(batch)
	switch {
	case err == nil && n > 0:
		in.idle = false
		in.works()
	case in.ctx.Err() != nil:
	case err == nil: // up, and quiet; or about to be gone, which is told soon
		if time.Since(in.failed) > settled {
			in.works()
		}
	case errors.Is(err, io.EOF):
		return 0, io.EOF
	case errors.Is(err, ring.ErrDown): // it goes on by itself
		in.fails(err)
		in.wait(idleTurn)
	default:
		in.fails(err)
		in.end()
		in.next = time.Now().Add(in.retry)
	}
	return n, nil
}

// drain is Next after the end of the run: packets that came before it wait in
// the ring.
func (in *input) drain(batch []capture.Packet) (int, error) {
	if in.ended.IsZero() {
		in.ended = time.Now()
		if in.src == nil && in.next.IsZero() { // it ended before it began
			in.begin()
		}
	}
	if in.src == nil || in.empty == drained || time.Since(in.ended) > draining {
		return 0, io.EOF
	}
	n, err := in.src.Next(batch)
	if n == 0 {
		in.empty++
	}
	if err != nil {
		return 0, io.EOF
	}
	return n, nil
}

// begin opens the source, where it is time to.
func (in *input) begin() bool {
	if d := time.Until(in.next); d > 0 {
		in.wait(min(d, idleTurn))
		return false
	}
	src, err := in.open(in.ctx)
	if err != nil {
		if in.ctx.Err() == nil {
			in.fails(err)
		}
		in.next = time.Now().Add(in.retry)
		in.retry = min(2*in.retry, lastRetry)
		return false
	}
	in.src, in.retry = src, firstRetry
	in.tap, _ = src.(tap)
	in.works()
	return true
}

// works notes that the source is there.
func (in *input) works() {
	if in.up.Load() {
		return
	}
	in.up.Store(true)
	in.away, in.since = in.absent(time.Now()), time.Time{}
	if in.told != "" {
		in.told = ""
		in.log.Info("capturing again")
	}
}

// fails tells of a trouble once.
func (in *input) fails(err error) {
	in.up.Store(false)
	in.failed = time.Now()
	if in.since.IsZero() {
		in.since = in.failed
	}
	if text := err.Error(); text != in.told {
		in.told = text
		in.log.Warn("no packets: waiting for the interface", "error", text)
	}
}

// absent is how long no packet could come, until now.
func (in *input) absent(now time.Time) time.Duration {
	if in.since.IsZero() {
		return in.away
	}
	return in.away + now.Sub(in.since)
}

// wait lets time pass, unless the run ends.
func (in *input) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-in.ctx.Done():
	case <-t.C:
	}
}

// end closes the source and keeps its figures.
func (in *input) end() {
	if in.src == nil {
		return
	}
	in.past = in.past.Plus(in.src.Stats())
	in.extra = in.extra.plus(extraOf(in.src))
	_ = in.src.Close() // it is gone
	in.src, in.tap = nil, nil
}

// Stats implements capture.Source.
func (in *input) Stats() capture.Stats {
	if in.src == nil {
		return in.past
	}
	return in.past.Plus(in.src.Stats())
}

// now is the present time as the packets of the source have it, 0 where it
// cannot tell.
func (in *input) now() int64 {
	if s, ok := in.src.(interface{ Now() int64 }); ok {
		return s.Now()
	}
	return 0
}

// more is what live sources tell beside Stats.
func (in *input) more() extra {
	if in.src == nil {
		return in.extra
	}
	return in.extra.plus(extraOf(in.src))
}

// Close implements capture.Source.
func (in *input) Close() error {
	in.end()
	in.up.Store(false)
	return nil
}
