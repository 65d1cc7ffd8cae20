package opener

import (
	"path/filepath"
	"testing"
)

// TestOwnerOfNothing: that a directory is missing is said by who opens the
// file in it.
func TestOwnerOfNothing(t *testing.T) {
	u, err := ownerOf(filepath.Join(t.TempDir(), "no", "such", "blindspot.db"))
	if err != nil || u.Name != "root" || u.UID != 0 {
		t.Errorf("got %+v, %v; want root", u, err)
	}
}
