package store

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"

	"blindspot/discover"
)

// TestKeyID holds the ids that other stores and the hub rely on. They were
// computed by the script in testdata/keyid.py, not by this program.
func TestKeyID(t *testing.T) {
	tests := []struct {
		name string
		key  discover.Key
		want string
	}{
		{"zero", discover.Key{}, "00000000000000003c9ca0bc915fed9f252438f33231960c"},
		{"full", full(discover.SketchKey{}).Key, "e31b4d2dbdb3d0f9838146ffc421a001c7e76a2461be65da"},
		{"no name", discover.Key{Sensor: "edge-1", Transport: discover.QUIC, Server: netip.MustParseAddrPort("10.0.0.1:443"), Outcome: discover.Unanswered}, "000000000000000048cc92661fd6e337f8ffa0d9d184e2bd"},
	}
	for _, tt := range tests {
		id, _ := idOf(&tt.key, nil)
		if got := hex.EncodeToString(id[:]); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestKeyFields changes one field after the other: each makes another key.
func TestKeyFields(t *testing.T) {
	base := full(discover.SketchKey{}).Key
	changes := map[string]func(*discover.Key){
		"sensor": func(k *discover.Key) { k.Sensor = "x" }, "network": func(k *discover.Key) { k.Network = "x" },
		"name": func(k *discover.Key) { k.Name = discover.NameBeyond }, "hostname": func(k *discover.Key) { k.Hostname = "x" },
		"target": func(k *discover.Key) { k.Target = "x" }, "transport": func(k *discover.Key) { k.Transport = discover.TCP },
		"server": func(k *discover.Key) { k.Server = netip.AddrPort{} }, "chain": func(k *discover.Key) { k.Chain = discover.ChainID{} },
		"client chain": func(k *discover.Key) { k.ClientChain = discover.ChainID{} }, "known": func(k *discover.Key) { k.Known = "x" },
		"length evidence": func(k *discover.Key) { k.LengthEvidence = "x" }, "version": func(k *discover.Key) { k.Version = "x" },
		"preface": func(k *discover.Key) { k.Preface = "x" }, "outcome": func(k *discover.Key) { k.Outcome = "x" },
		"alert": func(k *discover.Key) { k.Alert = "x" }, "class": func(k *discover.Key) { k.Class = "x" },
		"bytes moved to the next field": func(k *discover.Key) { k.Sensor, k.Network = "edge-", "1plant" },
	}
	was, _ := idOf(&base, nil)
	for name, change := range changes {
		k := base
		change(&k)
		if id, _ := idOf(&k, nil); id == was {
			t.Errorf("%s: the id stays %x", name, id)
		}
	}
}

func TestClientsPrefixes(t *testing.T) {
	list := []discover.ClientCount{{Addr: netip.MustParsePrefix("10.0.0.7/32"), Count: 300}, {Addr: netip.MustParsePrefix("2001:db8::/64"), Count: 1}, {Count: 5}}
	b := appendClients(nil, list)
	if want := "04" + "0a000007" + "20" + "ac02" + "10" + "20010db8000000000000000000000000" + "40" + "01" + "00" + "ff" + "05"; hex.EncodeToString(b) != want {
		t.Errorf("got %x, want %s", b, want)
	}
	if got, err := clientsOf(b, nil); err != nil || !slices.Equal(got, list) {
		t.Errorf("got %v, %v, want %v", got, err, list)
	}
	ends := []int{0, 8, 27, 30}
	for i := range b {
		if _, err := clientsOf(b[:i], nil); (err == nil) != slices.Contains(ends, i) {
			t.Errorf("prefix of %d bytes: got %v", i, err)
		}
	}
}

func FuzzClients(f *testing.F) {
	f.Add(appendClients(nil, full(discover.SketchKey{}).Clients.Exact))
	f.Add([]byte{0, 255, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := clientsOf(b, nil)
		if err != nil {
			return
		}
		again, err := clientsOf(appendClients(nil, list), nil)
		if err != nil || !slices.Equal(again, list) {
			t.Errorf("got %v, %v, want %v", again, err, list)
		}
	})
}
