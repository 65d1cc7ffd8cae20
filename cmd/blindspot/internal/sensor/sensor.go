// Package sensor reads packets from interfaces for as long as it is let: into a
// store, an event log and an evidence capture.
//
// Each worker is a goroutine with a source, a decoder and a flow table of its
// own; nothing is shared on the way of a packet. Observations cross once, in
// batches, to one goroutine that folds them, and what changed crosses to another
// that stores it. Whoever is behind makes the one before it wait, but for the
// store: while that is slow, locked or full, the folding goroutine folds on
// within its bound. So the only place where packets are lost is the ring, where
// the kernel counts them.
package sensor

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/cmd/blindspot/internal/evidence"
	"blindspot/discover"
	"blindspot/discover/flow"
	"blindspot/store"
)

// Defaults of a Config.
const (
	DefaultFlush = 10 * time.Second
	// defaultMaxSightings bounds what is held while the store cannot take it.
	defaultMaxSightings = 500_000
	// Patience is how long the end may take after the context has ended.
	Patience = 4500 * time.Millisecond
)

// Config says what a sensor does. Interfaces and Open are needed.
type Config struct {
	Interfaces []string
	Workers    int // for each interface; 0 is 1
	// Open opens the source of a worker. It is called again after the source
	// has failed, for as long as the sensor runs, and ends with ctx.
	Open func(ctx context.Context, iface string, worker int) (capture.Source, error)

	Decode     decode.Config
	Flow       flow.Config // Emit, Keys and MissingKeys are set by this package
	Aggregator discover.AggregatorConfig
	Clients    Clients  // what is kept of clients
	KeyLogs    []string // followed while packets come

	Store  *store.DB
	Flush  time.Duration // 0 is DefaultFlush
	Events *EventLog     // nil for none
	// Evidence takes the packets of handshakes; nil for none.
	Evidence *evidence.Writer
	// Seen, where set, is called with each handshake that has been folded, from
	// one goroutine. It must not wait, and must not keep the observation.
	Seen func(*discover.Observation)
	// Maintain, where set, is called after a flush, by a goroutine of its own. It
	// may take its time, and is to end soon after its context, that of Run.
	Maintain func(context.Context)
	// Softnet, where set, counts the packets that the machine dropped before any
	// socket since the sensor was started.
	Softnet func() uint64
	// HostnameLabels is how many hostnames are counted one by one.
	HostnameLabels int

	Log *slog.Logger // nil for nobody
}

// Sensor is one run. Its methods but Run may be called at any time from any
// goroutine.
type Sensor struct {
	cfg     Config
	keys    *keys
	began   time.Time
	workers []*worker
	folder  *folder
	storer  *storer

	folding  atomic.Pointer[Folding]
	flushing atomic.Pointer[Flushing]
}

// New returns a sensor that has not begun. An error names a key log that cannot
// be read.
func New(cfg Config) (*Sensor, error) {
	if len(cfg.Interfaces) == 0 || cfg.Open == nil {
		return nil, errors.New("a sensor needs an interface")
	}
	cfg.Workers = max(cfg.Workers, 1)
	cfg.Flush = cmp.Or(cfg.Flush, DefaultFlush)
	cfg.Aggregator.MaxSightings = cmp.Or(cfg.Aggregator.MaxSightings, defaultMaxSightings)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Store != nil {
		cfg.Aggregator.SketchKey = cfg.Store.SketchKey()
	}
	k, err := openKeys(cfg.KeyLogs)
	if err != nil {
		return nil, err
	}
	s := &Sensor{cfg: cfg, keys: k, began: time.Now()}
	s.storer = newStorer(s)
	s.folder = newFolder(s)
	for _, iface := range cfg.Interfaces {
		for n := range cfg.Workers {
			s.workers = append(s.workers, newWorker(s, len(s.workers), iface, n))
		}
	}
	return s, nil
}

// Run reads until ctx ends, and then closes all flows and writes what is not
// written. The error says what could not be: it has been counted, and packets
// were read to the end all the same.
func (s *Sensor) Run(ctx context.Context) error {
	work := make(chan batch, queued)
	folded := make(chan struct{})
	late, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the end of what comes after the end
	defer cancel()
	context.AfterFunc(ctx, func() { time.AfterFunc(Patience, cancel) })

	stored := make(chan struct{})
	go func() { defer close(stored); s.storer.run(late, ctx) }()
	go func() { defer close(folded); s.folder.run(late, ctx, work) }()
	var reading sync.WaitGroup
	for _, w := range s.workers {
		reading.Go(func() { w.run(ctx, work) })
	}
	reading.Wait()
	close(work)
	<-folded
	<-stored
	var errs []error
	if s.cfg.Events != nil {
		errs = append(errs, s.cfg.Events.Close(late))
	}
	if s.cfg.Evidence != nil {
		errs = append(errs, s.cfg.Evidence.Close())
	}
	return errors.Join(append(errs, s.storer.unsaved(), s.keys.close())...)
}

func (s *Sensor) softnet() uint64 {
	if s.cfg.Softnet == nil {
		return 0
	}
	return s.cfg.Softnet()
}

// source is what the store calls this run.
func (s *Sensor) source() discover.Source {
	return discover.Source{Kind: "live", Name: strings.Join(s.cfg.Interfaces, ","), Sensor: s.cfg.Aggregator.Sensor}
}

// Apply takes the settings of a new configuration: whose handshakes are the
// checks' own, and further public names of ECH. They hold for what is folded
// from now on.
func (s *Sensor) Apply(cfg discover.AggregatorConfig) { s.folder.settings.Store(&cfg) }
