package ring_test

import (
	"slices"
	"testing"

	"blindspot/capture/ring"
)

// TestOffloads asks an interface whose offloads are set by ethtool.
func TestOffloads(t *testing.T) {
	pair(t)
	for _, state := range []string{"on", "off"} {
		run(t, "ethtool", "-K", "rx0", "gro", state)
		if got := slices.Contains(ring.Offloads("rx0"), "gro"); got != (state == "on") {
			t.Errorf("gro %s: got %v", state, ring.Offloads("rx0"))
		}
	}
	for _, name := range []string{"eth9", "an-interface-of-this-name", ""} {
		if got := ring.Offloads(name); got != nil {
			t.Errorf("%q: got %v, want nothing", name, got)
		}
	}
}

// TestSoftnet reads the counter of the kernel that runs.
func TestSoftnet(t *testing.T) {
	s, err := ring.OpenSoftnet()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if drops := s.Drops(); drops > 1<<20 {
		t.Errorf("got %d drops in no time", drops)
	}
}
