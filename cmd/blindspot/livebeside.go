package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/metrics"
	"blindspot/cmd/blindspot/internal/opener"
	"blindspot/cmd/blindspot/internal/sensor"
	"blindspot/cmd/blindspot/internal/watch"
	"blindspot/discover/monitored"
)

// settings reads everything that the configuration names: what findings are
// judged by.
func (l *live) settings(file *config.File) (*watch.Settings, error) {
	s := &watch.Settings{}
	specs := slices.Concat(file.Monitored, l.flags.judge.checks)
	s.Judge = len(specs) > 0 || l.flags.judge.scope == "all"
	var err error
	if s.Coverage, err = l.flags.judge.coverage(file, time.Now().UTC()); err != nil {
		return nil, err
	}
	if len(specs) > 0 {
		s.Checks, err = monitored.Read(specs)
	}
	return s, err
}

// hangups reads the configuration again at each SIGHUP, and opens the event log
// anew.
func (l *live) hangups(ctx context.Context, events *sensor.EventLog) {
	defer signal.Stop(l.hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.hup:
			if events != nil {
				events.Reopen()
			}
			l.notify(opener.Reloading())
			l.again()
			l.notify(opener.Ready)
		}
	}
}

// again puts a new configuration in force, or leaves the old one.
func (l *live) again() {
	last := l.reload.Load().Last
	err := l.tryAgain()
	if err != nil {
		l.log.Error("the configuration is broken: what was in force stays so", "error", l.confined(err))
		l.reload.Store(&metrics.Reload{Last: last})
		return
	}
	l.log.Info("the configuration was read again", "file", l.flags.judge.config)
	l.reload.Store(&metrics.Reload{OK: true, Last: time.Now()})
}

// confined says of a path that may not be read that this may be our own doing.
func (l *live) confined(err error) error {
	if l.flags.noSandbox || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w: after the start, only what was named then can be read: start the sensor anew", err)
}

func (l *live) tryAgain() error {
	file, err := config.Read(l.flags.judge.config)
	if err != nil {
		return err
	}
	settings, err := l.settings(file)
	if err != nil {
		return err
	}
	if fixed(file, l.file) {
		l.log.Warn("settings under live, and tunnel_ports, take effect when the sensor is started anew")
	}
	aggregation := l.aggregation(file)
	l.sensor.Apply(aggregation)
	l.watcher.Apply(settings)
	return nil
}

// fixed reports whether what cannot change while the sensor runs differs.
func fixed(a, b *config.File) bool {
	return fmt.Sprint(a.Live, a.TunnelPorts) != fmt.Sprint(b.Live, b.TunnelPorts)
}

// watching says how findings are looked for, and endpoints asked.
func (l *live) watching() watch.Config {
	cfg := watch.Config{Store: l.db, Sensor: l.flags.read.sensor, Log: l.log}
	if l.flags.verify {
		due, _ := config.ParseDuration(defaultDue) // a constant
		cfg.Verify = &watch.Verify{Rate: l.flags.rate, Due: due}
	}
	return cfg
}

// source is what the metrics show.
func (l *live) source() metrics.Source {
	src := metrics.Source{
		Status:     l.sensor.Status,
		Reload:     func() metrics.Reload { return *l.reload.Load() },
		StoreBytes: func() int64 { return fileSize(l.flags.db) + fileSize(l.flags.db+"-wal") },
		Findings:   l.findings,
		Judged:     l.judged,
	}
	src.Version, src.Commit, src.Go = versionParts()
	if l.evidence != nil {
		src.Evidence = l.evidence.Stats
	}
	if l.flags.verify {
		src.Verify = l.watcher.Looks
	}
	return src
}

func (l *live) findings() ([]metrics.Findings, bool) {
	found := l.watcher.Found()
	if found == nil {
		return nil, false
	}
	var list []metrics.Findings
	for _, c := range found.Counts {
		list = append(list, metrics.Findings{Kind: c.Kind, Severity: string(c.Severity), Count: c.N})
	}
	return list, true
}

// judged is when findings were last looked for.
func (l *live) judged() time.Time {
	if found := l.watcher.Found(); found != nil {
		return found.At
	}
	return time.Time{}
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
