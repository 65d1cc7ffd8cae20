// Package monitored reads what monitoring checks: host lists, CSV and URL
// lists, file_sd lists, and Prometheus configurations with their blackbox
// modules. Every format ends in the same record, a Check, which keeps the file
// and line that it comes from and says how far it covers a name.
//
// The package reads files that the user names and nothing else: it sends
// nothing and looks up no name. Whether a check covers what clients do is
// decided in discover/coverage.
//
// A new format is one file that registers itself; see format in registry.go.
package monitored

import (
	"fmt"
)

// Warning is an entry that could not be understood, or only in part. Warnings
// belong into the report: an entry is never dropped silently.
type Warning struct {
	Ref  string `json:"ref"` // file:line, or the source
	Text string `json:"text"`
}

// Source is one thing that was read, with the number of checks it gave.
type Source struct {
	Kind   string `json:"kind"`
	Path   string `json:"path"`
	Checks int    `json:"checks"`
}

// Result is everything that monitoring checks, in the order of the sources and
// of the entries in them.
type Result struct {
	Checks   []Check   `json:"checks"`
	Warnings []Warning `json:"warnings"`
	Sources  []Source  `json:"sources"`
}

// Read reads the sources in order. A source that is missing or broken is an
// error that names file, line and, where the format tells it, column; an entry
// that cannot be understood is a Warning.
func Read(specs []Spec) (*Result, error) {
	r := &Result{Checks: []Check{}, Warnings: []Warning{}, Sources: []Source{}}
	for _, spec := range specs {
		if err := r.read(spec); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Result) read(spec Spec) error {
	in := &input{Spec: spec}
	f, err := in.format()
	if err != nil {
		return err
	}
	if err := f.accepts(spec.Options); err != nil {
		return err
	}
	in.Kind = f.kind
	checks, warnings := len(r.Checks), len(r.Warnings)
	if err := f.read(in, r); err != nil {
		return err
	}
	n := len(r.Checks) - checks
	if n == 0 && len(r.Warnings) == warnings {
		r.warn(spec.Path, "no entry found: nothing in this source is checked")
	}
	r.Sources = append(r.Sources, Source{Kind: f.kind, Path: spec.Path, Checks: n})
	return nil
}

func (r *Result) add(c Check) { r.Checks = append(r.Checks, c) }

func (r *Result) warn(ref, text string, args ...any) {
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	r.Warnings = append(r.Warnings, Warning{Ref: ref, Text: text})
}
