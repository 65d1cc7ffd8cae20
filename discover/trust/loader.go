package trust

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"blindspot/discover"
)

// maxFile bounds one file of a trust store.
const maxFile = 64 << 20

// maxWarnings bounds the warnings of a store; the rest is one line.
const maxWarnings = 50

// source is one kind of trust store. load does nothing where the spec does not
// ask for it. A new kind is one file that registers itself.
type source struct {
	kind  string
	rank  int // order in Store.Kind
	asked func(*Spec) bool
	load  func(*loader) error
}

var sources []source

func register(s source) {
	sources = append(sources, s)
	slices.SortFunc(sources, func(a, b source) int { return cmp.Compare(a.rank, b.rank) })
}

// loader fills a store.
type loader struct {
	spec    *Spec
	store   *Store
	kinds   []string
	paths   []string
	dropped int // warnings beyond maxWarnings
}

// run loads one source, if it is asked for.
func (l *loader) run(src source) error {
	if !src.asked(l.spec) {
		return nil
	}
	l.kinds = append(l.kinds, src.kind)
	before := len(l.store.byPrint)
	if err := src.load(l); err != nil {
		return l.spec.errorf("%w", err)
	}
	if before == 0 && len(l.store.byPrint) == 0 {
		return l.spec.errorf("%s gave no certificate%s", src.kind, l.firstWarning())
	}
	return nil
}

func (l *loader) firstWarning() string {
	if len(l.store.Warnings) == 0 {
		return ""
	}
	return ": " + l.store.Warnings[0]
}

func (l *loader) warnf(format string, args ...any) {
	s := l.store
	switch {
	case len(s.Warnings) < maxWarnings:
		s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...))
	case l.dropped == 0:
		s.Warnings = append(s.Warnings, "")
		fallthrough
	default:
		l.dropped++
		s.Warnings[maxWarnings] = fmt.Sprintf("and %d more warnings", l.dropped)
	}
}

// add takes a certificate into the store; where says what it was read from.
func (l *loader) add(der []byte, where string, limit constraint) error {
	s := l.store
	fp := discover.FingerprintOf(der)
	if s.byPrint[fp] != nil {
		return nil
	}
	if len(s.byPrint) >= maxRoots {
		return fmt.Errorf("%s: more than %d certificates: this is no trust store", where, maxRoots)
	}
	n := newAnchor(der, limit)
	if n.subject == nil {
		l.warnf("%s: certificate %s cannot be read (%s) and is left out", where, fp.Short(), n.problem())
		return nil
	}
	if why := n.problem(); why != "" {
		l.warnf("%s: %s cannot be used (%s): chains that end there cannot be judged", where, n.name(), why)
	}
	s.byPrint[fp] = n
	s.anchors[string(n.subject)] = append(s.anchors[string(n.subject)], n)
	return nil
}

// date keeps the newest.
func (l *loader) date(t time.Time) {
	if t = t.UTC(); t.After(l.store.Date) {
		l.store.Date = t
	}
}

// source notes where certificates come from, and reads it.
func (l *loader) readSource(path string) ([]byte, error) {
	l.paths = append(l.paths, path)
	return l.read(path)
}

// read reads a file and notes its date.
func (l *loader) read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory: give a file, or a directory of PEM files as pem", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFile:
		return nil, fmt.Errorf("%s: larger than %d MiB: this is no trust store", path, maxFile>>20)
	case len(data) == 0:
		return nil, fmt.Errorf("%s: is empty: want certificates", path)
	}
	l.date(info.ModTime())
	return data, nil
}

// errNoCertificate says that a file holds none, whatever it is.
var errNoCertificate = errors.New("no certificate in it")
