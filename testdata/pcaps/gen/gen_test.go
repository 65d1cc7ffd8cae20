//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCaptures holds the folder against the list of scenarios.
func TestCaptures(t *testing.T) {
	known := map[string]bool{}
	for _, g := range groups {
		for _, s := range g {
			l := &lab{generator: &generator{dir: ".."}, scenario: s}
			if known[l.base()] {
				t.Errorf("%s: another capture has the same name but for its end", s.name)
			}
			known[l.base()] = true
			if _, err := os.Stat(filepath.Join("..", s.name)); err != nil {
				t.Errorf("%v: make it with go generate", err)
			}
			tr, err := readTruth(l.base() + ".truth.json")
			if err != nil {
				t.Error(err)
				continue
			}
			if tr.Capture != s.name {
				t.Errorf("%s: the truth is that of %s", s.name, tr.Capture)
			}
			for _, h := range tr.Handshakes {
				if h.Client == "" || h.Server == "" || h.Outcome == "" {
					t.Errorf("%s: incomplete entry %+v", s.name, h)
				}
			}
		}
	}
	files, err := filepath.Glob("../*.truth.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[strings.TrimSuffix(f, ".truth.json")] {
			t.Errorf("%s: no scenario makes this", f)
		}
	}
}

// TestRewriteKeeps takes real captures apart and puts them together again: with
// lengths and checksums computed anew they must be what the kernel sent.
func TestRewriteKeeps(t *testing.T) {
	for _, name := range []string{"go-mlkem.pcap", "go-mlkem6.pcap", "openssl-keys.pcap"} {
		c, err := readPcap(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		list, err := c.segments()
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range list {
			if got, want := s.bytes(), c.packets[i].data; !bytes.Equal(got, want) {
				t.Errorf("%s, packet %d: got %x, want %x", name, i+1, got, want)
			}
		}
	}
}

// TestSpread wants each step as often as it should be, in its own order, and
// none of them left to the end.
func TestSpread(t *testing.T) {
	var got []string
	note := func(name string) func(int) error {
		return func(i int) error {
			got = append(got, fmt.Sprint(name, i))
			return nil
		}
	}
	for _, do := range spread([]step{{4, note("a")}, {2, note("b")}, {1, note("c")}, {0, note("d")}}) {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	if want := "a0 b0 a1 c0 a2 b1 a3"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, " "), want)
	}
}
