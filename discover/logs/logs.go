package logs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"blindspot/discover"
)

// Ways in which an observation's certificates are known or not, beside the
// From… and Hidden… constants of discover.
const (
	// FromLeaf says that the leaf was seen, and not which further certificates
	// came with it: the chain as presented cannot be judged.
	FromLeaf = discover.FromLeaf
	// HiddenNotLogged says that a certificate was sent, and that the log does
	// not tell which: it holds no SHA-256.
	HiddenNotLogged = discover.HiddenNotLogged
)

// Source is the logs of one kind.
type Source struct {
	Kind  string   // one of Kinds
	Paths []string // files, plain or gzip, and directories with rotated ones
}

// Config configures Read; the zero value only counts.
type Config struct {
	// Emit takes each handshake and owns it. With it come the certificates of
	// its chains that the log describes by their fields and that were not
	// handed over before; they have no DER. Those with DER are in o.DER.
	Emit func(o *discover.Observation, certs []*discover.Certificate)
	// Known finds a certificate by its SHA-1, for logs that know no other
	// hash; nil for none. Certificates within the logs are found without it.
	Known func(sha1 SHA1) (discover.Fingerprint, bool)
}

// Result is what was read, and what was not.
type Result struct {
	Files      []File
	Rows       uint64 // lines with data, of any kind
	Handshakes uint64
	// Skipped counts rows that gave no handshake, by reason: "malformed",
	// "line-too-long", "other-event", …
	Skipped map[string]uint64
	// Gaps counts what handshakes lack because the log does not say it, by
	// reason: "not-logged", "leaf-only", "alert-side", …
	Gaps map[string]uint64
	// Partials are certificates without SHA-256, those with the most
	// handshakes first.
	Partials []Partial
	// Warnings tell the first rows that could not be read, and what the user
	// can do about gaps.
	Warnings []Warning
	// Identity is what the content of all files is known by, whatever their
	// order, names and compression: lower-case hex.
	Identity string
}

// File is one log file.
type File struct {
	Path       string
	Log        string // "ssl", "x509", "conn", "files", "quic", "eve", "mixed"
	Rows       uint64
	Handshakes uint64
	Identity   string // SHA-256 of what it holds, uncompressed: lower-case hex
}

// Warning is something that could not be understood, or only in part.
type Warning struct {
	Ref  string // file:line, a file, or "" for all of them
	Text string
}

// Partial is a leaf that was seen and of which the log does not tell the
// SHA-256. Fields that it does not tell are zero.
type Partial struct {
	SHA1                string // lower-case hex
	Subject, Issuer     string // RFC 4514 text
	Serial              string // as in discover.Certificate
	NotBefore, NotAfter time.Time
	Handshakes          uint64
	First, Last         time.Time // of the handshakes
}

// Read reads the logs of a source and hands every handshake to cfg.Emit. What
// cannot be understood is skipped and counted. An error means that a file could
// not be read at all or is no log of this kind; handshakes may have been handed
// over before it.
func Read(src Source, cfg Config) (*Result, error) {
	f, ok := formats[src.Kind]
	if !ok {
		return nil, fmt.Errorf("logs of kind %q are not understood: use one of %s", src.Kind, strings.Join(Kinds(), ", "))
	}
	r := newRun(cfg)
	if err := r.find(f, src.Paths); err != nil {
		return nil, fmt.Errorf("import %s: %w", src.Kind, err)
	}
	if err := f.read(r); err != nil {
		return nil, fmt.Errorf("import %s: %w", src.Kind, err)
	}
	return r.finish(), nil
}

// finish completes the result.
func (r *run) finish() *Result {
	for _, f := range r.files {
		r.res.Files = append(r.res.Files, File{f.path, f.look.log, f.rows, f.handshakes, fmt.Sprintf("%x", f.sum)})
	}
	r.res.Identity = identity(r.files)
	r.res.Partials = r.partials.sorted()
	if r.hidden > 0 {
		r.advice = slices.Insert(r.advice, 0, Warning{Text: fmt.Sprintf("%d more warnings are left out", r.hidden)})
	}
	r.res.Warnings = append(r.res.Warnings, r.advice...)
	return &r.res
}
