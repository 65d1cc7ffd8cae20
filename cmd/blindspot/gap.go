package main

import (
	"bufio"
	"context"
	"errors"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/discover/monitored"
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

// severities are the words of --fail-on.
var severities = []string{string(discover.Critical), string(discover.Warning), string(discover.Notice)}

type gapFlags struct {
	source    sourceFlags
	output    outputFlags
	monitored []string
	config    string
	scope     string
	failOn    string

	specs []monitored.Spec
}

func newGap() *cobra.Command {
	f := &gapFlags{}
	cmd := &cobra.Command{
		Use:   "gap",
		Short: "Report what is in use and not monitored",
		Long: `Compare what traffic uses with what monitoring checks, and report the gaps: names
without a check, checks that do not see what clients get, certificates that have
expired or soon will.

The traffic comes from captures (--pcap), or from a store that 'blindspot pcap'
has filled (--db). What monitoring checks comes from --monitored or from the
configuration file.`,
		Example: `  blindspot gap --pcap edge.pcap --monitored prometheus:prometheus.yml
  blindspot gap --db edge.db --monitored hosts.txt --since 7d --fail-on critical
  blindspot gap --pcap edge.pcap --config blindspot.yml -o markdown`,
		Args: noArguments("pcap"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), cmd)
		},
	}
	f.source.add(cmd)
	f.source.read.addEvents(cmd)
	f.output.add(cmd)
	addConfig(cmd, &f.config)
	fl := cmd.Flags()
	fl.StringArrayVar(&f.monitored, "monitored", nil, "what monitoring checks: `kind:path` ("+strings.Join(monitored.Kinds(), ", ")+"), or a path whose content tells; may be repeated")
	fl.StringVar(&f.scope, "scope", "", "what is ours: 'all' takes every server and name (default: as the configuration says, else private addresses and the domains that checks name)")
	fl.StringVar(&f.failOn, "fail-on", "", "exit with 1 where a finding is at least this `severity`: "+strings.Join(severities, ", "))
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("scope", cobra.FixedCompletions([]string{"all"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *gapFlags) check(cmd *cobra.Command) error {
	if err := f.output.check(cmd); err != nil {
		return err
	}
	if f.scope != "" && f.scope != "all" {
		return usage(cmd, "--scope %s: want all, or a scope section in the configuration file", f.scope)
	}
	if f.failOn != "" && discover.Severity(f.failOn).Rank() == 0 {
		return usage(cmd, "--fail-on %s: want one of %s", f.failOn, strings.Join(severities, ", "))
	}
	if f.source.read.events == "-" {
		return usage(cmd, "--events - and the report would share standard output: name a file for the events")
	}
	if len(f.monitored) == 0 && f.config == "" {
		return usage(cmd, "say what monitoring checks: --monitored kind:path, or a configuration file with a monitored section; what is in use alone lists 'blindspot hosts'")
	}
	for _, word := range f.monitored {
		spec, err := monitored.ParseSpec(word)
		if err != nil {
			return usage(cmd, "--monitored: %v", err)
		}
		f.specs = append(f.specs, spec)
	}
	return f.source.check(cmd)
}

func (f *gapFlags) run(ctx context.Context, cmd *cobra.Command) error {
	file, err := config.Read(f.config)
	if err != nil {
		return err
	}
	if len(file.Idle) > 0 {
		f.source.read.console.info("%s: has no effect yet: %s", f.config, strings.Join(file.Idle, ", "))
	}
	specs := append(file.Monitored, f.specs...)
	if len(specs) == 0 {
		return usage(cmd, "%s names nothing that is monitored: add a monitored section, or --monitored kind:path", f.config)
	}
	checks, err := monitored.Read(specs)
	if err != nil {
		return err
	}
	inv, done, told := f.source.inventory(ctx, cmd, file)
	if inv == nil || told != nil && !errors.Is(told, errTold) {
		return told
	}
	return errors.Join(f.report(inv, checks, file), done(), told)
}

// report compares and writes.
func (f *gapFlags) report(inv *discover.Inventory, checks *monitored.Result, file *config.File) error {
	now := time.Now().UTC()
	res, err := coverage.Compare(inv, checks, f.coverage(file, now))
	if err != nil {
		return err
	}
	rep := report.New(res, inv, now)
	err = stdout(func(w *bufio.Writer) error {
		return report.Write(w, rep, f.output.format, f.output.options())
	})
	if err == nil && f.failing(res.Findings) {
		err = errFindings
	}
	return err
}

func (f *gapFlags) coverage(file *config.File, now time.Time) coverage.Config {
	cfg := coverage.Config{
		Scope:          coverage.Scope{All: f.scope == "all", Domains: file.Scope.Domains, Servers: file.Scope.Servers},
		MonitorSources: file.MonitorSources,
		ExpiringWithin: file.ExpiringWithin,
		Now:            now,
		SketchKey:      f.source.sketches,
	}
	for _, s := range file.Surfaces {
		cfg.Surfaces = append(cfg.Surfaces, coverage.Surface{
			Name: s.Name, Owner: s.Owner, TrustStore: s.TrustStore, Servers: s.Servers, Ports: s.Ports, Names: s.Names,
		})
	}
	return cfg
}

// failing reports whether a finding is at or above --fail-on.
func (f *gapFlags) failing(findings []discover.Finding) bool {
	limit := discover.Severity(f.failOn).Rank()
	for i := range findings {
		if limit > 0 && findings[i].Severity.Rank() >= limit {
			return true
		}
	}
	return false
}
