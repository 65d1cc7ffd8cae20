package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/discover"
	"blindspot/store"

	"github.com/spf13/cobra"
)

const defaultDB = "blindspot.db"

func addDB(cmd *cobra.Command, db *string) {
	cmd.Flags().StringVar(db, "db", defaultDB, "the store, a SQLite `file`")
}

func addConfig(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "config", "", "configuration `file` (YAML)")
}

// sourceFlags say what a report is about: a store, or captures.
type sourceFlags struct {
	read         readFlags
	db           string
	pcaps        []string
	since, until string

	from, to time.Time
	sketches discover.SketchKey // of the inventory's sightings
}

func (f *sourceFlags) add(cmd *cobra.Command) {
	addDB(cmd, &f.db)
	fl := cmd.Flags()
	fl.StringArrayVar(&f.pcaps, "pcap", nil, "read this capture (`FILE`, directory, or -) into memory instead of a store; may be repeated")
	fl.StringVar(&f.since, "since", "", "only traffic from this `time` on: RFC 3339, a date, or how long ago (36h, 14d)")
	fl.StringVar(&f.until, "until", "", "only traffic before this `time`")
	f.read.add(cmd)
}

func (f *sourceFlags) check(cmd *cobra.Command) (err error) {
	now := time.Now()
	if f.from, err = parseTime(f.since, now); err != nil {
		return usage(cmd, "--since: %v", err)
	}
	if f.to, err = parseTime(f.until, now); err != nil {
		return usage(cmd, "--until: %v", err)
	}
	if !f.from.IsZero() && !f.to.IsZero() && !f.from.Before(f.to) {
		return usage(cmd, "--since %s is not before --until %s: no traffic can be between them", f.since, f.until)
	}
	if len(f.pcaps) == 0 {
		for _, name := range []string{"max-flows", "events", "tunnel-port"} {
			if cmd.Flags().Changed(name) {
				return usage(cmd, "--%s is for reading captures: name one with --pcap", name)
			}
		}
	}
	return f.read.check(cmd)
}

// inventory reads what is in use. The function that comes back ends its use.
// With errTold some of the captures gave nothing; without an inventory all did.
func (f *sourceFlags) inventory(ctx context.Context, cmd *cobra.Command, file *config.File) (*discover.Inventory, func() error, error) {
	if len(f.pcaps) == 0 {
		return f.stored()
	}
	if cmd.Flags().Changed("db") {
		f.read.console.info("--pcap reads captures into memory: --db %s is not used", f.db)
	}
	cfg := ingest.Config{
		Since: f.from, Until: f.to,
		Aggregator: discover.AggregatorConfig{Monitors: file.MonitorSources, ECHPublicNames: file.ECHPublicNames},
	}
	if err := f.read.config(&cfg, file); err != nil {
		return nil, nil, err
	}
	events, closeEvents, err := f.read.openEvents()
	if err != nil {
		return nil, nil, err
	}
	cfg.Events = events
	run, err := f.read.captures(ctx, cfg, f.pcaps)
	if run == nil {
		return nil, nil, errors.Join(err, closeEvents())
	}
	return run.Inventory(), closeEvents, err
}

func (f *sourceFlags) stored() (*discover.Inventory, func() error, error) {
	db, err := store.Open(f.db, store.Options{ReadOnly: true, MustExist: true})
	if err != nil {
		return nil, nil, err
	}
	f.sketches = db.SketchKey()
	inv, err := db.Inventory(store.Query{Since: f.from, Until: f.to, Sensor: f.read.sensor})
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return inv, db.Close, nil
}

// timeLayouts are the forms of a point in time, in UTC where they do not say.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// parseTime reads a point in time, or a duration before now. Nothing is the
// zero time.
func parseTime(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	d, err := config.ParseDuration(strings.TrimPrefix(s, "-"))
	if err != nil || d < 0 {
		return time.Time{}, errTime(s)
	}
	return now.Add(-d).UTC(), nil
}

type errTime string

func (e errTime) Error() string {
	return `"` + string(e) + `" is no time: want RFC 3339 (2026-11-23T10:00:00Z), a date (2026-11-23), or how long ago (36h, 14d)`
}
