package capture_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/capture"
)

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	pcap, ng := writePcap(t, false), writePcapng(t)
	for name, content := range map[string][]byte{
		"b.pcap": pcap, "a.txt": ng, "sub/c": gz(pcap), "sub/d.zst": zst(ng),
		"notes.pcap": []byte("text"), "empty.pcap": nil, "sub/x.gz": gz([]byte("text")), "none/text": []byte("text"),
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, paths, want, err string
	}{
		{"directory", ".", "a.txt b.pcap sub/c sub/d.zst", ""},
		{"named files stay", "notes.pcap b.pcap -", "notes.pcap b.pcap -", ""},
		{"once", "b.pcap . sub", "b.pcap a.txt sub/c sub/d.zst", ""},
		{"no capture", "none", "", "none: no capture in this directory or below"},
		{"missing", "b.pcap missing", "b.pcap", "stat missing: no such file or directory"},
	}
	t.Chdir(dir)
	for _, test := range tests {
		got, err := capture.Expand(strings.Fields(test.paths))
		if !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if err == nil && test.err != "" || err != nil && err.Error() != test.err {
			t.Errorf("%s: got error %v, want %q", test.name, err, test.err)
		}
		if test.name == "missing" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want fs.ErrNotExist", test.name, err)
		}
	}
}
