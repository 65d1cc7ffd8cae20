package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/capture"
)

var quiet = slog.New(slog.DiscardHandler)

// packets reads a capture.
func packets(t *testing.T, path string) (list []capture.Packet) {
	t.Helper()
	f, err := capture.Open(path, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	batch := make([]capture.Packet, 16)
	for {
		n, err := f.Next(batch)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range batch[:n] {
			p.Data = bytes.Clone(p.Data)
			list = append(list, p)
		}
	}
}

// TestWriter: what is written is read again, of several interfaces and link
// types, with times in nanoseconds, in the order in which it came.
func TestWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept.pcapng")
	w, err := Open(path, 1<<20, quiet)
	if err != nil {
		t.Fatal(err)
	}
	frames := []frame{
		{came: 2, number: 1, time: 1_700_000_000_123_456_789, length: 60, data: []byte("second")},
		{came: 1, number: 7, time: 1_700_000_009_000_000_001, length: 1514, data: []byte("first, with a time that is later")},
		{came: 2, number: 2, time: 1, length: 0, data: nil},
	}
	w.add("eth1", capture.LinkEthernet, frames[:2])
	w.add("tun0", capture.LinkRaw, frames[2:])
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := packets(t, path)
	want := []struct {
		frame
		link  capture.LinkType
		iface int
	}{{frames[1], capture.LinkEthernet, 0}, {frames[0], capture.LinkEthernet, 0}, {frames[2], capture.LinkRaw, 1}}
	if len(got) != len(want) {
		t.Fatalf("got %d packets, want %d", len(got), len(want))
	}
	for i, p := range got {
		x := want[i]
		if p.Time != x.time || p.Length != x.length || !bytes.Equal(p.Data, x.data) || p.Link != x.link || p.Interface != x.iface {
			t.Errorf("packet %d: got %+v, want %+v", i, p, x)
		}
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("needs tshark for the rest")
	}
	out, err := exec.Command(tshark, "-r", path, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.interface_name", "-e", "frame.len").Output()
	if err != nil || !strings.HasPrefix(string(out), "1700000009.000000001\teth1\t1514\n") {
		t.Errorf("tshark reads %q, %v", out, err)
	}
}

// TestWriterBound: there are never more bytes than were allowed, what is newest
// is kept, and each file can be read by itself.
func TestWriterBound(t *testing.T) {
	const bound = 4 * chunkSize
	path := filepath.Join(t.TempDir(), "kept.pcapng")
	if err := os.WriteFile(path, []byte("of an earlier run"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := Open(path, bound, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path + ".1"); err != nil || string(text) != "of an earlier run" {
		t.Errorf("what was there before: %q, %v", text, err)
	}
	const all = 2000
	for i := range all {
		w.add("eth1", capture.LinkEthernet, []frame{{came: int64(i), number: uint64(i), time: int64(i), length: 1000, data: bytes.Repeat([]byte{byte(i)}, 1000)}})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	size, next := int64(0), int64(-1)
	for _, suffix := range []string{".1", ""} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
		for _, p := range packets(t, path+suffix) {
			if next >= 0 && p.Time != next {
				t.Fatalf("packet of time %d after %d", p.Time, next-1)
			}
			next = p.Time + 1
		}
	}
	if size > bound || size < bound/2 || next != all {
		t.Errorf("%d bytes of %d allowed, the last packet is %d of %d", size, bound, next, all)
	}
	if kept, lost := w.Stats(); kept != all || lost != 0 {
		t.Errorf("%d kept, %d lost", kept, lost)
	}
}

// TestWriterFull: a full disk costs packets, which are counted, and leaves a
// file that can be read.
func TestWriterFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root (CAP_SYS_ADMIN) for a small file system")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("needs CAP_SYS_ADMIN: mount: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	path := filepath.Join(dir, "kept.pcapng")
	w, err := Open(path, 1<<20, quiet)
	if err != nil {
		t.Fatal(err)
	}
	const all = 600
	for i := range all {
		w.add("eth1", capture.LinkEthernet, []frame{{came: int64(i), number: uint64(i), time: int64(i), length: 1000, data: make([]byte, 1000)}})
	}
	err = w.Close()
	kept, lost := w.Stats()
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(lost)) || lost == 0 || kept+lost != all {
		t.Errorf("%v: %d kept, %d lost of %d", err, kept, lost, all)
	}
	if n := len(packets(t, path)); n != int(kept) {
		t.Errorf("%d packets can be read, %d were kept", n, kept)
	}
}
