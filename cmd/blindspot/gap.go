package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"blindspot/discover"
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

// severities are the words of --fail-on.
var severities = []string{string(discover.Critical), string(discover.Warning), string(discover.Notice)}

type gapFlags struct {
	judge     judgeFlags
	output    outputFlags
	failOn    string
	diff      string
	since     string // --since-report, another word for --diff
	closeLoop string

	old *report.Report // the one to compare with, nil for none
}

func newGap() *cobra.Command {
	f := &gapFlags{judge: judgeFlags{once: true}}
	cmd := &cobra.Command{
		Use:   "gap",
		Short: "Report what is in use and not monitored",
		Long: `Compare what traffic uses with what monitoring checks, and report the gaps: names
without a check, checks that do not see what clients get, certificates that have
expired or soon will, chains that their surface's trust store does not accept,
endpoints that still serve what has been replaced.

The traffic comes from captures (--pcap), or from a store that 'blindspot pcap'
or 'blindspot import' has filled (--db). What monitoring checks comes from
--monitored or from the configuration file, and so does the inventory. Trust
stores and surfaces are named in the configuration file.

With --diff the report is about what changed since another one, and --fail-on
looks at what is new or worse. With --close-loop it is the configuration of a
monitor that checks what is not monitored yet, to be reviewed.`,
		Example: `  blindspot gap --pcap edge.pcap --monitored prometheus:prometheus.yml
  blindspot gap --db edge.db --monitored hosts.txt --since 7d --fail-on critical
  blindspot gap --db edge.db --config blindspot.yml -o html > report.html
  blindspot gap --db edge.db --config blindspot.yml --diff last-week.json
  blindspot gap --db edge.db --config blindspot.yml --close-loop gatus > gatus.yaml`,
		Args: noArguments("pcap"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), cmd)
		},
	}
	f.judge.add(cmd)
	f.judge.source.read.addEvents(cmd)
	f.output.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.failOn, "fail-on", "", "exit with 1 where a finding is at least this `severity`: "+strings.Join(severities, ", "))
	fl.StringVar(&f.diff, "diff", "", "report what changed since the report in `FILE`, written with -o json: "+strings.Join(report.DeltaFormats(), ", "))
	fl.StringVar(&f.since, "since-report", "", "the same as --diff `FILE`")
	fl.StringVar(&f.closeLoop, "close-loop", "", "write the checks that are missing, in place of the report, as `monitor`: "+strings.Join(report.CloseLoopFormats(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("close-loop", cobra.FixedCompletions(report.CloseLoopFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *gapFlags) check(cmd *cobra.Command) error {
	if f.failOn != "" && discover.Severity(f.failOn).Rank() == 0 {
		return usage(cmd, "--fail-on %s: want one of %s", f.failOn, strings.Join(severities, ", "))
	}
	if f.judge.source.read.events == "-" {
		return usage(cmd, "--events - and the report would share standard output: name a file for the events")
	}
	if f.diff != "" && f.since != "" {
		return usage(cmd, "--diff and --since-report are the same: give one")
	}
	f.diff += f.since
	if err := f.checkForm(cmd); err != nil {
		return err
	}
	if err := f.judge.check(cmd); err != nil {
		return err
	}
	return f.readOld()
}

// checkForm checks what is written: the report, a difference, or checks.
func (f *gapFlags) checkForm(cmd *cobra.Command) error {
	switch {
	case f.closeLoop != "" && f.diff != "":
		return usage(cmd, "--close-loop and --diff both take the place of the report: give one")
	case f.closeLoop != "" && cmd.Flags().Changed("output"):
		return usage(cmd, "--close-loop has a format of its own: leave --output away")
	case f.closeLoop != "":
		return oneOf(cmd, "close-loop", f.closeLoop, "monitor", report.CloseLoopFormats())
	case f.diff != "":
		return f.output.checkAmong(cmd, report.DeltaFormats())
	}
	return f.output.check(cmd)
}

// readOld reads the report to compare with.
func (f *gapFlags) readOld() error {
	if f.diff == "" {
		return nil
	}
	file, err := os.Open(f.diff)
	if err != nil {
		return fmt.Errorf("the report to compare with: %w", err)
	}
	defer file.Close()
	if f.old, err = report.ReadJSON(file); err != nil {
		return fmt.Errorf("the report to compare with: %s: %w", f.diff, err)
	}
	return nil
}

func (f *gapFlags) run(ctx context.Context, cmd *cobra.Command) error {
	c, err := f.judge.compare(ctx, cmd)
	if err != nil {
		return err
	}
	return errors.Join(f.write(c), c.close())
}

// write writes what was asked for.
func (f *gapFlags) write(c *comparison) error {
	rep := report.New(c.result, c.inv, c.now)
	judged := rep.Findings
	err := stdout(func(w *bufio.Writer) error {
		switch {
		case f.closeLoop != "":
			return report.CloseLoop(w, rep, f.closeLoop)
		case f.old != nil:
			d := report.Diff(f.old, rep)
			judged = newOrWorse(d)
			return report.WriteDelta(w, d, f.output.format, f.output.options())
		}
		return report.Write(w, rep, f.output.format, f.output.options())
	})
	if err == nil && f.failing(judged) {
		err = errFindings
	}
	return err
}

func newOrWorse(d *report.Delta) []discover.Finding {
	list := slices.Clone(d.Added)
	for i := range d.Worse {
		list = append(list, d.Worse[i].Finding)
	}
	return list
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
