package capture_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"blindspot/capture"
)

const leadBatch = 256

// longPcap is a capture of many batches.
func longPcap(t *testing.T) []byte {
	t.Helper()
	one := writePcap(t, false)
	long := slices.Clone(one)
	for len(long) < 40*len(one) {
		long = append(long, one[24:]...)
	}
	return long
}

// twoProcessors has a Lead find packets ahead on a machine with one as well.
func twoProcessors(t *testing.T) {
	before := runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// step is what one batch gave.
type step struct {
	packets []capture.Packet
	stats   capture.Stats
	secrets int
	err     string
}

type source interface {
	capture.Source
	TakeSecrets() [][]byte
}

// stepsOf reads a source in batches. before is called before each.
func stepsOf(src source, before func()) (list []step) {
	batch := make([]capture.Packet, leadBatch)
	for {
		before()
		n, err := src.Next(batch)
		s := step{packets: slices.Clone(batch[:n]), stats: src.Stats(), secrets: len(bytes.Join(src.TakeSecrets(), nil)), err: errorText(err)}
		for i := range s.packets {
			s.packets[i].Data = bytes.Clone(s.packets[i].Data)
		}
		if list = append(list, s); err != nil {
			return list
		}
	}
}

// TestLead: what is found ahead is what a file yields batch by batch, with the
// same counters, secrets and errors, however often it is begun and ended.
func TestLead(t *testing.T) {
	twoProcessors(t)
	paths, err := filepath.Glob("../testdata/pcaps/*.pcap*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no captures in testdata/pcaps: %v", err)
	}
	long := longPcap(t)
	for _, size := range []int{len(long), len(long) - 1, len(long) / 2, len(long) / 3} {
		paths = append(paths, writeFile(t, long[:size]))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for name, choose := range map[string]func() bool{
		"always":        func() bool { return true },
		"now and again": func() bool { return random.IntN(8) < 4 },
	} {
		t.Run(name, func(t *testing.T) {
			steps, secrets := 0, 0
			for _, path := range paths {
				plain, err := capture.Open(path, capture.Config{})
				if err != nil {
					continue
				}
				want := stepsOf(plain, func() {})
				f := openFile(t, path, capture.Config{})
				l := capture.NewLead(f)
				got := stepsOf(l, func() { l.Ahead(choose()) })
				if _, err := l.Next(make([]capture.Packet, leadBatch)); errorText(err) != want[len(want)-1].err {
					t.Errorf("%s: again: got %v, want the same error", path, err)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if !slices.EqualFunc(got, want, func(a, b step) bool {
					return slices.EqualFunc(a.packets, b.packets, equalPacket) && a.stats == b.stats && a.secrets == b.secrets && a.err == b.err
				}) {
					t.Errorf("%s: what was found ahead differs", path)
				}
				if f.Identity() != plain.Identity() {
					t.Errorf("%s: the identity differs", path)
				}
				plain.Close()
				steps += len(got)
				for _, s := range got {
					secrets += s.secrets
				}
			}
			if steps < 100 || secrets == 0 {
				t.Errorf("got %d batches with %d bytes of secrets, want more", steps, secrets)
			}
		})
	}
}

// TestLeadClosed: a Lead can be closed with packets that nobody asked for.
func TestLeadClosed(t *testing.T) {
	twoProcessors(t)
	f := openFile(t, writeFile(t, longPcap(t)), capture.Config{})
	l := capture.NewLead(f)
	l.Ahead(true)
	if n, err := l.Next(make([]capture.Packet, leadBatch)); n != leadBatch || err != nil {
		t.Fatal(n, err)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := f.Stats().Packets; got <= leadBatch {
		t.Errorf("got %d packets of the file, want more than were asked for", got)
	}
}

// TestLeadFault: a file loses what was found ahead.
func TestLeadFault(t *testing.T) {
	twoProcessors(t)
	long := longPcap(t)
	path := writeFile(t, long)
	f := openFile(t, path, capture.Config{})
	l := capture.NewLead(f)
	defer l.Close()
	l.Ahead(true)
	batch := make([]capture.Packet, leadBatch)
	n, err := l.Next(batch)
	if err != nil || n != leadBatch {
		t.Fatal(n, err)
	}
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	var fault error
	func() {
		defer capture.Guard()()
		defer func() { fault = l.Fault(recover()) }()
		for _, p := range batch[:n] {
			_ = bytes.Count(p.Data, []byte{0})
		}
	}()
	var damage *capture.Error
	if !errors.As(fault, &damage) || !strings.Contains(fault.Error(), "shorter while it was read") {
		t.Errorf("got %v, want an error that says why", fault)
	}
	if _, err := l.Next(batch); err != fault {
		t.Errorf("then got %v, want the same error", err)
	}
}

// TestLeadGrows: packets that were yielded before a file grew can be read after
// it.
func TestLeadGrows(t *testing.T) {
	twoProcessors(t)
	long := longPcap(t)
	path := writeFile(t, long[:len(long)/2])
	f := openFile(t, path, capture.Config{})
	l := capture.NewLead(f)
	defer l.Close()
	batch := make([]capture.Packet, leadBatch)
	n, err := l.Next(batch)
	if err != nil {
		t.Fatal(err)
	}
	first, want := slices.Clone(batch[:n]), []byte(nil)
	for _, p := range first {
		want = append(want, p.Data...)
	}
	if err := os.WriteFile(path, long, 0o600); err != nil {
		t.Fatal(err)
	}
	l.Ahead(true)
	total := n
	for err == nil {
		n, err = l.Next(batch)
		total += n
	}
	if err != io.EOF || total < 39*samples {
		t.Errorf("got %d packets and %v, want all of the longer file", total, err)
	}
	var got []byte
	for _, p := range first {
		got = append(got, p.Data...)
	}
	if !bytes.Equal(got, want) {
		t.Error("the first packets have changed")
	}
}
