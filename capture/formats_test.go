package capture

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// TestFormats: each format is what the bytes that it is said to begin with are
// taken for, and they are for no other.
func TestFormats(t *testing.T) {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
		for _, text := range strings.Split(f.KnownBy, ", ") {
			head, err := hex.DecodeString(text)
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			if got := takenFor(head); fmt.Sprint(got) != "["+f.Name+"]" {
				t.Errorf("%s: %s is taken for %v", f.Name, text, got)
			}
		}
		if f.What == "" || f.Source == "" {
			t.Errorf("%s: want what it is, and what specifies it", f.Name)
		}
	}
	if fmt.Sprint(names) != "[pcap pcapng gzip zstd]" {
		t.Errorf("got %v", names)
	}
}

// takenFor lists what takes head for its own.
func takenFor(head []byte) (names []string) {
	for _, f := range formats {
		if _, ok := f.layout(head); ok {
			names = append(names, f.Name)
		}
	}
	for _, c := range compressions {
		if c.is(head) {
			names = append(names, c.Name)
		}
	}
	return names
}
