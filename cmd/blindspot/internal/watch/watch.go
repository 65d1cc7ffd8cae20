// Package watch asks, beside a sensor that runs, what the traffic in its store
// means: which findings there are, and whom to ask for a hidden certificate. It
// reads the store and never meets a packet.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/discover/monitored"
	"blindspot/store"
)

const (
	// Every is how often findings are looked for, and Window the traffic that
	// they are about.
	Every  = time.Minute
	Window = 24 * time.Hour
	// idleShare is how much longer than a look the pause after it is: no more
	// than a twentieth of a processor goes into it.
	idleShare = 19
	// maxSightings bounds what is compared beside a sensor. Larger stores are
	// for 'blindspot gap'.
	maxSightings = 300_000
	// maxTold bounds the findings that are told one by one after a look, and
	// maxKnown those that are remembered as told.
	maxTold  = 20
	maxKnown = 100_000
)

// Settings are what a configuration says. They can be replaced while it runs.
type Settings struct {
	// Judge says that there is something to judge by: checks, or a scope.
	Judge    bool
	Checks   *monitored.Result
	Coverage coverage.Config
}

// Config says what is watched.
type Config struct {
	Store  *store.DB
	Sensor string
	Every  time.Duration // 0 is Every
	Verify *Verify       // nil: nobody is asked
	Log    *slog.Logger
}

// Count is how many findings there are of a kind.
type Count struct {
	Kind     string
	Severity discover.Severity
	N        int
}

// Found is what the last look found.
type Found struct {
	Counts []Count
	Total  int
	At     time.Time
}

// Watcher looks at a store again and again.
type Watcher struct {
	cfg      Config
	settings atomic.Pointer[Settings]
	found    atomic.Pointer[Found]
	again    chan struct{}
	asking   *asking // nil: nobody is asked

	known   map[string]bool // findings that were told
	began   bool            // the first look is over
	large   bool            // it was told that the store is too large
	failing string
}

// New returns a Watcher with the settings to begin with.
func New(cfg Config, s *Settings) *Watcher {
	if cfg.Every <= 0 {
		cfg.Every = Every
	}
	w := &Watcher{cfg: cfg, again: make(chan struct{}, 1), known: map[string]bool{}}
	w.settings.Store(s)
	if cfg.Verify != nil {
		w.asking = newAsking(&w.cfg)
	}
	return w
}

// Apply replaces the settings, and has them looked at soon.
func (w *Watcher) Apply(s *Settings) {
	w.settings.Store(s)
	select {
	case w.again <- struct{}{}:
	default:
	}
}

// Found returns what the last look found, nil before the first.
func (w *Watcher) Found() *Found { return w.found.Load() }

// Run looks until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	if w.asking != nil {
		work.Go(func() { w.asking.run(ctx) })
	}
	pause := w.cfg.Every / 4 // the first flush is to be over
	for {
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		case <-w.again:
			t.Stop()
		}
		began := time.Now()
		w.look(ctx, began)
		pause = max(w.cfg.Every, idleShare*time.Since(began))
	}
}

// errLarge ends a comparison that would cost too much.
var errLarge = fmt.Errorf("more than %d sightings", maxSightings)

// look looks once.
func (w *Watcher) look(ctx context.Context, now time.Time) {
	err := w.try(ctx, now)
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errLarge):
		if !w.large {
			w.cfg.Log.Info("the traffic of the last day is too much to be compared beside the sensor: findings are told by 'blindspot gap' alone", "error", err)
		}
		w.large = true
		w.found.Store(nil)
	case err != nil:
		if err.Error() != w.failing {
			w.cfg.Log.Warn("findings cannot be looked for", "error", err)
		}
		w.failing = err.Error()
	default:
		w.large, w.failing = false, ""
	}
}

func (w *Watcher) try(ctx context.Context, now time.Time) error {
	s := w.settings.Load()
	if s.Judge {
		inv, err := w.inventory(ctx, now)
		if err != nil {
			return err
		}
		cfg := s.Coverage
		cfg.Now, cfg.SketchKey = now.UTC(), w.cfg.Store.SketchKey()
		res, err := coverage.Compare(inv, s.Checks, cfg)
		if err != nil {
			return err
		}
		w.take(res, now)
	}
	if w.asking == nil {
		return nil
	}
	inv, err := w.inventory(ctx, now)
	if err != nil {
		return err
	}
	return w.asking.plan(inv, s, now)
}

// inventory is the traffic of the window, whose walk ends with ctx and with the
// bound.
func (w *Watcher) inventory(ctx context.Context, now time.Time) (*discover.Inventory, error) {
	inv, err := w.cfg.Store.Inventory(store.Query{Since: now.Add(-Window), Sensor: w.cfg.Sensor})
	if err != nil {
		return nil, err
	}
	all := inv.Sightings
	inv.Sightings = func(yield func(*discover.Sighting, error) bool) {
		n := 0
		for s, err := range all {
			if n++; err == nil && n > maxSightings {
				err = errLarge
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(s, nil) {
				return
			}
		}
	}
	return inv, nil
}
