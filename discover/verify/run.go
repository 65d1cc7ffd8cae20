package verify

import (
	"context"
	"net/netip"
	"time"

	"blindspot/discover"
)

// Result is what one look gave: an observation, or why there is none.
type Result struct {
	Target      *Target
	Observation *discover.Observation
	Err         error
}

// supply gives out targets. next returns one whose endpoint is free, nil where
// there is none now; more tells of new ones, nil where none will come.
type supply struct {
	next func(free func(netip.AddrPort) bool) *Target
	more <-chan struct{}
}

// Run asks targets at the asker's rate, one at a time per endpoint, and calls
// emit with each result, one at a time. It ends when all are asked, or with the
// context's error; looks under way are then broken off and told of, too.
func (a *Asker) Run(ctx context.Context, targets []Target, emit func(Result)) error {
	left := make([]*Target, len(targets))
	for i := range targets {
		left[i] = &targets[i]
	}
	return a.serve(ctx, emit, supply{next: func(free func(netip.AddrPort) bool) *Target {
		for i, t := range left {
			if free(t.Server) {
				left = append(left[:i], left[i+1:]...)
				return t
			}
		}
		return nil
	}})
}

// Serve asks what comes into q until the context ends, as Run does, and tells q
// what was asked.
func (a *Asker) Serve(ctx context.Context, q *Queue, emit func(Result)) error {
	return a.serve(ctx, func(r Result) {
		q.done(&r.Target.Place, time.Now())
		emit(r)
	}, supply{next: q.next, more: q.more})
}

// serve is the one loop: it alone begins looks and hands out results.
func (a *Asker) serve(ctx context.Context, emit func(Result), from supply) error {
	rate := a.Rate
	if rate <= 0 {
		rate = DefaultRate
	}
	every := time.Duration(float64(time.Second) / rate)
	busy := map[netip.AddrPort]bool{}
	free := func(e netip.AddrPort) bool { return !busy[e] }
	done := make(chan Result)
	slot := time.NewTimer(0) // fires when the next look may begin
	defer slot.Stop()
	open := false // a look may begin
	end := func(r Result) {
		delete(busy, r.Target.Server)
		emit(r)
	}
	defer func() { // looks under way end with the context
		for range len(busy) {
			end(<-done)
		}
	}()
	for {
		if open && len(busy) < maxParallel && ctx.Err() == nil {
			if t := from.next(free); t != nil {
				busy[t.Server], open = true, false
				slot.Reset(every)
				if a.Began != nil {
					a.Began(t)
				}
				go func() {
					o, err := a.Ask(ctx, t)
					done <- Result{t, o, err}
				}()
				continue
			}
			if len(busy) == 0 && from.more == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-slot.C:
			open = true
		case r := <-done:
			end(r)
		case <-from.more:
		}
	}
}
