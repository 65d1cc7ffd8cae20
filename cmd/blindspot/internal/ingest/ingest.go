// Package ingest reads captures: into a store, or into memory for a single
// report.
//
// The packet line (capture, decode, flow) runs in one goroutine; reading the
// handshakes that it has collected, folding and the event log run in another,
// the store in a third. Handshakes cross between them once, in batches that keep
// their order.
package ingest

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"sync/atomic"
	"time"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/discover/flow"
	"blindspot/store"
)

// Config says what to do with what is read. The zero value reads into memory.
type Config struct {
	Capture    capture.Config
	Decode     decode.Config
	Flow       flow.Config // Collect is set by this package
	Aggregator discover.AggregatorConfig

	// KeyLogs are files of secrets that open encrypted handshakes; Following says
	// that they are being written while the packets come.
	KeyLogs   []string
	Following bool

	// Store takes the sightings; nil keeps them in memory.
	Store *store.DB
	// Events takes one line for each handshake; nil for none.
	Events *Events
	// Since and Until bound the handshakes that are folded; zero for no bound.
	Since, Until time.Time
}

// Run reads one capture after the other. Its methods belong to one goroutine,
// except for Progress.
type Run struct {
	cfg    Config
	memory *discover.Aggregator // without a store: one for all captures
	seen   discover.Visibility  // in memory: what the captures before this one said
	read   map[[32]byte]string  // in memory: identity to path
	keys   *keys

	file       atomic.Pointer[capture.File]
	began      atomic.Int64
	packets    atomic.Uint64
	handshakes atomic.Uint64
}

// New returns a run that has read nothing yet but its key logs. An error names
// one that cannot be read.
func New(cfg Config) (*Run, error) {
	k, err := openKeys(cfg.KeyLogs, cfg.Following)
	if err != nil {
		return nil, err
	}
	cfg.Flow.Keys, cfg.Flow.AwaitKeys = &k.log, cfg.Following
	if cfg.Following {
		cfg.Flow.MissingKeys = k.refresh
	}
	cfg.Flow.NoFingerprints = cfg.Events == nil
	r := &Run{cfg: cfg, keys: k, read: make(map[[32]byte]string)}
	if cfg.Store == nil {
		r.memory = discover.NewAggregator(cfg.Aggregator)
	}
	return r, nil
}

// Close overwrites the secrets that were handed over. The error says what was
// wrong with their files: nothing that keeps a result from being used.
func (r *Run) Close() error { return r.keys.close() }

// Result is what one capture gave.
type Result struct {
	Path         string
	Packets      uint64
	Handshakes   uint64
	Names        int // of hostnames in use, without those of the captures before in memory
	Certificates int
	Sensor       discover.Visibility
	// Known says which source held the same capture already; what it adds has
	// been taken back. Its Name is empty for a new capture.
	Known   discover.Source
	KnownAt time.Time // when that was read; zero where unknown
	// Twice says that a capture was read into memory a second time: start
	// again without it.
	Twice bool
	// Fault is why the capture could not be read, or not to its end. What was
	// read before counts.
	Fault error
	// Stopped says that the context ended the reading.
	Stopped bool
}

// Nothing reports whether the capture is at fault and gave nothing at all.
func (r *Result) Nothing() bool { return r.Fault != nil && r.Packets == 0 }

// Read reads one capture. Faults of the capture are in the Result and stop
// nothing else; an error is a fault of the store or of the event log.
func (r *Run) Read(ctx context.Context, path string) (*Result, error) {
	res := &Result{Path: path}
	file, err := r.open(ctx, path)
	if err != nil {
		res.Fault = err
		return res, nil
	}
	defer file.Close()
	r.begin(file)
	defer r.file.Store(nil)

	f := r.newFolder(path)
	err = r.pump(ctx, file, f, res)
	if res.Packets == 0 && err == nil { // nothing was written, nothing is to be kept
		return res, nil
	}
	return res, errors.Join(err, r.finish(file, f, res, err))
}

// open opens a capture. A pipe may be silent for long: reading from it must end
// with the context all the same.
func (r *Run) open(ctx context.Context, path string) (*capture.File, error) {
	if path != "-" {
		return capture.Open(path, r.cfg.Capture)
	}
	if info, err := os.Stdin.Stat(); err == nil && info.Mode().IsRegular() {
		return capture.Open(path, r.cfg.Capture)
	}
	widen(os.Stdin)
	ahead := capture.NewAhead(onlyReader{os.Stdin})
	context.AfterFunc(ctx, func() { ahead.CloseWithError(ctx.Err()) })
	return capture.OpenReader("standard input", ahead, r.cfg.Capture)
}

// onlyReader keeps standard input open.
type onlyReader struct{ io.Reader }

func (r *Run) begin(file *capture.File) {
	r.began.Store(time.Now().UnixNano())
	r.file.Store(file)
}

// pump runs both sides until the capture ends.
func (r *Run) pump(ctx context.Context, file *capture.File, f *folder, res *Result) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work := make(chan batch, queued)
	back := make(chan []flow.Collected, batches)
	folded := make(chan error, 1)
	f.back = back
	go func() { folded <- f.run(work, cancel) }()

	l := newLine(r, file, work, back)
	fault := l.run(ctx)
	close(work)
	err := <-folded

	res.Packets, res.Handshakes = l.packets, f.handshakes
	res.Names, res.Certificates = f.names(), f.certificates
	observed := f.observer.Visibility()
	res.Sensor = l.visibility
	res.Sensor.Add(&observed)
	res.Sensor.Handshakes, res.Sensor.Hidden = f.handshakes, f.hidden()
	switch {
	case err != nil:
	case errors.Is(fault, context.Canceled):
		res.Stopped = true
	default:
		res.Fault = fault
	}
	return err
}

// finish says that the source is whole, or keeps what was read of it.
func (r *Run) finish(file *capture.File, f *folder, res *Result, failed error) error {
	id := file.Identity()
	if r.memory != nil {
		r.seen.Add(&res.Sensor)
		_, res.Twice = r.read[id]
		if !res.Stopped {
			r.read[id] = res.Path
		}
		return nil
	}
	if f.writer == nil {
		return nil
	}
	switch {
	case failed != nil:
		return f.writer.Abort(failed.Error())
	case res.Stopped:
		return f.writer.Abort("interrupted")
	case res.Fault != nil:
		return r.keep(f, res)
	}
	identity := hex.EncodeToString(id[:])
	known, err := f.writer.Finish(identity)
	if err != nil || !known {
		return err
	}
	res.Known, res.KnownAt, _, err = r.cfg.Store.Known(identity)
	if res.Known.Name == "" {
		res.Known.Name = res.Path
	}
	return err
}

// keep ends the source of a capture that broke off. It stays incomplete, so that
// the capture replaces it when it has become whole; the same damage again is the
// same capture again.
func (r *Run) keep(f *folder, res *Result) error {
	reason := res.Fault.Error()
	sources, err := r.cfg.Store.Sources()
	for i := range sources {
		s := &sources[i]
		if s.Kind == f.source.Kind && s.Name == f.source.Name && s.State == store.Incomplete && s.Reason == reason {
			res.Known, res.KnownAt = s.Source, s.Ended
		}
	}
	return errors.Join(err, f.writer.Abort(reason))
}

// Inventory shows what was read into memory; nil with a store.
func (r *Run) Inventory() *discover.Inventory {
	if r.memory == nil {
		return nil
	}
	return r.memory.Inventory()
}

// newFolder returns the side that folds, for one capture.
func (r *Run) newFolder(path string) *folder {
	f := &folder{
		cfg: &r.cfg, observer: flow.NewObserver(r.cfg.Flow), seen: &r.seen, aggregator: r.memory, total: &r.handshakes,
		source: discover.Source{Kind: "pcap", Name: path, Sensor: r.cfg.Aggregator.Sensor},
	}
	if f.aggregator == nil {
		cfg := r.cfg.Aggregator
		cfg.SketchKey = r.cfg.Store.SketchKey()
		f.aggregator = discover.NewAggregator(cfg)
	}
	f.before = f.aggregator.Stats()
	f.before.Hidden = maps.Clone(f.before.Hidden)
	return f
}
