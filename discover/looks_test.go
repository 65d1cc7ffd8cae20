package discover

import "testing"

// TestLooksAreNoUse: our own looks are sightings, and count as nothing.
func TestLooksAreNoUse(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	o := observation("api.shop.example", 1, Established)
	o.Class, o.CertsFrom, o.CertsHidden = ClassVerify, FromVerify, ""
	o.Chain = []Fingerprint{FingerprintOf([]byte("leaf"))}
	a.Add(o)
	if s := a.Stats(); s.Handshakes != 0 || s.Names != 0 || s.AskedOnly != 0 {
		t.Errorf("got %+v, want no handshake and no name", s)
	}
	inv := a.Inventory()
	if !inv.First.IsZero() || inv.Sensor.Handshakes != 0 {
		t.Errorf("got traffic since %v, %d handshakes, want none", inv.First, inv.Sensor.Handshakes)
	}
	b := a.Drain(false)
	if len(b.All()) != 1 || len(b.Visibility) != 0 {
		t.Fatalf("got %d sightings and %d intervals, want the look and none", len(b.All()), len(b.Visibility))
	}
	s := b.All()[0]
	if s.InUse() || s.Hostname != "api.shop.example" || s.Known != FromVerify || s.Chain.IsZero() || s.Count != 1 {
		t.Errorf("got %+v, in use: %v, want the name with its chain, not in use", s.Key, s.InUse())
	}
}
