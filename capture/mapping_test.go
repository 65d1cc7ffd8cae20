//go:build unix

package capture_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/capture"
)

func writeFile(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.pcap")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openFile(t *testing.T, path string, cfg capture.Config) *capture.File {
	t.Helper()
	f, err := capture.Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestMapped reads files mapped and in blocks, whole and cut at many places:
// there is no difference.
func TestMapped(t *testing.T) {
	for name, whole := range map[string][]byte{"pcap": writePcap(t, false), "nanoseconds": writePcap(t, true), "pcapng": writePcapng(t)} {
		for _, size := range []int{len(whole), len(whole) - 1, len(whole) / 2, len(whole) / 3, 100} {
			path := writeFile(t, whole[:size])
			mapped, err := capture.Open(path, capture.Config{})
			blocks, err2 := capture.Open(path, capture.Config{BlockSize: 4096})
			if err != nil || err2 != nil {
				if err == nil || err2 == nil || err.Error() != err2.Error() {
					t.Errorf("%s, %d bytes: got %v mapped, %v in blocks", name, size, err, err2)
				}
				continue
			}
			got, want := readAll(mapped), readAll(blocks)
			if len(got.packets) != len(want.packets) || !slices.EqualFunc(got.packets, want.packets, equalPacket) {
				t.Errorf("%s, %d bytes: got %d packets mapped, %d in blocks, or others", name, size, len(got.packets), len(want.packets))
			}
			if errorText(got.err) != errorText(want.err) {
				t.Errorf("%s, %d bytes: got %v mapped, %v in blocks", name, size, got.err, want.err)
			}
			if mapped.Identity() != blocks.Identity() || mapped.Stats() != blocks.Stats() {
				t.Errorf("%s, %d bytes: identity or counters differ", name, size)
			}
			mapped.Close()
			blocks.Close()
		}
	}
}

func equalPacket(a, b capture.Packet) bool {
	same := slices.Equal(a.Data, b.Data)
	a.Data, b.Data = nil, nil
	return same && a.Time == b.Time && a.Length == b.Length && a.Link == b.Link && a.Interface == b.Interface && a.Number == b.Number
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestShrinks cuts a file off while it is read: what is before the cut comes,
// then an error that says so, and where.
func TestShrinks(t *testing.T) {
	whole := writePcap(t, false)
	path := writeFile(t, whole)
	f := openFile(t, path, capture.Config{})
	if n, err := f.Next(make([]capture.Packet, 10)); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	const left = 8 * 4096 // whole pages: the rest faults
	if err := os.Truncate(path, left); err != nil {
		t.Fatal(err)
	}
	rest := readAll(f)
	want := 0
	for at := 24; at < left; want++ {
		at += 16 + int(whole[at+8]) + int(whole[at+9])<<8
		if at > left {
			break
		}
	}
	if got := 10 + len(rest.packets); got != want {
		t.Errorf("got %d packets, want the %d before the cut", got, want)
	}
	var damage *capture.Error
	if !errors.As(rest.err, &damage) || damage.File != path || damage.Offset == 0 || damage.Offset > left {
		t.Errorf("got error %#v, want one that names the file and the offset", rest.err)
	}
	if text := errorText(rest.err); !strings.Contains(text, "shorter while it was read") {
		t.Errorf("got %q", text)
	}
	if _, err := f.Next(make([]capture.Packet, 10)); err != rest.err {
		t.Errorf("again: got %v, want the same error", err)
	}
}

// TestFault: packets that were yielded are gone when they are looked at.
func TestFault(t *testing.T) {
	path := writeFile(t, writePcap(t, false))
	f := openFile(t, path, capture.Config{})
	batch := make([]capture.Packet, samples)
	n, err := f.Next(batch)
	if err != nil || n != samples {
		t.Fatal(n, err)
	}
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	look := func() (err error) {
		defer capture.Guard()()
		defer func() { err = f.Fault(recover()) }()
		var sum byte
		for _, p := range batch[:n] {
			sum += p.Data[0]
		}
		return errors.New("all could be read: " + string(sum))
	}
	var damage *capture.Error
	if err := look(); !errors.As(err, &damage) || damage.File != path || damage.Offset < 4096 {
		t.Errorf("got %v, want an error that names the file and the offset", err)
	}
	if err := f.Fault(errors.New("something else")); err != nil {
		t.Errorf("another panic: got %v, want nil", err)
	}
}

// TestGrows adds packets to a file while it is read: they are read as well.
func TestGrows(t *testing.T) {
	whole := writePcap(t, false)
	path := writeFile(t, whole[:len(whole)/2])
	f := openFile(t, path, capture.Config{})
	if n, err := f.Next(make([]capture.Packet, 10)); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil { // the same beginning
		t.Fatal(err)
	}
	rest := readAll(f)
	if got := 10 + len(rest.packets); got != samples || rest.err != nil {
		t.Errorf("got %d packets and %v, want %d", got, rest.err, samples)
	}
}
