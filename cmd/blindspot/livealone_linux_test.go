package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestLiveAlone: a second sensor on a store is told, and one after another is
// none.
func TestLiveAlone(t *testing.T) {
	w := newWire(t)
	const told = "another sensor writes to this store"
	first := w.listen(t)
	second := w.listenIn(t, filepath.Dir(first.db), "--events", "")
	if said := first.stderr.String(); strings.Contains(said, told) {
		t.Errorf("the first is told of another:\n%s", said)
	}
	if said := second.stderr.String(); !strings.Contains(said, told) {
		t.Errorf("the second is not told:\n%s", said)
	}
	second.stop(t)
	first.stop(t)
	third := w.listenIn(t, filepath.Dir(first.db), "--events", "")
	if said := third.stderr.String(); strings.Contains(said, told) {
		t.Errorf("alone, and told of another:\n%s", said)
	}
	third.stop(t)
}
