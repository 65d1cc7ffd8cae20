package monitored

import (
	"fmt"
	"slices"
	"strings"
)

// format is one way to write down what is checked. A new one is a file with an
// init that registers it.
type format struct {
	kind string
	// read appends checks and warnings to r. It gets the text with in.text, or
	// opens in.Path itself where the source is no file.
	read func(in *input, r *Result) error
	// detect tells from the text how sure it is that this is its format: 0 no,
	// the highest wins. Nil for a format that must be named.
	detect func(text string) int
	// options are the keys that Spec.Options may hold.
	options []string
	// magic is what a file of a binary format begins with.
	magic string
	// online is the kind that reads a URL in this format's place.
	online string
}

var formats = map[string]format{}

func register(f format) {
	if _, dup := formats[f.kind]; dup {
		panic("monitored: format " + f.kind + " registered twice")
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

// lookup returns the format that a kind names for a path or URL.
func lookup(kind, path string) (format, bool) {
	f, ok := formats[kind]
	if f.online != "" && isURL(path) {
		f, ok = formats[f.online]
	}
	return f, ok
}

// accepts reports options that the format does not have.
func (f format) accepts(options map[string]string) error {
	for key := range options {
		if slices.Contains(f.options, key) {
			continue
		}
		if len(f.options) == 0 {
			return fmt.Errorf("monitored source %s: unknown option %q: it has none", f.kind, key)
		}
		return fmt.Errorf("monitored source %s: unknown option %q: it has %s", f.kind, key, strings.Join(f.options, ", "))
	}
	return nil
}

// detect finds the format of a text, or false.
func detect(text string) (format, bool) {
	var best format
	score := 0
	for _, kind := range Kinds() {
		f := formats[kind]
		if f.detect == nil {
			continue
		}
		if s := f.detect(text); s > score {
			best, score = f, s
		}
	}
	return best, score > 0
}

// detectMagic finds the format of a binary file by its beginning, or false.
func detectMagic(start string) (format, bool) {
	for _, kind := range Kinds() {
		if f := formats[kind]; f.magic != "" && strings.HasPrefix(start, f.magic) {
			return f, true
		}
	}
	return format{}, false
}

// How sure a format is of a text.
const (
	scoreLines  = 1 // every line could be an entry
	scoreURLs   = 2
	scoreHeader = 3 // a header of this format
	scoreKeys   = 4 // a document with this format's keys
)
