//go:build linux

package main

import (
	"bytes"
	"compress/gzip"

	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A trap is a real capture with its packets rewritten: what was said stays the
// same, how it got to the sensor does not.
type trap struct {
	name, point string
	base        string // the capture that it is made from; "" for go-mlkem
	change      func([]segment) []segment
	packets     func(segment) [][]byte // or: the frames that a segment becomes
	file        func(*capture) []byte  // or: how the file is written
	truth       func(*lab)             // what is no longer true, or not to be seen
	lenient     bool                   // tshark may see less
	link        uint32
	null        bool             // link type NULL, which is 0
	custom      func(*lab) error // instead of all this
}

var trapScenarios = traps(wireTraps, frameTraps, tunnelTraps, datagramTraps, formatTraps)

func traps(lists ...[]trap) (out []scenario) {
	for _, t := range slices.Concat(lists...) {
		if t.base == "" {
			t.base = "go-mlkem"
		}
		run := t.run
		if t.custom != nil {
			run = t.custom
		}
		out = append(out, scenario{t.name, "rewritten from " + t.base + ".pcap", t.point, run})
	}
	return out
}

func (t trap) run(l *lab) error {
	c, err := readPcap(filepath.Join(l.dir, t.base+".pcap"))
	if err != nil {
		return err
	}
	base, err := readTruth(filepath.Join(l.dir, t.base+".truth.json"))
	if err != nil {
		return err
	}
	l.truth.Handshakes, l.lenient = base.clone(), t.lenient
	list, err := c.segments()
	if err != nil {
		return err
	}
	if t.change != nil {
		list = t.change(list)
	}
	out := assemble(list)
	if t.packets != nil {
		out.packets = nil
		for _, s := range list {
			for i, b := range t.packets(s) {
				out.packets = append(out.packets, whole(s.at.Add(time.Duration(i)*time.Microsecond), b))
			}
		}
	}
	if t.link != 0 || t.null {
		out.link = t.link
	}
	l.final = out.encode()
	if t.file != nil {
		l.final = t.file(out)
	}
	if strings.HasSuffix(t.name, ".gz") {
		l.final = gzipped(l.final)
	}
	if strings.HasSuffix(t.name, ".zst") {
		l.final = zstandard(l.final)
	}
	if t.truth != nil {
		t.truth(l)
	}
	return nil
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zstandard(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

// perFlow changes each flow's segments by themselves and merges the flows
// again by time.
func perFlow(change func([]segment) []segment) func([]segment) []segment {
	return func(list []segment) []segment {
		flows := map[int][]segment{}
		var ports []int
		for _, s := range list {
			if flows[s.cliPort()] == nil {
				ports = append(ports, s.cliPort())
			}
			flows[s.cliPort()] = append(flows[s.cliPort()], s)
		}
		var out []segment
		for _, p := range ports { // the base's flows follow each other
			out = append(out, change(flows[p])...)
		}
		return out
	}
}

// retime gives the segments the old times in their new order.
func retime(list, old []segment) []segment {
	for i := range list {
		list[i].at = old[min(i, len(old)-1)].at
	}
	return list
}

func keep(want func(segment) bool) func([]segment) []segment {
	return func(list []segment) []segment {
		return slices.DeleteFunc(slices.Clone(list), func(s segment) bool { return !want(s) })
	}
}

// eachSegment replaces each segment.
func eachSegment(change func(segment) []segment) func([]segment) []segment {
	return func(list []segment) []segment {
		var out []segment
		for _, s := range list {
			out = append(out, change(s)...)
		}
		return out
	}
}

// note sets a note on every handshake.
func note(text string) func(*lab) {
	return func(l *lab) {
		for _, h := range l.truth.Handshakes {
			h.Note = text
		}
	}
}

// hidden marks the server's chain as not captured.
func hidden(text string) func(*lab) {
	return func(l *lab) {
		for _, h := range l.truth.Handshakes {
			h.Visible, h.Note = false, text
		}
	}
}
