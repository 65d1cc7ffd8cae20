package ingest

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"blindspot/discover"
	"blindspot/discover/logs"
	"blindspot/store"
)

// LogResult is what the logs of another sensor gave.
type LogResult struct {
	*logs.Result     // of the files that are new
	Names        int // hostnames in use
	Certificates int // described or held by the logs
	// Known are the files that were imported before, and were left out.
	Known []logs.File
	// Grown are new files whose names were imported before with other content.
	Grown []logs.File
	// Nothing says that all handshakes were imported before.
	Nothing bool
	// Stopped says that the context ended the reading.
	Stopped bool
}

// Logs imports the logs of another sensor into cfg.Store. Files are known by
// their content: what was imported before is left out, so that a directory can
// be imported again when logs have come to it.
func Logs(ctx context.Context, cfg Config, src logs.Source) (*LogResult, error) {
	first, err := logs.Read(src, logs.Config{}) // counts and hashes
	if err != nil {
		return nil, err
	}
	res := &LogResult{Result: first, Stopped: ctx.Err() != nil}
	if res.Stopped {
		return res, nil
	}
	paths, err := res.divide(cfg.Store, src.Kind)
	if res.Nothing = len(paths) == 0; err != nil || res.Nothing {
		return res, err
	}
	im := newImporter(cfg, src)
	if err := im.read(ctx, logs.Source{Kind: src.Kind, Paths: paths}, res); err != nil {
		return nil, err
	}
	return res, im.mark(res)
}

// divide tells the files that are new from those that were imported before, and
// returns the paths to read. Files without handshakes, such as x509.log, are
// read again beside new ones: rotation cuts between them and what refers to
// them.
func (r *LogResult) divide(db *store.DB, kind string) (paths []string, err error) {
	names, err := importedNames(db, kind)
	if err != nil {
		return nil, err
	}
	fresh, handshakes := false, uint64(0)
	for _, f := range r.Files {
		_, _, known, err := db.Known(fileIdentity(kind, f))
		switch {
		case err != nil:
			return nil, err
		case known:
			r.Known = append(r.Known, f)
		default:
			fresh, handshakes = true, handshakes+f.Handshakes
			if names[f.Path] {
				r.Grown = append(r.Grown, f)
			}
		}
		if !known || f.Handshakes == 0 {
			paths = append(paths, f.Path)
		}
	}
	if !fresh || handshakes == 0 && len(r.Known) > 0 {
		return nil, nil
	}
	return paths, nil
}

// importedNames are the names of the files that were imported.
func importedNames(db *store.DB, kind string) (map[string]bool, error) {
	sources, err := db.Sources()
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for i := range sources {
		if s := &sources[i]; s.Kind == kind && s.State == store.Finished {
			names[s.Name] = true
		}
	}
	return names, nil
}

// fileIdentity is what one file is known by. Its kind is in it, because the mark
// of a file is no source of handshakes.
func fileIdentity(kind string, f logs.File) string { return kind + "-file:" + f.Identity }

// importer folds one reading of logs. The reading runs beside the context, so
// that an interruption does not wait for a pipe or a slow disk.
type importer struct {
	mu     sync.Mutex
	folder *folder
	known  map[logs.SHA1]discover.Fingerprint // of the store, nil until asked for
	given  []*discover.Certificate            // described by the logs, for the next flush
	latest time.Time
	err    error
	closed bool // nothing is folded any more
}

func newImporter(cfg Config, src logs.Source) *importer {
	acfg := cfg.Aggregator
	acfg.SketchKey = cfg.Store.SketchKey()
	run := &Run{cfg: cfg}
	im := &importer{folder: &folder{
		cfg: &run.cfg, seen: &run.seen, total: &run.handshakes,
		aggregator: discover.NewAggregator(acfg),
		source:     discover.Source{Kind: src.Kind, Name: strings.Join(src.Paths, ", "), Sensor: acfg.Sensor},
	}}
	return im
}

// read reads the logs until they end or the context does.
func (im *importer) read(ctx context.Context, src logs.Source, res *LogResult) error {
	type answer struct {
		res *logs.Result
		err error
	}
	done := make(chan answer, 1)
	go func() {
		r, err := logs.Read(src, logs.Config{Emit: im.emit, Known: im.find})
		done <- answer{r, err}
	}()
	select {
	case a := <-done:
		if a.res != nil {
			res.Result = a.res
		}
		return im.finish(a.res, a.err, res)
	case <-ctx.Done():
		res.Stopped = true
		return im.finish(nil, nil, res)
	}
}

func (im *importer) emit(o *discover.Observation, certs []*discover.Certificate) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.closed || im.err != nil {
		return
	}
	if o.Time.After(im.latest) {
		im.latest = o.Time
	}
	im.given = append(im.given, certs...)
	if im.err = im.folder.add(o); im.err == nil && im.folder.aggregator.Len() > maxHeld {
		im.err = im.flush(true)
	}
}

// flush writes what is new, with the certificates that have no DER.
func (im *importer) flush(forget bool) error {
	f := im.folder
	b := f.aggregator.Drain(forget)
	b.Certificates = slices.Concat(b.Certificates, im.given)
	im.given = nil
	return f.write(b, false)
}

// find finds a certificate of the store by its SHA-1.
func (im *importer) find(sum logs.SHA1) (discover.Fingerprint, bool) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.closed || im.err != nil {
		return discover.Fingerprint{}, false
	}
	if im.known == nil {
		im.known = map[logs.SHA1]discover.Fingerprint{}
		for c, err := range im.folder.cfg.Store.Certificates() {
			if im.err = err; err != nil {
				break
			}
			if len(c.DER) > 0 {
				im.known[sha1.Sum(c.DER)] = c.SHA256
			}
		}
	}
	f, ok := im.known[sum]
	return f, ok
}

// finish writes the rest and says how far the reading came.
func (im *importer) finish(read *logs.Result, fault error, res *LogResult) error {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.closed = true
	f := im.folder
	if read != nil && !im.latest.IsZero() {
		f.aggregator.See(sight(read), im.latest)
	}
	if im.err == nil {
		im.err = im.flush(false)
	}
	im.err = f.stored(im.err)
	if im.err == nil && f.cfg.Events != nil {
		im.err = f.cfg.Events.flush()
	}
	res.Names, res.Certificates = f.names(), f.certificates
	if f.writer == nil {
		return errors.Join(im.err, fault)
	}
	switch {
	case im.err != nil:
		return errors.Join(im.err, f.writer.Abort(im.err.Error()))
	case fault != nil:
		return errors.Join(fault, f.writer.Abort(fault.Error()))
	case res.Stopped:
		return f.writer.Abort("interrupted")
	}
	_, err := f.writer.Finish(read.Identity)
	return err
}

// maxNotes bounds the sentences that a report repeats about one import.
const maxNotes = 5

// sight is what the logs say of themselves: rows that were lost, and what they
// do not tell.
func sight(r *logs.Result) discover.Visibility {
	v := discover.Visibility{Lost: map[string]uint64{}}
	for _, reason := range []string{"malformed", "line-too-long"} {
		if n := r.Skipped[reason]; n > 0 {
			v.Lost["log-rows"] += n
		}
	}
	for _, w := range r.Warnings {
		if w.Ref == "" && len(v.Notes) < maxNotes {
			v.Notes = append(v.Notes, w.Text)
		}
	}
	return v
}

// mark remembers each file by itself, so that it is known in whatever company
// it comes again.
func (im *importer) mark(res *LogResult) error {
	if res.Stopped {
		return nil
	}
	src := im.folder.source
	for _, f := range res.Files {
		src.Name = f.Path
		w, err := im.folder.cfg.Store.Start(src)
		if err == nil {
			_, err = w.Finish(fileIdentity(src.Kind, f))
		}
		if err != nil {
			return fmt.Errorf("remember %s: %w", f.Path, err)
		}
	}
	return nil
}
