//go:build unix

package flow

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// cutting is a capture that is cut off to a page when its second batch has been
// yielded.
type cutting struct {
	*capture.File
	t     *testing.T
	calls int
}

func (c *cutting) Next(batch []capture.Packet) (int, error) {
	n, err := c.File.Next(batch)
	if c.calls++; c.calls == 2 {
		if err := os.Truncate(c.Name(), 4096); err != nil {
			c.t.Fatal(err)
		}
	}
	return n, err
}

// TestFileCutOff: packets vanish between being yielded and being read.
func TestFileCutOff(t *testing.T) {
	demo, err := os.ReadFile("../../testdata/pcaps/demo.pcap")
	if err != nil {
		t.Fatal(err)
	}
	const header = 24
	b := demo
	for len(b) < 1<<20 {
		b = append(b, demo[header:]...)
	}
	path := filepath.Join(t.TempDir(), "demo.pcap")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := capture.Open(path, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	err = NewReader(Config{}, decode.Config{}).Read(context.Background(), &cutting{File: file, t: t})
	var damage *capture.Error
	if !errors.As(err, &damage) || damage.File != path || damage.Offset < 4096 || !strings.Contains(damage.Reason, "shorter") {
		t.Errorf("got %v, want an error that names the file and where it ends now", err)
	}
}
