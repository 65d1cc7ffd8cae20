package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/cmd/blindspot/internal/ports"
	"blindspot/cmd/blindspot/internal/term"
	"blindspot/discover"
	"blindspot/discover/flow"

	"github.com/spf13/cobra"
)

// readFlags are those of every command that reads captures.
type readFlags struct {
	console  console
	maxFlows int
	sensor   string
	events   string
	tunnels  []string // words of --tunnel-port
	keyLogs  []string

	ports []ports.Change // what they say
}

func (f *readFlags) add(cmd *cobra.Command) {
	f.console.add(cmd)
	fl := cmd.Flags()
	fl.IntVar(&f.maxFlows, "max-flows", flow.DefaultMaxFlows, "connections followed at the same time, at most")
	fl.StringArrayVar(&f.tunnels, "tunnel-port", nil, "look for a tunnel over UDP on this port too: `NAME=PORT`, of "+strings.Join(decode.UDPTunnels(), ", ")+"; NAME=off: not on its usual ports; may be repeated")
	_ = cmd.RegisterFlagCompletionFunc("tunnel-port", completeTunnels)
	fl.StringArrayVar(&f.keyLogs, "keylog", nil, "open encrypted handshakes with the secrets in `FILE`, as programs write them with SSLKEYLOGFILE; may be repeated")
	fl.StringVar(&f.sensor, "sensor", "", "name of the sensor: whose captures these are, or whose traffic to report from a store")
}

func (f *readFlags) addEvents(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.events, "events", "", "write one line of JSON for each handshake to `FILE`, - for standard output")
}

func (f *readFlags) check(cmd *cobra.Command) error {
	if f.maxFlows <= 0 {
		return usage(cmd, "--max-flows %d: want a number above 0", f.maxFlows)
	}
	for _, word := range f.tunnels {
		c, err := ports.Parse(word)
		if err != nil {
			return usage(cmd, "--tunnel-port %s: %v", word, err)
		}
		f.ports = append(f.ports, c)
	}
	return nil
}

// completeTunnels completes what stands before the port.
func completeTunnels(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	names := decode.UDPTunnels()
	for i := range names {
		names[i] += "="
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// config completes cfg by what the flags say, and the file.
func (f *readFlags) config(cfg *ingest.Config, file *config.File) (err error) {
	cfg.Flow = flow.Config{MaxFlows: f.maxFlows}
	cfg.Aggregator.Sensor = f.sensor
	cfg.KeyLogs = f.keyLogs
	if cfg.Decode.UDPPorts, err = ports.Apply(slices.Concat(file.TunnelPorts, f.ports)); err != nil {
		return fmt.Errorf("--tunnel-port or tunnel_ports: %w", err)
	}
	return nil
}

// openEvents opens the event log, nil where none is wanted.
func (f *readFlags) openEvents() (*ingest.Events, func() error, error) {
	switch f.events {
	case "":
		return nil, func() error { return nil }, nil
	case "-":
		return ingest.NewEvents(os.Stdout, "standard output"), func() error { return nil }, nil
	}
	file, err := os.Create(f.events)
	if err != nil {
		return nil, nil, fmt.Errorf("--events: %w", err)
	}
	return ingest.NewEvents(file, f.events), file.Close, nil
}

// reading is one reading of captures.
type reading struct {
	run     *ingest.Run
	console *console
	named   map[string]bool // by the user, not found in a directory

	kept    string // what becomes of a reading that is interrupted
	again   string // what to do about a capture that was read before
	packets uint64
	faults  int    // captures that gave nothing although they were named
	broken  int    // captures that gave nothing, named or found
	twice   string // a capture in memory that is the same as one before
}

// captures reads paths with cfg, in order, and tells of each. A failing capture
// does not stop the others; errTold says that one that was named gave nothing,
// and a nil run that all did.
func (f *readFlags) captures(ctx context.Context, cfg ingest.Config, paths []string) (*ingest.Run, error) {
	defer collectAt(readingPercent)()
	files, missing := capture.Expand(paths)
	cfg.Following = slices.Contains(files, "-") && len(f.keyLogs) > 0
	r, err := f.newReading(cfg, paths)
	if err != nil {
		return nil, err
	}
	if missing != nil {
		r.fail(missing)
	}
	err = r.all(ctx, files)
	for err == nil && r.twice != "" { // start again without it; its events have been written
		r.console.info("%s: the same capture as one before; read once", r.twice)
		if r.twice == "-" {
			return nil, errors.New("standard input is a capture that was named too: give it once")
		}
		files = slices.DeleteFunc(files, func(path string) bool { return path == r.twice })
		cfg.Events = nil
		if r, err = f.newReading(cfg, paths); err == nil {
			err = r.all(ctx, files)
		}
	}
	if err == nil && (r.faults > 0 || missing != nil || r.packets == 0 && r.broken > 0) {
		err = errTold
	}
	if r.packets == 0 && err != nil {
		return nil, err
	}
	return r.run, err
}

func (f *readFlags) newReading(cfg ingest.Config, paths []string) (*reading, error) {
	run, err := ingest.New(cfg)
	if err != nil {
		return nil, err
	}
	r := &reading{run: run, console: &f.console, named: make(map[string]bool)}
	if cfg.Store != nil {
		r.kept = "; what was read is stored"
	}
	if len(f.ports) > 0 || len(f.keyLogs) > 0 {
		r.again = "; to read it with other tunnel ports or secrets, name another --db"
	}
	for _, path := range paths {
		r.named[path], r.named[filepath.Clean(path)] = true, true
	}
	return r, nil
}

func (r *reading) all(ctx context.Context, files []string) error {
	stop := r.console.watch(r.run)
	defer stop()
	defer func() {
		if err := r.run.Close(); err != nil {
			r.fail(err)
		}
	}()
	for _, path := range files {
		res, err := r.run.Read(ctx, path)
		r.tell(res)
		switch {
		case err != nil:
			return err
		case res.Stopped:
			return fmt.Errorf("interrupted while reading %s, after %s packets%s", path, term.Count(res.Packets), r.kept)
		case res.Twice:
			r.twice = path
			return nil
		}
	}
	return nil
}

// tell says what a capture gave.
func (r *reading) tell(res *ingest.Result) {
	r.packets += res.Packets
	if res.Fault != nil {
		r.fail(res.Fault)
	}
	switch {
	case res.Nothing():
		r.broken++
		if r.named[res.Path] {
			r.faults++
		}
	case res.Known.Name != "":
		r.console.info("%s", known(res)+r.again)
	case res.Packets == 0:
		r.console.info("%s: a capture without packets", res.Path)
	default:
		r.console.info("%s", summary(res))
	}
}

func (r *reading) fail(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		r.console.fail(errors.New(line))
	}
}

func known(res *ingest.Result) string {
	s := res.Path + ": already read"
	if !res.KnownAt.IsZero() {
		s += " on " + res.KnownAt.UTC().Format(time.RFC3339)
	}
	if res.Known.Name != res.Path {
		s += " as " + res.Known.Name
	}
	return s + ": nothing changed"
}

// summary is the line at the end of a capture.
func summary(res *ingest.Result) string {
	s := fmt.Sprintf("%s: %s, %s, %s, %s", res.Path,
		term.Of(res.Packets, "packet"), term.Of(res.Handshakes, "handshake"), term.Of(uint64(res.Names), "name"), term.Of(uint64(res.Certificates), "certificate"))
	certificates, offers := map[string]uint64{}, map[string]uint64{}
	for what, n := range res.Sensor.Hidden {
		if discover.HidesCertificate(what) {
			certificates[what] = n
		} else {
			offers[what] = n
		}
	}
	s += counts("; certificates hidden: ", certificates)
	s += counts("; clients offered: ", offers)
	s += counts("; lost: ", res.Sensor.Lost)
	if res.Sensor.KernelDrops > 0 {
		s += "; dropped while capturing: " + term.Of(res.Sensor.KernelDrops, "packet")
	}
	return s
}

// counts lists figures, the largest first.
func counts(title string, m map[string]uint64) string {
	keys := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(keys, func(a, b string) int {
		switch {
		case m[a] > m[b]:
			return -1
		case m[a] < m[b]:
			return 1
		}
		return 0
	})
	var parts []string
	for _, k := range keys {
		if m[k] > 0 {
			parts = append(parts, term.Count(m[k])+" "+k)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return title + strings.Join(parts, ", ")
}
