package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"blindspot/discover"
)

// By how much memory may grow before garbage is looked for, in percent. While
// captures are read, most of what is allocated stays to the end; a report makes
// much that goes, of which the more is left to waste the less there is.
const (
	readingPercent = 200
	littlePercent  = 200
	muchPercent    = 65
	little         = 64 << 20
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

// collectFor looks for garbage as often as what a capture has left in memory
// asks for.
func collectFor(inv *discover.Inventory) (undo func()) {
	var m runtime.MemStats
	switch runtime.ReadMemStats(&m); {
	case !inv.Lasting: // it is in the store
	case m.HeapAlloc < little:
		return collectAt(littlePercent)
	case m.HeapAlloc > much:
		return collectAt(muchPercent)
	}
	return func() {}
}
