package sensor

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"blindspot/capture"
	"blindspot/capture/ring"
)

// TestAway: the time in which no packet could come is added up, and stands
// still while one may.
func TestAway(t *testing.T) {
	in := newInput(func(context.Context) (capture.Source, error) { return nil, errors.New("no such interface") }, slog.New(slog.DiscardHandler))
	now := time.Now()
	if d := in.absent(now); d != 0 {
		t.Errorf("away for %v before it was tried", d)
	}
	in.ctx = t.Context()
	in.begin()
	if d := in.absent(now.Add(time.Hour)); d < 59*time.Minute || d > time.Hour {
		t.Errorf("away for %v, want an hour", d)
	}
	in.since = time.Now().Add(-2 * time.Hour)
	in.works()
	if d := in.absent(now.Add(9 * time.Hour)); d < 2*time.Hour || d > 2*time.Hour+time.Minute {
		t.Errorf("away for %v, want two hours", d)
	}
	in.fails(errors.New("down"))
	in.since = in.since.Add(-time.Hour)
	if d := in.absent(time.Now()); d < 3*time.Hour || d > 3*time.Hour+time.Minute {
		t.Errorf("away for %v, want three hours", d)
	}
}

// quiet is a source to which nothing comes, or which is down.
type quiet struct{ down bool }

func (q *quiet) Next([]capture.Packet) (int, error) {
	if q.down {
		return 0, ring.ErrDown
	}
	return 0, nil
}
func (*quiet) Stats() capture.Stats { return capture.Stats{} }
func (*quiet) Close() error         { return nil }

// TestQuiet: an interface that is up again works, though nothing comes.
func TestQuiet(t *testing.T) {
	src := &quiet{down: true}
	in := newInput(func(context.Context) (capture.Source, error) { return src, nil }, slog.New(slog.DiscardHandler))
	in.ctx = t.Context()
	next := func() bool {
		t.Helper()
		if n, err := in.Next(make([]capture.Packet, 1)); n != 0 || err != nil {
			t.Fatalf("got %d packets, %v", n, err)
		}
		return in.up.Load()
	}
	if next() {
		t.Error("up while it is down")
	}
	src.down = false
	if next() {
		t.Error("up again at once: it may be about to go")
	}
	in.failed = in.failed.Add(-settled)
	if !next() || in.absent(time.Now()) != in.absent(time.Now().Add(time.Hour)) {
		t.Error("not up, although there is no trouble any more")
	}
}
