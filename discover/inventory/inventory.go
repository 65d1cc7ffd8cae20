// Package inventory reads what a certificate inventory says: PEM files and
// directories, certbot's directory, CSV exports, Kubernetes manifests, and the
// JSON of Vault, step, AWS Certificate Manager and crt.sh. Every format ends in
// the same record, which keeps the file and line that it comes from. An Index
// finds the record of a certificate seen, by the strongest evidence that both
// have.
//
// The package reads files that the user names and nothing else. It opens no
// file that its name gives away as a private key, and blanks private keys in
// what it does read before anything else looks at it. It reads no clock:
// whether a certificate has expired is decided elsewhere.
//
// A new format is one file that registers itself; see format in registry.go.
package inventory

import (
	"fmt"
	"time"

	"blindspot/discover"
)

// Record is one certificate of an inventory. What a format does not say is
// zero; only SHA256, SHA1, SPKI and Serial identify a certificate, and the
// other fields can be shared by several.
type Record struct {
	SHA256 discover.Fingerprint `json:"sha256,omitzero"`
	SHA1   string               `json:"sha1,omitempty"`   // lower-case hex
	SPKI   discover.Fingerprint `json:"spki,omitzero"`    // SHA-256 of the SubjectPublicKeyInfo
	Serial string               `json:"serial,omitempty"` // as discover.Certificate.Serial

	// Issuer is written as discover.Certificate.Issuer where the source gives a
	// distinguished name, and as found where it gives another text ("Amazon").
	Issuer string   `json:"issuer,omitempty"`
	Names  []string `json:"names"` // normalised DNS names, "*." before a wildcard, and addresses

	NotBefore time.Time `json:"not_before,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`

	Owner string `json:"owner,omitempty"`
	// Targets is where the source says that it is deployed: host, host:port, or
	// the source's own word for a place.
	Targets []string `json:"targets,omitempty"`

	Source string `json:"source"` // the kind of source
	Ref    string `json:"ref"`    // file:line

	// Current is false for an old generation: replaced, revoked, expired by
	// status. A source that says nothing of it means all that it lists.
	Current bool `json:"current"`
	// Replaces names the lineage that ties generations together: certbot's
	// lineage, a Kubernetes secret, an ARN, a CSV column.
	Replaces string `json:"replaces,omitempty"`

	Certificate *discover.Certificate `json:"-"` // where the source holds it
}

// Warning is an entry that could not be understood, or only in part. Warnings
// belong into the report: an entry is never dropped silently.
type Warning struct {
	Ref  string `json:"ref"` // file:line, or the source
	Text string `json:"text"`
}

// Source is one thing that was read, with the number of records it gave.
type Source struct {
	Kind    string `json:"kind"`
	Path    string `json:"path"`
	Records int    `json:"records"`
}

// Result is everything that the inventory says, in the order of the sources and
// of the entries in them.
type Result struct {
	Records  []Record  `json:"records"`
	Warnings []Warning `json:"warnings"`
	Sources  []Source  `json:"sources"`
	// Intermediates are the CA certificates that stood beside the records, each
	// once, to build chains with. Roots are among them; they are no trust.
	Intermediates []*discover.Certificate `json:"-"`
}

// Read reads the sources in order. A source that is missing or broken is an
// error that names file and line; an entry that cannot be understood is a
// Warning.
func Read(specs []Spec) (*Result, error) {
	r := &Result{Records: []Record{}, Warnings: []Warning{}, Sources: []Source{}}
	authorities := map[discover.Fingerprint]bool{}
	for _, spec := range specs {
		b, err := readSource(spec)
		if err != nil {
			return nil, err
		}
		r.take(spec.Path, b)
		for _, c := range b.authorities {
			if !authorities[c.SHA256] {
				authorities[c.SHA256] = true
				r.Intermediates = append(r.Intermediates, c)
			}
		}
	}
	return r, nil
}

func readSource(spec Spec) (*batch, error) {
	in := &input{Spec: spec}
	f, err := in.format()
	if err != nil {
		return nil, err
	}
	if err := f.accepts(spec.Options); err != nil {
		return nil, err
	}
	in.Kind = f.kind
	b := &batch{kind: f.kind, seen: map[discover.Fingerprint]bool{}}
	if err := f.read(in, b); err != nil {
		return nil, err
	}
	if len(b.records)+len(b.authorities)+len(b.warnings) == 0 {
		b.warn(spec.Path, "no certificate found: this source says nothing")
	}
	return b, nil
}

func (r *Result) take(path string, b *batch) {
	if b.unsaid > 0 {
		b.warnings = append(b.warnings, Warning{path, fmt.Sprintf("%d more entries could not be understood", b.unsaid)})
	}
	r.Records = append(r.Records, b.records...)
	r.Warnings = append(r.Warnings, b.warnings...)
	r.Sources = append(r.Sources, Source{Kind: b.kind, Path: path, Records: len(b.records)})
}
