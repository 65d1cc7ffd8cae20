package discover

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func observation(name string, client int, outcome Outcome) *Observation {
	o := &Observation{
		Time: noon, Ended: noon, Transport: TCP, Hello: true, ClientRandom: make([]byte, 32),
		Client: netip.AddrPortFrom(client4(client), 40000), Server: netip.MustParseAddrPort("10.0.0.10:443"),
		SNI: name, HasSNI: name != "", Outcome: outcome, CertsHidden: HiddenNoAnswer,
	}
	if outcome == Established {
		o.ServerHello, o.Version, o.CertsHidden = true, "TLS 1.3", HiddenEncrypted
	}
	return o
}

func client4(i int) netip.Addr { return client(i).Addr() }

func TestFold(t *testing.T) {
	a := NewAggregator(AggregatorConfig{Sensor: "s1"})
	for i := range 10 {
		o := observation("api.shop.example", i%3, Established)
		o.Time = noon.Add(time.Duration(i) * time.Minute)
		a.Add(o)
	}
	later := observation("api.shop.example", 9, Established)
	later.Time = noon.Add(time.Hour)
	a.Add(later)
	a.Add(observation("api.shop.example", 1, Unanswered))
	b := a.Drain(false)
	if len(b.All()) != 3 {
		t.Fatalf("got %d sightings, want 3: two buckets, and an outcome of its own", len(b.All()))
	}
	s := b.All()[0]
	if s.Count != 10 || s.Clients.Distinct() != 3 || !s.First.Equal(noon) || !s.Last.Equal(noon.Add(9*time.Minute)) || !s.Bucket.Equal(noon) {
		t.Errorf("got %d handshakes of %d clients from %v to %v in bucket %v", s.Count, s.Clients.Distinct(), s.First, s.Last, s.Bucket)
	}
	if again := a.Drain(false); !again.Empty() {
		t.Errorf("got %d sightings without anything new", len(again.All()))
	}
}

// TestDrainIsCumulative: within a part, a later batch holds the whole figures;
// after forgetting, a new part begins at nothing.
func TestDrainIsCumulative(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	a.Add(observation("a.example", 1, Established))
	a.Drain(false)
	a.Add(observation("a.example", 1, Established))
	b := a.Drain(true)
	if b.Part != 0 || b.All()[0].Count != 2 || b.Visibility[0].Handshakes != 2 {
		t.Errorf("got part %d with %d handshakes, %d counted; want 0, 2, 2", b.Part, b.All()[0].Count, b.Visibility[0].Handshakes)
	}
	a.Add(observation("a.example", 1, Established))
	b = a.Drain(false)
	if b.Part != 1 || b.All()[0].Count != 1 || b.Visibility[0].Handshakes != 1 {
		t.Errorf("got part %d with %d handshakes, %d counted; want 1, 1, 1", b.Part, b.All()[0].Count, b.Visibility[0].Handshakes)
	}
}

func TestRestore(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	a.Add(observation("a.example", 1, Established))
	a.Restore(a.Drain(false))
	if b := a.Drain(false); len(b.All()) != 1 || len(b.Visibility) != 1 {
		t.Errorf("got %d sightings and %d intervals back, want 1 and 1", len(b.All()), len(b.Visibility))
	}
}

// TestNameBounds: names that were only asked for cannot push out those that a
// server went on with, and every handshake beyond a bound is counted.
func TestNameBounds(t *testing.T) {
	a := NewAggregator(AggregatorConfig{MaxNames: 100, MaxAskedNames: 50})
	for i := range 1000 {
		a.Add(observation(fmt.Sprintf("x%d.example", i), i, Unanswered))
	}
	for i := range 110 {
		a.Add(observation(fmt.Sprintf("real%d.example", i), i, Established))
	}
	st := a.Stats()
	if st.AskedOnly != 50 || st.AskedBeyond != 950 || st.Names != 100 || st.NamesBeyond != 10 {
		t.Errorf("got %+v", st)
	}
	var total uint64
	names := map[string]bool{}
	for s, err := range a.Inventory().Sightings {
		if err != nil {
			t.Fatal(err)
		}
		total += s.Count
		names[s.Hostname] = true
	}
	if total != 1110 {
		t.Errorf("got %d handshakes in sightings, want 1110", total)
	}
	for i := range 100 {
		if !names[fmt.Sprintf("real%d.example", i)] {
			t.Errorf("real%d.example is missing", i)
		}
	}
}

func TestSightingBound(t *testing.T) {
	a := NewAggregator(AggregatorConfig{MaxSightings: 20})
	for i := range 100 {
		a.Add(observation(fmt.Sprintf("n%d.example", i), 1, Established))
	}
	if a.Len() > 21 {
		t.Errorf("got %d sightings, want at most 20 and the one for the rest", a.Len())
	}
	var total uint64
	for s := range a.Inventory().Sightings {
		total += s.Count
	}
	if total != 100 || a.Stats().SightingsBeyond != 80 {
		t.Errorf("got %d handshakes and %d beyond the bound, want 100 and 80", total, a.Stats().SightingsBeyond)
	}
}

func TestMonitorsAreAClassOfTheirOwn(t *testing.T) {
	a := NewAggregator(AggregatorConfig{Monitors: []netip.Prefix{client(7)}})
	a.Add(observation("a.example", 7, Established))
	a.Add(observation("a.example", 8, Established))
	classes := map[string]uint64{}
	for s := range a.Inventory().Sightings {
		classes[s.Class] += s.Count
	}
	if classes[ClassMonitor] != 1 || classes[""] != 1 {
		t.Errorf("got %v, want one handshake of each class", classes)
	}
}

func TestSeeCountsOnce(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	a.Add(observation("a.example", 1, Established))
	a.See(Visibility{Packets: 10, Lost: map[string]uint64{"unparsed": 1}, Notes: []string{"one"}}, noon)
	a.See(Visibility{Packets: 25, Lost: map[string]uint64{"unparsed": 3}, Notes: []string{"one", "two"}}, noon.Add(time.Hour))
	v := a.Inventory().Sensor
	if v.Packets != 25 || v.Lost["unparsed"] != 3 || v.Handshakes != 1 || len(v.Notes) != 2 || v.Hidden[HiddenEncrypted] != 1 {
		t.Errorf("got %+v", v)
	}
}

func TestRefusal(t *testing.T) {
	for _, test := range []struct {
		name    string
		outcome Outcome
		alerts  []Alert
		want    string
		cert    bool
	}{
		{"fatal of the client", RefusedByClient, []Alert{{Level: "fatal", Description: "certificate_expired"}}, "client:fatal:certificate_expired", true},
		{"the server's warning is not the client's reason", RefusedByClient, []Alert{{FromServer: true, Level: "warning", Description: "unrecognized_name"}, {Level: "fatal", Description: "unknown_ca"}}, "client:fatal:unknown_ca", true},
		{"protected", RefusedByClient, []Alert{{Protected: true}}, "client:protected", false},
		{"server", RefusedByServer, []Alert{{FromServer: true, Level: "fatal", Description: "unrecognized_name"}}, "server:fatal:unrecognized_name", false},
		{"established", Established, []Alert{{FromServer: true, Level: "warning", Description: "unrecognized_name"}}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Observation{Outcome: test.outcome, Alerts: test.alerts}
			k := Key{Alert: alertWord(o.Refusal())}
			if k.Alert != test.want || k.RefusedCertificate() != test.cert {
				t.Errorf("got %q, certificate %v; want %q, %v", k.Alert, k.RefusedCertificate(), test.want, test.cert)
			}
		})
	}
}
