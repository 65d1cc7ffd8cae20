package discover

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// plaintext is a session of a client that stayed in the clear at a mail server.
func plaintext(state string, client int, after time.Duration) *Observation {
	return &Observation{
		Time: noon.Add(after), Ended: noon.Add(after), Transport: TCP, Preface: "smtp", Offer: state,
		Client: netip.AddrPortFrom(client4(client), 40000), Server: netip.MustParseAddrPort("10.0.0.25:25"),
	}
}

func TestOffersFold(t *testing.T) {
	a := NewAggregator(AggregatorConfig{Monitors: []netip.Prefix{client(7)}})
	elsewhere := plaintext(OfferDeclined, 1, 0)
	elsewhere.Network = "plant"
	tunnelled := plaintext(OfferDeclined, 1, 0)
	tunnelled.Preface, tunnelled.Target = "http-connect+smtp", "mx.shop.example:25"
	for _, o := range []*Observation{
		plaintext(OfferDeclined, 1, time.Minute), plaintext(OfferDeclined, 2, 0), plaintext(OfferDeclined, 1, time.Hour),
		plaintext(OfferRefused, 1, 0), plaintext(OfferDeclined, 7, 0), elsewhere, tunnelled,
	} {
		a.Add(o)
	}
	inv := a.Inventory()
	type row struct {
		network, target, preface, state, class string
		count, clients                         uint64
	}
	var got []row
	for _, c := range inv.Offers {
		got = append(got, row{c.Network, c.Target, c.Preface, c.State, c.Class, c.Count, c.Clients.Distinct()})
	}
	want := []row{
		{"", "", "smtp", OfferDeclined, "", 3, 2},
		{"", "", "smtp", OfferDeclined, ClassMonitor, 1, 1},
		{"", "", "smtp", OfferRefused, "", 1, 1},
		{"", "mx.shop.example:25", "http-connect+smtp", OfferDeclined, "", 1, 1},
		{"plant", "", "smtp", OfferDeclined, "", 1, 1},
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v\nwant %v", got, want)
	}
	if c := inv.Offers[0]; !c.First.Equal(noon) || !c.Last.Equal(noon.Add(time.Hour)) || c.Clients.Exact[0].Count != 2 {
		t.Errorf("got from %v to %v, clients %v; want an hour from noon, who came twice first", c.First, c.Last, c.Clients.Exact)
	}
	if !inv.First.Equal(noon) || !inv.Last.Equal(noon.Add(time.Hour)) {
		t.Errorf("got traffic from %v to %v, want the hour of the sessions", inv.First, inv.Last)
	}
}

// TestOfferIsNoHandshake: what stayed in the clear is in no figure of TLS.
func TestOfferIsNoHandshake(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	o := plaintext(OfferRefused, 1, 0)
	a.Add(o)
	b := a.Drain(false)
	if o.Handshake() || a.Stats().Handshakes != 0 || a.Len() != 0 || b.Len()+len(b.Visibility) != 0 || b.Empty() {
		t.Errorf("handshake %v, counted %d, %d sightings held, batch %+v", o.Handshake(), a.Stats().Handshakes, a.Len(), b)
	}
}

// TestOffersDrain: a batch holds the offers that changed, with the whole
// figures of their part.
func TestOffersDrain(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	a.Add(plaintext(OfferRefused, 1, 0))
	a.Add(plaintext(OfferDeclined, 1, 0))
	if b := a.Drain(false); len(b.Offers) != 2 {
		t.Errorf("first batch: got %d offers, want 2", len(b.Offers))
	}
	if b := a.Drain(false); !b.Empty() {
		t.Errorf("got %d offers without anything new", len(b.Offers))
	}
	a.Add(plaintext(OfferRefused, 2, 0))
	b := a.Drain(false)
	if len(b.Offers) != 1 || b.Offers[0].State != OfferRefused || b.Offers[0].Count != 2 {
		t.Fatalf("got %+v, want the one that changed with both sessions", b.Offers)
	}
	a.Restore(b)
	if b = a.Drain(false); len(b.Offers) != 1 || b.Offers[0].Count != 2 {
		t.Errorf("given back: got %+v, want the same again", b.Offers)
	}
	a.Add(plaintext(OfferRefused, 3, 0))
	if b = a.Drain(true); len(b.Offers) != 1 || b.Offers[0].Count != 3 || b.Part != 0 {
		t.Errorf("the last of its part: got %+v in part %d, want 3 sessions in part 0", b.Offers, b.Part)
	}
	a.Add(plaintext(OfferRefused, 3, 0))
	if b = a.Drain(false); len(b.Offers) != 1 || b.Offers[0].Count != 1 || b.Part != 1 {
		t.Errorf("forgotten: got %+v in part %d, want 1 session in part 1", b.Offers, b.Part)
	}
}

// TestOfferBound: beyond the bound sessions are counted, and those of offers
// that are known go on to be folded.
func TestOfferBound(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	for i := range maxOffers + 10 {
		o := plaintext(OfferDeclined, 1, 0)
		o.Server = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 25)
		a.Add(o)
	}
	first := plaintext(OfferDeclined, 1, 0)
	first.Server = netip.MustParseAddrPort("10.0.0.0:25")
	a.Add(first)
	a.See(Visibility{Packets: 1}, noon)
	inv := a.Inventory()
	if len(inv.Offers) != maxOffers || a.Stats().OffersBeyond != 10 || inv.Sensor.Lost["offers"] != 10 {
		t.Errorf("got %d offers, %d beyond, %d lost; want %d, 10, 10", len(inv.Offers), a.Stats().OffersBeyond, inv.Sensor.Lost["offers"], maxOffers)
	}
	if inv.Offers[0].Count != 2 {
		t.Errorf("got %d sessions of a known offer, want 2", inv.Offers[0].Count)
	}
}

func TestOfferOrigin(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	for i := range 2 {
		o := plaintext(OfferDeclined, 1, 0)
		o.Preface, o.ClientOrigin = "proxy-v1+smtp", netip.AddrPortFrom(client4(10+i), 5000)
		a.Add(o)
	}
	if c := a.Inventory().Offers[0]; c.Clients.Distinct() != 2 {
		t.Errorf("got %v, want the two clients that the PROXY headers name", c.Clients.Exact)
	}
}
