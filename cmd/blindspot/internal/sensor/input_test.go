package sensor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/capture"
	"blindspot/capture/ring"
)

// script is a source that answers as it is told.
type script struct {
	answers []error // nil: a packet
	stats   capture.Stats
	closed  bool
}

func (s *script) Next(batch []capture.Packet) (int, error) {
	if len(s.answers) == 0 {
		return 0, nil
	}
	err := s.answers[0]
	s.answers = s.answers[1:]
	if err != nil {
		return 0, err
	}
	s.stats.Packets++
	batch[0] = capture.Packet{Number: s.stats.Packets}
	return 1, nil
}
func (s *script) Stats() capture.Stats { return s.stats }
func (s *script) Close() error         { s.closed = true; return nil }

// TestInput: an interface that is down is waited for, one that is gone is opened
// again, and the figures go on.
func TestInput(t *testing.T) {
	down := &ring.Error{Interface: "mirror0", Err: ring.ErrDown}
	gone := &ring.Error{Interface: "mirror0", Err: ring.ErrGone}
	first := &script{answers: []error{nil, down, down, nil, gone}}
	second := &script{answers: []error{nil, nil}}
	opens := 0
	var log strings.Builder
	in := newInput(func(context.Context) (capture.Source, error) {
		switch opens++; opens {
		case 1:
			return first, nil
		case 2:
			return nil, &ring.Error{Interface: "mirror0", Err: ring.ErrNoInterface}
		case 3:
			return second, nil
		}
		return nil, errors.New("opened too often")
	}, slog.New(slog.NewTextHandler(&log, nil)))
	in.retry = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	in.ctx = ctx
	var ups []bool
	packets := 0
	for in.Stats().Packets < 4 {
		n, err := in.Next(make([]capture.Packet, 1))
		if err != nil {
			t.Fatal(err)
		}
		packets += n
		if n > 0 || !in.up.Load() {
			if len(ups) == 0 || ups[len(ups)-1] != in.up.Load() {
				ups = append(ups, in.up.Load())
			}
		}
	}
	if want := []bool{true, false, true, false, true}; !slices.Equal(ups, want) {
		t.Errorf("up was %v, want %v", ups, want)
	}
	if packets != 4 || !first.closed || opens != 3 {
		t.Errorf("%d packets of %d sources, the first closed: %v; want 4, 3 and true", packets, opens, first.closed)
	}
	if n := strings.Count(log.String(), "no packets"); n != 3 { // down, gone, and no such interface
		t.Errorf("told %d times:\n%s", n, &log)
	}
	if n := strings.Count(log.String(), "capturing again"); n != 2 {
		t.Errorf("told %d times that it goes on:\n%s", n, &log)
	}
	cancel()
	for range 1000 { // what the ring holds is read first
		if _, err := in.Next(make([]capture.Packet, 1)); errors.Is(err, io.EOF) {
			return
		}
	}
	t.Error("no end after the end")
}
