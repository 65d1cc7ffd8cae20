package logs

import (
	"maps"
	"slices"
)

// format is one kind of logs. A new one is a file with an init that registers
// it.
type format struct {
	kind string
	// named reports whether a file of a directory is one of its logs, by its
	// base name. Files that the user names are taken whatever they are called.
	named func(base string) bool
	// look recognises one of its logs by its beginning.
	look func(head []byte) (look, bool)
	// read reads r.files and emits their handshakes.
	read func(r *run) error
}

var formats = map[string]format{}

func register(f format) {
	if _, dup := formats[f.kind]; dup {
		panic("logs: format " + f.kind + " registered twice")
	}
	formats[f.kind] = f
}

// Kinds returns the kinds of logs that are understood, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(formats)) }
