package sensor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// numbers are the seq of the lines in text.
func numbers(t *testing.T, text []byte) (list []int) {
	t.Helper()
	for line := range strings.Lines(string(text)) {
		var n int
		if _, err := fmt.Sscanf(line, `{"seq":%d,`, &n); err != nil || !strings.HasSuffix(line, "}\n") {
			t.Fatalf("%v in %q", err, line)
		}
		list = append(list, n)
	}
	return list
}

// TestEventsRotate: the event log begins new files at its bound, keeps as many
// as it is told, and no line is lost or cut in between.
func TestEventsRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	l, err := OpenEvents(path, 10_000, 3, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	const lines = 60
	for range lines {
		l.Add(asked("shop.example", noon, true))
		l.HandOver()
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, suffix := range []string{".3", ".2", ".1", ""} {
		text, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 10_000 {
			t.Errorf("%s%s has %d bytes", path, suffix, len(text))
		}
		all = append(all, numbers(t, text)...)
	}
	if _, err := os.Stat(path + ".4"); err == nil {
		t.Error("more files are kept than were asked for")
	}
	if all[len(all)-1] != lines || !slices.IsSorted(all) || all[len(all)-1]-all[0] != len(all)-1 {
		t.Errorf("got lines %v, want the last of %d without a gap", all, lines)
	}
}

// TestEventsReopen: a file that was renamed gets no further line once the log
// was opened anew, as those who rotate logs expect.
func TestEventsReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	l, err := OpenEvents(path, 0, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	wait := func(file string, size int64) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if info, err := os.Stat(file); err == nil && info.Size() >= size {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s does not grow", file)
			}
		}
	}
	l.Add(asked("old.example", noon, true))
	l.HandOver()
	wait(path, 1)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	wait(path, 0)
	l.Add(asked("new.example", noon, true))
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path + ".old")
	after, _ := os.ReadFile(path)
	if !bytes.Contains(before, []byte("old.example")) || bytes.Contains(before, []byte("new.example")) || !bytes.Contains(after, []byte("new.example")) {
		t.Errorf("the old file has %q, the new one %q", before, after)
	}
}

// TestEventsReader: who does not read the event log loses lines of it, which are
// counted and leave a gap in the numbers, and stops nothing.
func TestEventsReader(t *testing.T) {
	r, w := io.Pipe()
	l := WriteEvents(w, slog.New(slog.DiscardHandler))
	const lines = 2 * maxChunks
	for range lines {
		l.Add(asked("shop.example", noon, true))
		l.HandOver()
	}
	lost := l.Lost()
	if lost == 0 || lost >= lines {
		t.Errorf("%d of %d lines are lost", lost, lines)
	}
	got := make(chan []byte)
	go func() {
		text, _ := io.ReadAll(r)
		got <- text
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.Close(ctx); err == nil || !strings.Contains(err.Error(), fmt.Sprint(lost)) {
		t.Errorf("close: %v, want an error that counts %d lines", err, lost)
	}
	w.Close()
	if n := len(numbers(t, <-got)); n+int(lost) != lines {
		t.Errorf("%d lines written and %d lost of %d", n, lost, lines)
	}
}
