package decode

import (
	"slices"
	"strings"
	"testing"
)

// TestEncapsulations: what is listed is what is registered, and each word that
// a segment's tunnel can have is explained.
func TestEncapsulations(t *testing.T) {
	var words []string
	links, etherTypes, protocols, ports := 0, 0, 0, 0
	for _, e := range Encapsulations() {
		words = append(words, strings.Split(e.Name, ", ")...)
		if e.What == "" || e.Source == "" || e.KnownBy() == "" {
			t.Errorf("%s: got %q, %q, %q; want what it is, where that is written, and what it is known by", e.Name, e.What, e.Source, e.KnownBy())
		}
		links += len(e.Links)
		etherTypes += len(e.EtherTypes)
		protocols += len(e.Protocols)
		ports += len(e.UDPPorts)
	}
	for _, k := range kinds[1:] {
		if !slices.Contains(words, k.name) {
			t.Errorf("no encapsulation is named %q, which a tunnel can say", k.name)
		}
	}
	for _, name := range UDPTunnels() {
		if !slices.Contains(words, name) {
			t.Errorf("no encapsulation is named %q, which a port can be given to", name)
		}
	}
	slices.Sort(words)
	if n := len(words); len(slices.Compact(words)) != n {
		t.Errorf("a name is there twice: %q", words)
	}
	if links != 23 || etherTypes != 13 || protocols != 8 || ports != 12 { // as in TestRegistered
		t.Errorf("got %d link types, %d EtherTypes, %d protocols, %d ports; want 23, 13, 8, 12", links, etherTypes, protocols, ports)
	}
}

func TestKnownBy(t *testing.T) {
	want := map[string]string{
		"erspan":      "GRE type 0x88be, 0x22eb",
		"ethernet-ii": "link type 1 (ETHERNET)",
		"l2tp":        "IP protocol 115; UDP port 1701",
		"mpls":        "EtherType 0x8847, 0x8848; IP protocol 137; UDP port 6635",
		"pppoe":       "link type 51 (PPP_ETHER); EtherType 0x8864",
		"vxlan":       "UDP port 4789, 8472",
	}
	for _, e := range Encapsulations() {
		if text, ok := want[e.Name]; ok && e.KnownBy() != text {
			t.Errorf("%s: got %q, want %q", e.Name, e.KnownBy(), text)
		}
		if got, want := e.Link(), e.Name == "ethernet-ii"; want && !got || got && (e.Name == "pppoe" || e.Name == "mpls") {
			t.Errorf("%s: link type: got %v", e.Name, got)
		}
		delete(want, e.Name)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}

// TestEncapsulationsCopy: who has the list cannot change the decoder's.
func TestEncapsulationsCopy(t *testing.T) {
	for _, e := range Encapsulations() {
		for i := range e.UDPPorts {
			e.UDPPorts[i] = 1
		}
	}
	for _, e := range Encapsulations() {
		if slices.Contains(e.UDPPorts, 1) {
			t.Errorf("%s: its ports were changed from outside", e.Name)
		}
	}
}
