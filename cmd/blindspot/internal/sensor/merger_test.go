package sensor

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"blindspot/discover"
)

// seen is a handshake on its way: which one, on which ends, when.
func seen(which byte, client, server string, begin, end time.Duration) *discover.Observation {
	return &discover.Observation{
		Time: noon.Add(begin), Ended: noon.Add(end), Transport: discover.TCP,
		Client: netip.MustParseAddrPort(client), Server: netip.MustParseAddrPort(server),
		Hello: true, ServerHello: true,
		ClientRandom: bytes.Repeat([]byte{which}, 32), ServerRandom: bytes.Repeat([]byte{which ^ 0x55}, 32),
	}
}

// TestMerger: what two workers saw is one handshake, in whatever order they tell
// of it.
func TestMerger(t *testing.T) {
	const front, back = "192.0.2.1:443", "10.0.0.2:8443"
	ms := time.Millisecond
	// From the outside to the load balancer, and from it to the server.
	outside := func() *discover.Observation { return seen(1, "198.51.100.9:1025", front, 0, 30*ms) }
	inside := func() *discover.Observation { return seen(1, "10.0.0.1:40000", back, 1*ms, 29*ms) }
	other := func() *discover.Observation { return seen(2, "198.51.100.9:1026", front, 5*ms, 20*ms) }
	unlike := func() *discover.Observation { // the same hello, another answer: a scanner
		o := seen(1, "198.51.100.9:1027", "192.0.2.7:443", 2*ms, 10*ms)
		o.ServerRandom = bytes.Repeat([]byte{9}, 32)
		return o
	}
	late := func() *discover.Observation {
		return seen(1, "10.0.0.1:40001", back, 2000*ms, 2010*ms)
	}
	type from struct {
		worker int
		o      *discover.Observation
	}
	tests := []struct {
		name string
		told []from
		want []string // server, and from where it was passed on
	}{
		{"the outside first", []from{{0, outside()}, {1, inside()}}, []string{back + " from " + front, front}},
		{"the inside first", []from{{1, inside()}, {0, outside()}}, []string{back + " from " + front, front}},
		{"in the order of their ends", []from{{0, outside()}, {1, other()}}, []string{front, front}},
		{"the same ends twice", []from{{0, outside()}, {1, outside()}}, []string{front}},
		{"another answer", []from{{0, outside()}, {1, unlike()}}, []string{"192.0.2.7:443", front}},
		{"too late to be a hop", []from{{0, outside()}, {1, late()}}, []string{front, back}},
		{"by one worker: its table has looked", []from{{0, outside()}, {0, inside()}}, []string{back, front}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			m := newMerger(2, func(o *discover.Observation) {
				line := o.Server.String()
				if o.HopFrom.IsValid() {
					line += " from " + o.HopFrom.String()
				}
				got = append(got, line)
			})
			for _, x := range tt.told {
				m.take(&batch{worker: x.worker, observations: []*discover.Observation{x.o}, clock: x.o.Ended.UnixNano()})
			}
			m.end()
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestMergerWaits: nothing is told before all workers have come past it, but a
// worker without a source is not waited for.
func TestMergerWaits(t *testing.T) {
	var got int
	m := newMerger(3, func(*discover.Observation) { got++ })
	clock := func(d time.Duration) int64 { return noon.Add(d).UnixNano() }
	steps := []struct {
		batch batch
		want  int
	}{
		{batch{worker: 0, observations: []*discover.Observation{seen(1, "10.0.0.1:1", "10.0.0.2:443", 0, time.Second)}, clock: clock(time.Minute)}, 0},
		{batch{worker: 1, clock: clock(time.Second)}, 0},
		{batch{worker: 2, clock: noClock}, 0},
		{batch{worker: 1, clock: clock(time.Second + hopWithin)}, 1},
	}
	for i, s := range steps {
		m.take(&s.batch)
		if got != s.want {
			t.Errorf("step %d: %d told, want %d", i, got, s.want)
		}
	}
	m.take(&batch{worker: 0, observations: []*discover.Observation{seen(2, "10.0.0.1:1", "10.0.0.2:443", 0, time.Hour)}, clock: clock(time.Hour)})
	m.age(time.Now().Add(mergeWait + time.Second))
	if got != 2 {
		t.Errorf("a worker stands still: %d told, want 2", got)
	}
}

// TestMergerBound: what waits is bounded, and nothing of it is lost.
func TestMergerBound(t *testing.T) {
	got := 0
	m := newMerger(2, func(*discover.Observation) { got++ })
	const all = maxMerging + 1000
	for i := range all {
		o := seen(0, "10.0.0.1:1", "10.0.0.2:443", 0, time.Hour)
		copy(o.ClientRandom, fmt.Sprintf("%020d", i))
		copy(o.ClientRandom[24:], fmt.Sprintf("%08d", i))
		m.take(&batch{worker: 0, observations: []*discover.Observation{o}})
		if m.held() > maxMerging {
			t.Fatalf("%d wait, want %d at most", m.held(), maxMerging)
		}
	}
	m.end()
	if got != all {
		t.Errorf("%d told, want %d", got, all)
	}
}
