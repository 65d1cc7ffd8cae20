package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"blindspot/capture/ring"
	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/evidence"
	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/cmd/blindspot/internal/metrics"
	"blindspot/cmd/blindspot/internal/opener"
	"blindspot/cmd/blindspot/internal/ports"
	"blindspot/cmd/blindspot/internal/rings"
	"blindspot/cmd/blindspot/internal/sensor"
	"blindspot/cmd/blindspot/internal/term"
	"blindspot/cmd/blindspot/internal/watch"
	"blindspot/discover"
	"blindspot/discover/monitored"
	"blindspot/store"
)

// live is a sensor at work.
type live struct {
	flags    *liveFlags
	client   *opener.Client
	checks   *monitored.Result // at the start
	log      *slog.Logger
	sensor   *sensor.Sensor
	watcher  *watch.Watcher
	evidence *evidence.Writer
	db       *store.DB
	file     *config.File // at the start
	began    time.Time
	hup      chan os.Signal
	reload   atomic.Pointer[metrics.Reload]

	packets, bytes uint64 // when the line was drawn last
	drawn          time.Time
}

// run is the sensor, in two processes: one that may open rings and reads no
// packet, and one that reads packets and may do nothing else.
func (f *liveFlags) run(ctx context.Context, file *config.File) error {
	var err error
	if f.udpPorts, err = ports.Apply(slices.Concat(file.TunnelPorts, f.read.ports)); err != nil {
		return fmt.Errorf("--tunnel-port or tunnel_ports: %w", err)
	}
	signal.Ignore(syscall.SIGPIPE) // who reads events or log lines may go: that is counted, and no end
	client, err := opener.Inherited()
	if err != nil {
		return err
	}
	if client == nil {
		return f.open(ctx)
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // nothing comes any more without the opener
		select {
		case <-client.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	l := &live{flags: f, file: file, client: client, log: f.read.console.logger(), began: time.Now(), hup: make(chan os.Signal, 1)}
	signal.Notify(l.hup, syscall.SIGHUP) // from here on it does not end the process
	return l.run(ctx)
}

func (l *live) run(ctx context.Context) error {
	settings, err := l.settings(l.file)
	if err != nil {
		return err
	}
	l.checks = settings.Checks
	cfg, err := l.config(l.file)
	if err != nil {
		return err
	}
	src := &sources{client: l.client, cfg: l.flags.rings(), first: map[string]*rings.Opened{}, tell: func(iface, text string) {
		l.log.Warn("the kernel does less than it could", "interface", iface, "missing", text)
	}}
	if err := src.begin(l.flags.interfaces); err != nil {
		return err
	}
	cfg.Open = src.open
	if softnet, err := ring.OpenSoftnet(); err == nil {
		cfg.Softnet = softnet.Drops
	}
	if l.db, err = store.Open(l.flags.db, store.Options{BusyTimeout: busyTimeout}); err != nil {
		return l.asWhom(err)
	}
	if lock := l.alone(); lock != nil {
		defer lock.Close()
	}
	if err := l.outputs(&cfg); err != nil {
		return errors.Join(l.asWhom(err), l.db.Close())
	}
	if l.sensor, err = sensor.New(cfg); err != nil {
		return errors.Join(err, l.db.Close())
	}
	l.reload.Store(&metrics.Reload{OK: true, Last: time.Now()})
	l.watcher = watch.New(l.watching(), settings)
	return errors.Join(l.work(ctx, cfg.Events), l.db.Close())
}

// asWhom says who may not write a file, where that is not who started the
// sensor.
func (l *live) asWhom(err error) error {
	if os.Geteuid() == 0 || l.flags.user == "" && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	name := strconv.Itoa(os.Geteuid())
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return fmt.Errorf("%w (packets are read as user %s: make it writable for that user, or say --user)", err, name)
}

// work runs everything until ctx ends.
func (l *live) work(ctx context.Context, events *sensor.EventLog) error {
	beside, cancel := context.WithCancel(ctx)
	defer cancel()
	var others sync.WaitGroup
	var listener net.Listener
	if l.flags.address != "" {
		var err error
		if listener, err = metrics.Listen(l.flags.address); err != nil {
			return err
		}
		l.log.Info("metrics", "address", "http://"+listener.Addr().String()+"/metrics")
	}
	if err := l.confine(); err != nil {
		return err
	}
	if listener != nil {
		others.Go(func() {
			if err := metrics.Serve(beside, listener, metrics.Handler(l.source())); err != nil {
				l.log.Error("metrics are not shown any more", "error", err)
			}
		})
	}
	others.Go(func() { l.watcher.Run(beside) })
	others.Go(func() { l.hangups(beside, events) })
	others.Go(func() { l.watchdog(beside) })
	stop := l.flags.read.console.line(l.line)
	l.log.Info("listening", "interfaces", strings.Join(l.flags.interfaces, ","), "workers", l.flags.workers, "store", l.flags.db)
	l.notify(opener.Ready)
	context.AfterFunc(ctx, func() { l.notify(opener.Stopping) })
	err := l.sensor.Run(ctx)
	stop()
	cancel()
	others.Wait()
	l.summary()
	return err
}

// config is what flags and file say.
func (l *live) config(file *config.File) (sensor.Config, error) {
	f := l.flags
	var read ingest.Config
	if err := f.read.config(&read, file); err != nil {
		return sensor.Config{}, err
	}
	return sensor.Config{
		Interfaces: f.interfaces, Workers: f.workers, Flush: f.flushEvery, Clients: f.kept, KeyLogs: f.read.keyLogs,
		Decode: read.Decode, Flow: read.Flow, HostnameLabels: f.hostnames, Log: l.log,
		Aggregator: l.aggregation(file),
	}, nil
}

func (l *live) aggregation(file *config.File) discover.AggregatorConfig {
	return discover.AggregatorConfig{Sensor: l.flags.read.sensor, Monitors: file.MonitorSources, ECHPublicNames: file.ECHPublicNames}
}

// outputs opens what is written beside the store.
func (l *live) outputs(cfg *sensor.Config) (err error) {
	cfg.Store = l.db
	if cfg.Events, err = l.events(); err != nil {
		return err
	}
	if f := l.flags; f.pcapOut != "" {
		if l.evidence, err = evidence.Open(f.pcapOut, f.pcapSize, l.log); err != nil {
			return err
		}
		cfg.Evidence = l.evidence
	}
	cfg.Maintain = l.maintenance()
	return nil
}

// events opens the event log, nil where none is wanted.
func (l *live) events() (*sensor.EventLog, error) {
	switch path := l.flags.read.events; path {
	case "":
		return nil, nil
	case "-":
		return sensor.WriteEvents(os.Stdout, l.log), nil
	default:
		return sensor.OpenEvents(path, l.flags.eventsSize, l.flags.eventsKeep, l.log)
	}
}

// line is the state in one line.
func (l *live) line(width int) string {
	s := l.sensor.Status()
	now := time.Now()
	t := term.Live{Where: strings.Join(l.flags.interfaces, ","), Packets: s.Packets(), Drops: s.Drops(), Findings: -1, Elapsed: now.Sub(l.began)}
	for _, w := range s.Workers {
		t.Bytes += w.Capture.Bytes
		if !w.Up {
			t.Trouble = "waiting for " + w.Interface
		}
	}
	if s.Flushing.Failing != "" {
		t.Trouble = "store not written since " + s.Flushing.Since.Format(time.TimeOnly)
	}
	if s.Folding != nil {
		t.Handshakes, t.Names, t.Certificates = s.Folding.Stats.Handshakes, s.Folding.Stats.Names, s.Folding.Certificates
	}
	if found := l.watcher.Found(); found != nil {
		t.Findings = found.Total
	}
	if d := now.Sub(l.drawn).Seconds(); !l.drawn.IsZero() && d > 0 {
		t.PacketRate, t.BitRate = float64(t.Packets-l.packets)/d, 8*float64(t.Bytes-l.bytes)/d
	}
	l.packets, l.bytes, l.drawn = t.Packets, t.Bytes, now
	return t.Line(width)
}

// summary says in the end what there was.
func (l *live) summary() {
	s := l.sensor.Status()
	handshakes := uint64(0)
	if s.Folding != nil {
		handshakes = s.Folding.Stats.Handshakes
	}
	l.log.Info("ended", "packets", s.Packets(), "handshakes", handshakes, "dropped_by_kernel", s.Drops(), "after", time.Since(l.began).Round(time.Second).String())
}
