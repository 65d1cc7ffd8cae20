package ring

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCounters reads files that grow, are reset and vanish.
func TestCounters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rx_missed_errors")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1000\n")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c := &counters{files: []*os.File{f}, base: []uint64{1000}, last: []uint64{1000}}
	for _, test := range []struct {
		content string
		want    uint64
	}{{"1000\n", 0}, {"1005\n", 5}, {"18446744073709551615\n", 18446744073709550615}, {"1007\n", 7}, {"3\n", 7}, {"", 7}, {"nonsense", 7}, {"1009", 9}} {
		write(test.content)
		if got := c.read(); got != test.want {
			t.Errorf("%q: got %d, want %d", test.content, got, test.want)
		}
	}
	c.close()
	if got := c.read(); got != 0 {
		t.Errorf("got %d drops after closing", got)
	}
	var none *counters
	none.close()
	if none.read() != 0 {
		t.Error("got drops of nothing")
	}
}
