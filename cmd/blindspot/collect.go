package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// By how much memory may grow before garbage is looked for, in percent. While
// captures are read, most of what is allocated stays to the end; a report makes
// much that goes, and from much on not so much is left to waste.
const (
	readingPercent = 200
	muchPercent    = 65
	much           = 128 << 20
)

// collectAt sets it, unless the user did, and returns what undoes that.
func collectAt(percent int) (undo func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}

// collectMore looks for garbage more often where there is much in memory.
func collectMore() (undo func()) {
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapAlloc < much {
		return func() {}
	}
	return collectAt(muchPercent)
}
