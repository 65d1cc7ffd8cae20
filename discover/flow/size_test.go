package flow

import (
	"testing"
	"unsafe"
)

// TestEntrySize: a million answered flows take what ARCHITECTURE.md says.
func TestEntrySize(t *testing.T) {
	if got := unsafe.Sizeof(entry{}); got > 88 {
		t.Errorf("got %d bytes an entry, want at most 88", got)
	}
}
