package main

import (
	"bufio"
	"context"
	"errors"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/discover"
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

// listCommand is what hosts, certs and endpoints have in common.
type listCommand struct {
	source sourceFlags
	output outputFlags
	config string
	list   func(report.ListConfig, *discover.Inventory) (*report.List, error)
}

// command completes cmd.
func (l *listCommand) command(cmd *cobra.Command) *cobra.Command {
	cmd.Args = noArguments("pcap")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(l.output.check(cmd), l.source.check(cmd)); err != nil {
			return err
		}
		return l.run(cmd.Context(), cmd)
	}
	l.source.add(cmd)
	l.output.add(cmd)
	addConfig(cmd, &l.config)
	return cmd
}

func (l *listCommand) run(ctx context.Context, cmd *cobra.Command) error {
	file, err := config.Read(l.config)
	if err != nil {
		return err
	}
	inv, done, told := l.source.inventory(ctx, cmd, file)
	if inv == nil || told != nil && !errors.Is(told, errTold) {
		return told
	}
	list, err := l.list(report.ListConfig{SketchKey: l.source.sketches}, inv)
	if err != nil {
		return errors.Join(err, done())
	}
	err = stdout(func(w *bufio.Writer) error {
		return report.WriteList(w, list, l.output.format, l.output.options())
	})
	return errors.Join(err, done(), told)
}
