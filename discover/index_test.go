package discover

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// TestNameSet: a set finds what is in it and nothing else, also where all names
// have one of few hashes.
func TestNameSet(t *testing.T) {
	for _, test := range []struct {
		name string
		hash func(i int) uint32
	}{
		{"one hash", func(int) uint32 { return 7 }},
		{"four hashes, at the end of the table", func(i int) uint32 { return 1<<32 - 1 - uint32(i%4) }},
		{"many hashes", func(i int) uint32 { return uint32(i) * 2654435761 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s nameSet
			for i := range 500 {
				name := fmt.Sprint("n", i)
				if _, ok := s.has(test.hash(i), name); ok {
					t.Fatalf("%s is there before it was added", name)
				}
				s.add(test.hash(i), name)
			}
			for i := range 500 {
				if got, ok := s.has(test.hash(i), fmt.Sprint("n", i)); !ok || got != fmt.Sprint("n", i) {
					t.Fatalf("n%d: got %q, %v", i, got, ok)
				}
			}
			if _, ok := s.has(test.hash(0), "n500"); ok {
				t.Error("n500 was never added")
			}
		})
	}
}

// TestSightingsAsMap: sightings are told apart exactly as Go's map tells their
// keys apart.
func TestSightingsAsMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	type bucketKey struct {
		Key
		hour int
	}
	want := map[bucketKey]uint64{}
	a := NewAggregator(AggregatorConfig{Sensor: "s"})
	servers := []string{"10.0.0.1:443", "10.0.0.1:444", "[::ffff:10.0.0.1]:443", "[2001:db8::1]:443", "[fe80::1%eth0]:443"}
	for range 20_000 {
		hour := r.IntN(3)
		o := &Observation{
			Time: noon.Add(time.Duration(hour) * time.Hour), Hello: true, HasSNI: true, ServerHello: true,
			SNI: pick("a.example", "b.example"), Network: pick("", "x"), Target: pick("", "t:1"),
			Transport: Transport(1 + r.IntN(3)), Server: netip.MustParseAddrPort(pick(servers...)),
			CertsFrom: pick("", FromWire), CertsHidden: HiddenEncrypted, LengthEvidence: pick("", "l1", "l2"),
			Version: pick("TLS 1.2", "TLS 1.3"), Preface: pick("", "smtp"), Class: pick("", "lan"),
			Outcome: Outcome(pick(string(Established), string(RefusedByClient))),
		}
		if r.IntN(2) == 0 {
			o.Chain = []Fingerprint{{byte(r.IntN(3))}}
		}
		if r.IntN(3) == 0 {
			o.ClientChain = []Fingerprint{{9}}
		}
		k := Key{
			Sensor: "s", Network: o.Network, Name: NameValid, Hostname: o.SNI, Target: o.Target, Transport: o.Transport,
			Server: o.Server, Chain: ChainIDOf(o.Chain), ClientChain: ChainIDOf(o.ClientChain), Known: o.CertsFrom,
			LengthEvidence: o.LengthEvidence, Version: o.Version, Preface: o.Preface, Outcome: o.Outcome, Class: o.Class,
		}
		if k.Known == "" {
			k.Known = o.CertsHidden
		}
		want[bucketKey{k, hour}]++
		a.Add(o)
	}
	b := a.Drain(false)
	if len(b.All()) != len(want) {
		t.Errorf("got %d sightings, want %d", len(b.All()), len(want))
	}
	for _, s := range b.All() {
		if n := want[bucketKey{s.Key, int(s.Bucket.Sub(noon) / time.Hour)}]; s.Count != n {
			t.Fatalf("%+v: got %d handshakes, want %d", s.Key, s.Count, n)
		}
	}
}

// TestHashOfKeys: each field has its say in a key's hash.
func TestHashOfKeys(t *testing.T) {
	h := seeded{maphash.MakeSeed()}
	server := netip.MustParseAddrPort("10.0.0.1:443")
	keys := map[string]Key{
		"none": {Server: server}, "name": {Server: server, Name: NameUnseen}, "transport": {Server: server, Transport: DTLS},
		"port": {Server: netip.MustParseAddrPort("10.0.0.1:444")}, "chain": {Server: server, Chain: ChainID{1}},
		"client's chain": {Server: server, ClientChain: ChainID{1}}, "version": {Server: server, Version: "x"},
		"known": {Server: server, Known: "x"}, "class": {Server: server, Class: "x"}, "target": {Server: server, Target: "x"},
	}
	hashOf := func(k *Key) uint32 {
		w := wordsOf(k)
		return h.key(k, 1, 2, h.words(&w))
	}
	seen := map[uint32]string{}
	for field, k := range keys {
		hash := hashOf(&k)
		if other, ok := seen[hash]; ok {
			t.Errorf("%s and %s: got the same hash", field, other)
		}
		seen[hash] = field
		if hash != hashOf(&k) {
			t.Errorf("%s: got two hashes", field)
		}
	}
}

// TestInventoryOrder: sightings come as they were first seen, which does not
// depend on the order of a map.
func TestInventoryOrder(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	want := []string{"b.example", "api.shop.example", "", "a"}
	for _, name := range append(want, want...) {
		a.Add(observation(name, 1, Established))
	}
	var got []string
	for s := range a.Inventory().Sightings {
		got = append(got, s.Hostname)
	}
	check(t, "names", fmt.Sprint(got), fmt.Sprint(want))
}
