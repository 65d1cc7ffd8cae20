package watch

import (
	"context"
	"sync/atomic"
	"time"

	"blindspot/discover"
	"blindspot/discover/verify"
	"blindspot/store"
)

// Verify says how endpoints are asked.
type Verify struct {
	Rate    float64
	Due     time.Duration // after which a place is asked again
	Network string
}

// asking asks endpoints for what the wire hides, within scope and rate.
type asking struct {
	cfg   *Config
	queue *verify.Queue
	fold  *discover.Aggregator
	out   *store.Writer
	told  string // the trouble with the store that the log knows of
	// outside notes that the log knows that nothing is in scope.
	outside bool

	answered, failed atomic.Uint64
}

func newAsking(cfg *Config) *asking {
	return &asking{
		cfg:   cfg,
		queue: verify.NewQueue(verify.QueueConfig{Interval: cfg.Verify.Due}),
		fold:  discover.NewAggregator(discover.AggregatorConfig{Sensor: cfg.Sensor, SketchKey: cfg.Store.SketchKey()}),
	}
}

// Looks counts the endpoints that answered, that did not, and that wait to be
// asked.
func (w *Watcher) Looks() (answered, failed, waiting uint64) {
	if w.asking == nil {
		return 0, 0, 0
	}
	return w.asking.answered.Load(), w.asking.failed.Load(), uint64(w.asking.queue.Stats().Waiting)
}

// plan puts into the queue whom to ask.
func (a *asking) plan(inv *discover.Inventory, s *Settings, now time.Time) error {
	plan, err := verify.ToAsk(inv, s.Coverage.Within(s.Checks), verify.Options{
		Now: now, Due: a.cfg.Verify.Due, Network: a.cfg.Verify.Network, Monitors: s.Coverage.MonitorSources,
	})
	if err != nil {
		return err
	}
	if len(plan.Targets)+plan.Seen == 0 && plan.OutOfScope > 0 && !a.outside {
		a.outside = true
		a.cfg.Log.Warn("no endpoint in use is in scope: nobody is asked for a certificate", "out_of_scope", plan.OutOfScope, "do", "say what is ours in the section scope of the configuration file, or with --scope all")
	}
	for i := range plan.Targets {
		a.queue.Add(plan.Targets[i], now)
	}
	return nil
}

// run asks until ctx ends.
func (a *asking) run(ctx context.Context) {
	asker := verify.Asker{Rate: a.cfg.Verify.Rate, Began: func(t *verify.Target) {
		a.cfg.Log.Info("asking for a certificate", "endpoint", t.Server.String(), "hostname", t.Hostname, "why", string(t.Why))
	}}
	_ = asker.Serve(ctx, a.queue, a.take) // it ends with ctx
	if a.out != nil {
		if _, err := a.out.Finish(""); err != nil {
			a.trouble(err)
		}
	}
}

// take stores an answer. What the store does not take now, it gets with the
// next one.
func (a *asking) take(r verify.Result) {
	if r.Err != nil {
		a.failed.Add(1)
		a.cfg.Log.Info("no certificate", "endpoint", r.Target.Server.String(), "hostname", r.Target.Hostname, "error", r.Err)
		return
	}
	a.answered.Add(1)
	a.fold.Add(r.Observation)
	b := a.fold.Drain(false)
	if err := a.store(b); err != nil {
		a.fold.Restore(b)
		a.trouble(err)
		return
	}
	a.told = ""
}

func (a *asking) store(b *discover.Batch) (err error) {
	if a.out == nil {
		src := discover.Source{Kind: "verify", Name: time.Now().UTC().Format(time.RFC3339), Sensor: a.cfg.Sensor}
		if a.out, err = a.cfg.Store.Start(src); err != nil {
			a.out = nil
			return err
		}
	}
	return a.out.Write(b)
}

func (a *asking) trouble(err error) {
	if text := err.Error(); text != a.told {
		a.told = text
		a.cfg.Log.Error("what endpoints presented is not stored yet", "error", text)
	}
}
