package main

import (
	"bufio"
	"context"
	"errors"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/narrow"
	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

// listCommand is what hosts, certs and endpoints have in common.
type listCommand struct {
	source sourceFlags
	output outputFlags
	filter filterFlags
	config string
	of     what
	list   func(report.ListConfig, *discover.Inventory) (*report.List, error)
}

// command completes cmd.
func (l *listCommand) command(cmd *cobra.Command) *cobra.Command {
	cmd.Args = noArguments("pcap")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(l.output.check(cmd), l.filter.check(cmd, l.config != ""), l.source.check(cmd)); err != nil {
			return err
		}
		return l.run(cmd.Context(), cmd)
	}
	l.source.add(cmd)
	l.output.add(cmd)
	l.filter.add(cmd)
	addConfig(cmd, &l.config)
	return cmd
}

func (l *listCommand) run(ctx context.Context, cmd *cobra.Command) error {
	file, err := config.Read(l.config)
	if err != nil {
		return err
	}
	if err := l.filter.known(cmd, file); err != nil {
		return err
	}
	checks, err := l.filter.checks(cmd, file)
	if err != nil {
		return err
	}
	inv, done, told := l.source.inventory(ctx, cmd, file)
	if inv == nil || told != nil && !errors.Is(told, errTold) {
		return told
	}
	list, err := l.narrowed(inv, file, checks)
	if err != nil {
		return errors.Join(err, done())
	}
	err = stdout(func(w *bufio.Writer) error {
		return report.WriteList(w, list, l.output.format, l.output.options())
	})
	return errors.Join(err, done(), told)
}

// narrowed lists what the flags ask for.
func (l *listCommand) narrowed(inv *discover.Inventory, file *config.File, checks *narrow.Checks) (*report.List, error) {
	at := inv.Last
	if inv.Live {
		at = time.Now()
	}
	filters, err := l.filter.filters(inv, file, checks, l.of, at)
	if err != nil {
		return nil, err
	}
	cfg := report.ListConfig{SketchKey: l.source.sketches}
	if cfg.Consistent, err = coverage.Consistent(inv, nil); err != nil {
		return nil, err
	}
	if checks != nil {
		cfg.Monitored = checks.Monitored
	}
	list, err := l.list(cfg, narrow.By(inv, filters...))
	if err != nil {
		return nil, err
	}
	if l.filter.expiring != "" && l.of == certificates {
		l.filter.rows(list, inv, at)
	}
	if note := l.filter.note(); note != "" {
		list.Notes = append([]string{note}, list.Notes...)
	}
	return list, nil
}
