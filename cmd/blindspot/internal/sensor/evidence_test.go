package sensor

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/cmd/blindspot/internal/evidence"
)

// TestEvidence: the packets that are kept of a capture tell what the capture
// tells.
func TestEvidence(t *testing.T) {
	for _, path := range captures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			kept := filepath.Join(t.TempDir(), "kept.pcapng")
			w, err := evidence.Open(kept, 1<<30, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			want := events(t, run(t, path, Config{Evidence: w}))
			got := events(t, fromFile(t, kept))
			if filepath.Base(path) == "go-unanswered.pcap" { // one ends with the capture, whose last packet is no handshake's
				got, want = without("ended", got), without("ended", want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
