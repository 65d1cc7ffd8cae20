package flow

import (
	"testing"
	"unsafe"
)

// TestEntrySize: a million answered flows take what ARCHITECTURE.md says, and a
// million of which half a hello was seen at most 300 bytes each beside the
// bounded bytes of their prefixes.
func TestEntrySize(t *testing.T) {
	entry, rest, slot := unsafe.Sizeof(entry{}), unsafe.Sizeof(rest{}), unsafe.Sizeof(slot(0))
	if entry != 64 {
		t.Errorf("got %d bytes an entry, want the 64 of a cache line", entry)
	}
	if entry+rest > 80 {
		t.Errorf("got %d bytes a flow, want at most 80", entry+rest)
	}
	const perFlow = 1 << 21 / 1e6 // places in the index: a power of two, at most half of it in use
	open := float64(entry+rest+unsafe.Sizeof(handshake{})+unsafe.Sizeof(stream{})) + perFlow*float64(slot)
	if open > 300 {
		t.Errorf("got %.0f bytes an open flow, want at most 300", open)
	}
}
