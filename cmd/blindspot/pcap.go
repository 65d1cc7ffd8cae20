package main

import (
	"context"
	"errors"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/discover"
	"blindspot/store"

	"github.com/spf13/cobra"
)

type pcapFlags struct {
	read   readFlags
	db     string
	config string
}

func newPcap() *cobra.Command {
	f := &pcapFlags{}
	cmd := &cobra.Command{
		Use:   "pcap [flags] FILE|DIR|-...",
		Short: "Read captures into the store",
		Long: `Read captures into the store: pcap and pcapng, plain or compressed with gzip or
zstd, single files, directories, and standard input (-). What a file is, its
content decides. Reading a capture twice changes nothing.

A damaged capture counts up to its damage. The exit code is 2 where a capture
that was named gave nothing at all.`,
		Example: `  blindspot pcap edge.pcap
  blindspot pcap --db edge.db --quiet captures/ more.pcapng.gz
  tcpdump -i eth0 -w - | blindspot pcap --events - -`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, "name the captures to read: files, directories, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.read.check(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), args)
		},
	}
	addDB(cmd, &f.db)
	addConfig(cmd, &f.config)
	f.read.addEvents(cmd)
	f.read.add(cmd)
	return cmd
}

func (f *pcapFlags) run(ctx context.Context, paths []string) error {
	file, err := config.Read(f.config)
	if err != nil {
		return err
	}
	cfg := ingest.Config{Aggregator: discover.AggregatorConfig{Monitors: file.MonitorSources, ECHPublicNames: file.ECHPublicNames}}
	if err := f.read.config(&cfg, file); err != nil {
		return err
	}
	events, closeEvents, err := f.read.openEvents()
	if err != nil {
		return err
	}
	db, err := store.Open(f.db, store.Options{})
	if err != nil {
		return err
	}
	cfg.Store, cfg.Events = db, events
	_, err = f.read.captures(ctx, cfg, paths)
	if errors.Is(err, errTold) { // after this, closing must not fail silently
		return errors.Join(db.Close(), closeEvents(), errTold)
	}
	return errors.Join(err, db.Close(), closeEvents())
}
