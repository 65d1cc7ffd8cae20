package sensor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"blindspot/capture"
	"blindspot/discover"
	"blindspot/store"
)

// stopped is a sensor whose folder is driven by the test.
func stopped(t *testing.T, cfg Config) *Sensor {
	t.Helper()
	cfg.Interfaces = []string{"mirror0"}
	cfg.Open = func(context.Context, string, int) (capture.Source, error) { return nil, errors.New("none") }
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	someClient = netip.MustParseAddrPort("10.0.0.7:51034")
	someServer = netip.MustParseAddrPort("10.0.0.10:443")
	noon       = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// asked is a handshake that asked for a name, answered or not.
func asked(name string, at time.Time, answered bool) *discover.Observation {
	o := &discover.Observation{Time: at, Ended: at, Transport: discover.TCP, Client: someClient, Server: someServer, SNI: name, HasSNI: true, Hello: true, Outcome: discover.Unanswered}
	if answered {
		o.ServerHello, o.Version, o.Outcome = true, "TLS 1.3", discover.Established
	}
	return o
}

func tell(f *folder, at time.Time, list ...*discover.Observation) {
	f.take(&batch{observations: list, sight: &Sight{visibility: discover.Visibility{Packets: uint64(len(list)), Lost: map[string]uint64{}}, at: at}})
}

// TestHours: when the traffic has come to another hour the aggregator begins
// anew, its memory of names too, and the store adds up all the same.
func TestHours(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "live.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := stopped(t, Config{Store: db, Flush: time.Nanosecond})
	stored := make(chan struct{})
	go func() { defer close(stored); s.storer.run(t.Context(), t.Context()) }()
	const hours, each = 5, 20
	for h := range hours {
		at := noon.Add(time.Duration(h) * time.Hour)
		for i := range each {
			tell(s.folder, at, asked(fmt.Sprintf("host%d.example", i), at, true))
		}
		for range 2 { // the first finds that the hour has turned
			s.folder.turn(time.Now().Add(time.Hour))
			s.storer.wait(t.Context())
		}
		if n := s.folder.aggregator.Stats().Names; n > each {
			t.Errorf("hour %d: %d names in memory, want %d at most", h, n, each)
		}
		if n := s.folder.aggregator.Len(); n > 2*each {
			t.Errorf("hour %d: %d sightings in memory", h, n)
		}
	}
	s.folder.end(t.Context())
	<-stored
	if handshakes, names, seen := total(t, db); handshakes != hours*each || names != each || seen.Handshakes != hours*each {
		t.Errorf("got %d handshakes of %d names, %d in the figures; want %d, %d", handshakes, names, seen.Handshakes, hours*each, each)
	}
}

// TestFloodOfNames: names that were only asked for have a bound within an hour;
// what is beyond is counted, and names that are served are all there.
func TestFloodOfNames(t *testing.T) {
	const bound, flood, real = 50, 5000, 200
	s := stopped(t, Config{Aggregator: discover.AggregatorConfig{MaxAskedNames: bound}, HostnameLabels: 10})
	for i := range flood {
		tell(s.folder, noon, asked(fmt.Sprintf("x%d.flood.example", i), noon, false))
		if i%(flood/real) == 0 {
			tell(s.folder, noon, asked(fmt.Sprintf("real%d.example", i), noon, true))
		}
	}
	s.folder.turn(time.Now())
	f := s.folding.Load()
	if f.Stats.Names != real || f.Stats.AskedOnly != bound || f.Stats.AskedBeyond != flood-bound {
		t.Errorf("got %d names in use, %d asked, %d beyond; want %d, %d, %d", f.Stats.Names, f.Stats.AskedOnly, f.Stats.AskedBeyond, real, bound, flood-bound)
	}
	if f.Stats.Handshakes != flood+real {
		t.Errorf("%d handshakes, want %d", f.Stats.Handshakes, flood+real)
	}
	sum := f.Other
	for _, h := range f.Hostnames {
		sum += h.Count
	}
	if len(f.Hostnames) != 10 || sum != real {
		t.Errorf("%d hostnames as labels with %d handshakes in all, want 10 and %d", len(f.Hostnames), sum, real)
	}
}

// TestSightingsBound: without a store that takes them sightings are held up to
// their bound, and what is beyond is counted.
func TestSightingsBound(t *testing.T) {
	const bound, all = 30, 100
	db, err := store.Open(filepath.Join(t.TempDir(), "live.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := stopped(t, Config{Store: db, Aggregator: discover.AggregatorConfig{MaxSightings: bound}})
	<-s.storer.ready // a batch is under way, and never ends
	for i := range all {
		tell(s.folder, noon, asked(fmt.Sprintf("host%d.example", i), noon, true))
	}
	s.folder.turn(time.Now().Add(time.Hour))
	f := s.folding.Load()
	if f.Stats.Handshakes != all || f.Stats.SightingsBeyond != all-bound || f.Sightings > bound+1 {
		t.Errorf("got %d handshakes, %d beyond, %d sightings held; want %d, %d, %d", f.Stats.Handshakes, f.Stats.SightingsBeyond, f.Sightings, all, all-bound, bound)
	}
}

func TestClients(t *testing.T) {
	v4, v6 := netip.MustParseAddrPort("10.1.2.3:51034"), netip.MustParseAddrPort("[2001:db8:1:2::3]:51034")
	none := netip.AddrPort{}
	tests := []struct {
		kept             Clients
		give, want       netip.AddrPort
		origin, wantFrom netip.AddrPort
	}{
		{"", v4, v4, v6, v6},
		{KeepClients, v4, v4, v6, v6},
		{KeepPrefix, v4, netip.MustParseAddrPort("10.1.2.0:0"), v6, netip.MustParseAddrPort("[2001:db8:1::]:0")},
		{KeepPrefix, v6, netip.MustParseAddrPort("[2001:db8:1::]:0"), none, none},
		{KeepNone, v4, none, v6, none},
	}
	for _, tt := range tests {
		t.Run(string(tt.kept)+" "+tt.give.String(), func(t *testing.T) {
			o := &discover.Observation{Client: tt.give, ClientOrigin: tt.origin}
			tt.kept.reduce(o)
			if o.Client != tt.want || o.ClientOrigin != tt.wantFrom {
				t.Errorf("got %v and %v, want %v and %v", o.Client, o.ClientOrigin, tt.want, tt.wantFrom)
			}
		})
	}
}

// TestMonitorsKnownWithoutClients: whose handshakes are the checks' own is
// decided before the address is taken away.
func TestMonitorsKnownWithoutClients(t *testing.T) {
	s := stopped(t, Config{Clients: KeepNone, Aggregator: discover.AggregatorConfig{Monitors: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")}}})
	o := asked("shop.example", noon, true)
	tell(s.folder, noon, o)
	for x, err := range s.folder.aggregator.Inventory().Sightings {
		if err != nil || x.Class != discover.ClassMonitor || len(x.Clients.Exact) != 0 {
			t.Errorf("got class %q and clients %v, %v; want %q and none", x.Class, x.Clients.Exact, err, discover.ClassMonitor)
		}
	}
	if o.Client.IsValid() {
		t.Errorf("the client %v is still there", o.Client)
	}
}
