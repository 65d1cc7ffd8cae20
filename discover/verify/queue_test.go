package verify

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func queued(i int) Target {
	return Target{Place: Place{Hostname: fmt.Sprintf("n%d.example", i), Server: netip.MustParseAddrPort("10.0.0.1:443")}, Why: Hidden}
}

func anywhere(netip.AddrPort) bool { return true }

func TestQueue(t *testing.T) {
	now := time.Now()
	q := NewQueue(QueueConfig{MaxWaiting: 3, MaxAsked: 2, Interval: time.Hour})
	steps := []struct {
		what string
		did  bool
		want bool
	}{
		{"a new place", q.Add(queued(1), now), true},
		{"one that waits", q.Add(queued(1), now), false},
		{"a second", q.Add(queued(2), now), true},
		{"a third", q.Add(queued(3), now), true},
		{"one too many", q.Add(queued(4), now), false},
	}
	for _, s := range steps {
		if s.did != s.want {
			t.Errorf("%s: got %v, want %v", s.what, s.did, s.want)
		}
	}
	if got := q.next(func(netip.AddrPort) bool { return false }); got != nil {
		t.Errorf("got %v of an endpoint that is busy", got)
	}
	for i := 1; i <= 3; i++ {
		if got := q.next(anywhere); got == nil || got.Hostname != queued(i).Hostname {
			t.Fatalf("got %v, want place %d", got, i)
		}
		p := queued(i).Place
		q.done(&p, now)
	}
	if got := q.next(anywhere); got != nil {
		t.Errorf("got %v of an empty queue", got)
	}
	changed := queued(3)
	changed.Why = Changed
	for _, s := range []struct {
		what   string
		target Target
		after  time.Duration
		want   bool
	}{
		{"asked a minute ago", queued(3), time.Minute, false},
		{"changed, asked a minute ago", changed, time.Minute, false},
		{"changed, asked a while ago", changed, 11 * time.Minute, true},
		{"forgotten, for there was no room", queued(1), time.Minute, true},
		{"due", queued(2), time.Hour, true},
	} {
		if got := q.Add(s.target, now.Add(s.after)); got != s.want {
			t.Errorf("%s: got %v, want %v", s.what, got, s.want)
		}
	}
	want := QueueStats{Added: 6, Repeated: 3, Beyond: 1, Forgotten: 1, Waiting: 3, Asked: 2}
	if got := q.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
