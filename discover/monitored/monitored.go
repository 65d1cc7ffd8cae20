// Package monitored reads what monitoring checks: host lists, CSV and URL
// lists, file_sd lists, Prometheus configurations with their blackbox modules,
// the answers of a Prometheus server, Kubernetes objects, Uptime Kuma, Nagios,
// Icinga and Gatus. Every format ends in the same record, a Check, which keeps
// the file and line that it comes from and says how far it covers a name.
//
// The package reads the files and asks the one Prometheus server that the user
// names, and nothing else: it probes no endpoint, and reads no environment.
// Whether a check covers what clients do is decided in discover/coverage.
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

// Name is a name that a source says is served: it exists, and is no check.
type Name struct {
	// Hostname is normalised; "*." before it stands for every name one label
	// below it, as an Ingress has it, or every name below it, as a Gateway has it.
	Hostname string `json:"hostname"`
	Port     uint16 `json:"port"` // 0: not known
	Ref      string `json:"ref"`  // file:line
	Kind     string `json:"kind"` // "Ingress", "Gateway", "Istio Gateway", "Certificate"
}

// Result is everything that monitoring checks, in the order of the sources and
// of the entries in them.
type Result struct {
	Checks   []Check   `json:"checks"`
	Warnings []Warning `json:"warnings"`
	Sources  []Source  `json:"sources"`
	// Served are the names that sources know to be served, monitored or not.
	Served []Name `json:"served,omitempty"`
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
	checks, others := len(r.Checks), len(r.Warnings)+len(r.Served)
	if err := f.read(in, r); err != nil {
		return err
	}
	n := len(r.Checks) - checks
	if n == 0 && len(r.Warnings)+len(r.Served) == others {
		r.warn(redact(spec.Path), "no entry found: nothing in this source is checked")
	}
	r.Sources = append(r.Sources, Source{Kind: f.kind, Path: redact(spec.Path), Checks: n})
	return nil
}

func (r *Result) add(c Check) { r.Checks = append(r.Checks, c) }

func (r *Result) warn(ref, text string, args ...any) {
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	r.Warnings = append(r.Warnings, Warning{Ref: ref, Text: text})
}
