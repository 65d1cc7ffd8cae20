package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// format is one way to write down an inventory. A new one is a file with an
// init that registers it.
type format struct {
	kind string
	// read appends records and warnings to b.
	read func(in *input, b *batch) error
	// detect tells from the text how sure it is that this is its format: 0 no,
	// the highest wins.
	detect func(text string) int
	// detectDir does so for a directory; nil for a format that has none.
	detectDir func(path string) int
	// options are the keys that Spec.Options may hold.
	options []string
}

// How sure a format is.
const (
	scoreBlocks = 1 // PEM blocks, any directory
	scoreHeader = 2 // a header of this format
	scoreKeys   = 3 // a document with this format's keys
)

var formats = map[string]format{}

func register(f format) {
	if _, dup := formats[f.kind]; dup {
		panic("inventory: format " + f.kind + " registered twice")
	}
	formats[f.kind] = f
}

// Kinds returns the kinds of sources that are understood, sorted.
func Kinds() []string {
	kinds := make([]string, 0, len(formats))
	for kind := range formats {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// accepts reports options that the format does not have.
func (f format) accepts(options map[string]string) error {
	for key := range options {
		if slices.Contains(f.options, key) {
			continue
		}
		if len(f.options) == 0 {
			return fmt.Errorf("inventory source %s: unknown option %q: it has none", f.kind, key)
		}
		return fmt.Errorf("inventory source %s: unknown option %q: it has %s", f.kind, key, strings.Join(f.options, ", "))
	}
	return nil
}

// detect finds the format that score is highest for, or false.
func detect(score func(f format) int) (format, bool) {
	var best format
	high := 0
	for _, kind := range Kinds() {
		if s := score(formats[kind]); s > high {
			best, high = formats[kind], s
		}
	}
	return best, high > 0
}

func detectText(text string) (format, bool) {
	return detect(func(f format) int { return f.detect(text) })
}

func detectDirectory(path string) (format, bool) {
	return detect(func(f format) int {
		if f.detectDir == nil {
			return 0
		}
		return f.detectDir(path)
	})
}

// hasAll reports whether text has each of parts: a look at a document that need
// not be well-formed.
func hasAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
