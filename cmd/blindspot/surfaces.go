package main

import (
	"bufio"
	"context"
	"errors"
	"slices"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/show"
	"blindspot/discover/coverage"
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

type surfacesFlags struct {
	judge   judgeFlags
	output  outputFlags
	filter  filterFlags // surface and owner
	suggest bool
}

func newSurfaces() *cobra.Command {
	f := &surfacesFlags{judge: judgeFlags{unchecked: true}}
	cmd := &cobra.Command{
		Use:   "surfaces",
		Short: "Map the surfaces: what they present, who validates it, who owns and checks it",
		Long: `Show the map that an incident needs: for each surface of the configuration file
its owner, the certificates that it presents, the trust store that they are
validated by with its verdicts, what the behaviour of clients proves, what checks
it, where handshakes are passed on to, and its findings.

A surface is a named class of endpoints. With --suggest, surfaces are proposed
from traffic alone, by issuer, network, port, mutual TLS and SPIFFE trust domain:
a section of the configuration file, to be reviewed, or used as it is.`,
		Example: `  blindspot surfaces --db edge.db --config blindspot.yml
  blindspot surfaces --pcap edge.pcap --suggest > surfaces.yml
  blindspot surfaces --db edge.db --config blindspot.yml --owner platform -o json`,
		Args: noArguments("pcap"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if f.suggest {
				return f.propose(cmd.Context(), cmd)
			}
			return f.run(cmd.Context(), cmd)
		},
	}
	f.judge.add(cmd)
	f.output.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.filter.surface, "surface", "", "only this `surface`, or unassigned: what belongs to none")
	fl.StringVar(&f.filter.owner, "owner", "", "only surfaces of this `owner`")
	fl.BoolVar(&f.suggest, "suggest", false, "propose surfaces from traffic, as a section of the configuration file (YAML)")
	return cmd
}

func (f *surfacesFlags) check(cmd *cobra.Command) error {
	if err := f.output.check(cmd); err != nil {
		return err
	}
	for _, flag := range []string{"output", "surface", "owner"} {
		if f.suggest && cmd.Flags().Changed(flag) {
			return usage(cmd, "--suggest writes YAML for all of the traffic: leave --%s away", flag)
		}
	}
	return errors.Join(f.filter.check(cmd, f.judge.config != ""), f.judge.check(cmd))
}

func (f *surfacesFlags) run(ctx context.Context, cmd *cobra.Command) error {
	file, err := config.Read(f.judge.config)
	if err != nil {
		return err
	}
	if err := f.filter.known(cmd, file); err != nil {
		return err
	}
	console := &f.judge.source.read.console
	if len(file.Surfaces) == 0 {
		console.info("no surfaces are named: everything is unassigned; --suggest proposes some")
	}
	if len(file.Monitored)+len(f.judge.monitored) == 0 {
		console.info("no checks are named (--monitored, or a monitored section): every name counts as unmonitored")
	}
	c, err := f.judge.compare(ctx, cmd)
	if err != nil {
		return err
	}
	rep := report.New(c.result, c.inv, c.now)
	rep.Surfaces = slices.DeleteFunc(rep.Surfaces, func(s coverage.SurfaceStatus) bool {
		return f.filter.surface != "" && s.Name != f.filter.surface || f.filter.owner != "" && s.Owner != f.filter.owner
	})
	err = stdout(func(w *bufio.Writer) error {
		return show.Surfaces(w, rep, c.inv.Certificate, f.output.format, f.output.options())
	})
	return errors.Join(err, c.close())
}

// propose writes surfaces that the traffic suggests.
func (f *surfacesFlags) propose(ctx context.Context, cmd *cobra.Command) error {
	c, _, err := f.judge.prepare(ctx, cmd)
	if err != nil {
		return err
	}
	list, err := coverage.Suggest(c.inv, c.config)
	if err == nil {
		err = stdout(func(w *bufio.Writer) error { return coverage.WriteSuggestion(w, list) })
	}
	return errors.Join(err, c.close())
}
