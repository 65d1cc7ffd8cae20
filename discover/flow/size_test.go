package flow

import (
	"testing"
	"unsafe"
)

// TestEntrySize: a million answered flows take what ARCHITECTURE.md says, and a
// million of which half a hello was seen at most 300 bytes each beside the
// bounded bytes of their prefixes.
func TestEntrySize(t *testing.T) {
	entry, slot := unsafe.Sizeof(entry{}), unsafe.Sizeof(slot(0))
	if entry > 80 {
		t.Errorf("got %d bytes an entry, want at most 80", entry)
	}
	const perFlow = 1 << 21 / 1e6 // places in the index: a power of two, at most half of it in use
	open := float64(entry+unsafe.Sizeof(handshake{})+unsafe.Sizeof(stream{})) + perFlow*float64(slot)
	if open > 300 {
		t.Errorf("got %.0f bytes an open flow, want at most 300", open)
	}
}
