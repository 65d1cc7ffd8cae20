package sensor

import (
	"context"
	"testing"
	"time"

	"blindspot/capture"
	"blindspot/discover"
)

// TestEndLate: what a busy machine does not tell of in time at the end of the
// run is counted, and is no answer short of that time.
func TestEndLate(t *testing.T) {
	s, err := New(Config{Interfaces: []string{"mirror0"}, Open: func(context.Context, string, int) (capture.Source, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	w := s.workers[0]
	o := &discover.Observation{Hello: true}
	for _, c := range []struct {
		name       string
		ended      time.Time
		told, lost int
	}{
		{"running", time.Time{}, 1, 0},
		{"ending", time.Now(), 2, 0},
		{"late", time.Now().Add(-telling - time.Second), 2, 1},
	} {
		w.in.ended = c.ended
		w.emit(o)
		w.tell(true)
		if told, lost := len(w.pending.observations), w.pending.sight.visibility.Lost["ending"]; told != c.told || lost != uint64(c.lost) {
			t.Errorf("%s: %d handshakes told and %d left out, want %d and %d", c.name, told, lost, c.told, c.lost)
		}
	}
}
