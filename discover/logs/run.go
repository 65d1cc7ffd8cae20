package logs

import (
	"errors"
	"fmt"

	"blindspot/discover"
)

// maxWarnings bounds the rows and files that are told one by one; all are
// counted.
const maxWarnings = 20

// run is one call of Read.
type run struct {
	cfg      Config
	res      Result
	files    []*file
	partials partials
	hidden   uint64    // warnings beyond maxWarnings
	advice   []Warning // for the end of the warnings
}

func newRun(cfg Config) *run {
	return &run{
		cfg:      cfg,
		res:      Result{Skipped: make(map[string]uint64), Gaps: make(map[string]uint64)},
		partials: partials{at: make(map[partialKey]int)},
	}
}

// badRow is why a row could not be read.
type badRow struct{ reason, text string }

func (b *badRow) Error() string { return b.text }

func malformed(format string, args ...any) error {
	return &badRow{"malformed", fmt.Sprintf(format, args...)}
}

// skip is a row that is fine and gives no handshake.
func skip(reason string) error { return &badRow{reason: reason} }

// row counts a row by what became of it.
func (r *run) row(f *file, line uint64, err error) {
	f.rows++
	r.res.Rows++
	if err == nil {
		return
	}
	reason := "malformed"
	var b *badRow
	if errors.As(err, &b) {
		reason = b.reason
	}
	r.res.Skipped[reason]++
	if err.Error() != "" {
		r.warn(fmt.Sprintf("%s:%d", f.path, line), "%s", err)
	}
}

// warn tells of a row or a file.
func (r *run) warn(ref, format string, args ...any) {
	if len(r.res.Warnings) >= maxWarnings {
		r.hidden++
		return
	}
	r.res.Warnings = append(r.res.Warnings, Warning{ref, fmt.Sprintf(format, args...)})
}

// advise adds a warning about all files, behind those about rows.
func (r *run) advise(format string, args ...any) {
	r.advice = append(r.advice, Warning{Text: fmt.Sprintf(format, args...)})
}

// emit hands over a handshake of f.
func (r *run) emit(f *file, o *discover.Observation, certs []*discover.Certificate) {
	f.handshakes++
	r.res.Handshakes++
	o.Order = r.res.Handshakes
	if r.cfg.Emit != nil {
		r.cfg.Emit(o, certs)
	}
}
