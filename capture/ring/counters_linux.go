package ring

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

const classNet = "/sys/class/net"

// Paths returns what a sandbox must leave readable so that the drops of an
// interface, and of softnet, can be counted: files below these directories.
func Paths() []string { return []string{classNet, "/sys/devices", "/proc/net", "/proc/self/net"} }

// dropCounters are the files of an interface that count packets that no
// socket saw: the device had no room for them. rx_dropped is none of them: it
// also counts what we saw and the host had no use for, and what Softnet
// counts (Linux, Documentation/networking/statistics.rst).
var dropCounters = []string{"rx_missed_errors", "rx_fifo_errors", "rx_over_errors"}

// counters are the drops of an interface. Its files stay open, so that a
// process that may open nothing can read them.
type counters struct {
	files []*os.File
	base  []uint64 // what they said first
	last  []uint64
}

// openCounters leaves out what cannot be opened: then nothing is known of it.
func openCounters(name string) *counters {
	c := &counters{}
	for _, file := range dropCounters {
		f, err := os.Open(filepath.Join(classNet, name, "statistics", file))
		if err != nil {
			continue
		}
		v, _ := readNumber(f)
		c.files, c.base, c.last = append(c.files, f), append(c.base, v), append(c.last, v)
	}
	return c
}

// read returns what was dropped since the counters were opened. When the
// interface is gone it stays as it was.
func (c *counters) read() (drops uint64) {
	if c == nil {
		return 0
	}
	for i, f := range c.files {
		if v, err := readNumber(f); err == nil && v >= c.base[i] {
			c.last[i] = v
		}
		drops += c.last[i] - c.base[i]
	}
	return drops
}

func (c *counters) close() {
	if c == nil {
		return
	}
	for _, f := range c.files {
		_ = f.Close()
	}
	c.files = nil
}

// maxCounter bounds what is read of a counter's file.
const maxCounter = 32

func readNumber(f *os.File) (uint64, error) {
	var b [maxCounter]byte
	n, err := f.ReadAt(b[:], 0)
	if n == 0 {
		return 0, err
	}
	return strconv.ParseUint(string(bytes.TrimSpace(b[:n])), 10, 64)
}
