package opener

import (
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	tests := []struct {
		name     string
		uid, gid int
		wrong    string // part of the error
	}{
		{"root", 0, 0, ""},
		{"0", 0, 0, ""},
		{"54321", 54321, 54321, ""},
		{"54321:99", 54321, 99, ""},
		{"root:99", 0, 99, ""},
		{"nobody-of-this-name", 0, 0, "give a name of this machine, or a number"},
		{"-1", 0, 0, "give a name"},
		{"4294967296", 0, 0, "give a name"},
		{"root:nothing-of-this-name", 0, 0, "group nothing-of-this-name is not known"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := lookup(tt.name)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Errorf("got %v, want an error that says %q", err, tt.wrong)
				}
				return
			}
			if err != nil || u.UID != tt.uid || u.GID != tt.gid {
				t.Errorf("got %+v, %v, want %d:%d", u, err, tt.uid, tt.gid)
			}
		})
	}
}
