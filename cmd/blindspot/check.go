package main

import (
	"context"
	"fmt"
	"strings"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/plugin"
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

type checkFlags struct {
	judge             judgeFlags
	warning, critical string
	maxAge            string

	rule plugin.Rule
}

func newCheck() *cobra.Command {
	f := &checkFlags{judge: judgeFlags{once: true}}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "One line and an exit code, for Nagios and its like",
		Long: `Compare as 'blindspot gap' does, and answer as a monitoring plugin: one line with
performance data, and the exit code 0 OK, 1 WARNING, 2 CRITICAL or 3 UNKNOWN.

A threshold is a severity ("critical": a finding of at least that severity), a
number ("5": that many findings, of whatever severity), both ("warning:5": that
many of at least that severity), or "none".

UNKNOWN is the answer where there is nothing to judge: no store, no handshake in
the window or not for longer than --max-age, or a sensor that sees too little.
What is not seen is never OK. The exit code of a usage error is 3 too.`,
		Example: `  blindspot check --db edge.db --config blindspot.yml --since 24h --max-age 1h
  blindspot check --db edge.db --config blindspot.yml -w warning:5 -c critical
  blindspot check --pcap edge.pcap --monitored hosts.txt`,
		Args: func(cmd *cobra.Command, args []string) error { return unknown(noArguments("pcap")(cmd, args)) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return unknown(err)
			}
			return f.run(cmd.Context(), cmd)
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return unknown(flagError(cmd, err)) })
	f.judge.add(cmd)
	fl := cmd.Flags()
	fl.StringVarP(&f.warning, "warning", "w", "warning", "WARNING from this `threshold` on")
	fl.StringVarP(&f.critical, "critical", "c", "critical", "CRITICAL from this `threshold` on")
	fl.StringVar(&f.maxAge, "max-age", "", "UNKNOWN where the last handshake is older than this `duration` (default: 1h for a live sensor, else any age)")
	return cmd
}

func (f *checkFlags) check(cmd *cobra.Command) (err error) {
	f.judge.source.read.console.quiet = true // one line is the answer
	if f.rule.Warning, err = plugin.ParseThreshold(f.warning); err != nil {
		return usage(cmd, "--warning: %v", err)
	}
	if f.rule.Critical, err = plugin.ParseThreshold(f.critical); err != nil {
		return usage(cmd, "--critical: %v", err)
	}
	if f.maxAge != "" {
		if f.rule.MaxAge, err = config.ParseDuration(f.maxAge); err != nil || f.rule.MaxAge <= 0 {
			return usage(cmd, "--max-age %s: want a duration such as 90m, 24h or 7d", f.maxAge)
		}
	}
	return f.judge.check(cmd)
}

func (f *checkFlags) run(ctx context.Context, cmd *cobra.Command) error {
	c, err := f.judge.compare(ctx, cmd)
	if err != nil {
		return unknown(err)
	}
	f.rule.Live, f.rule.Now = c.inv.Live, c.now
	answer := f.rule.Judge(report.New(c.result, c.inv, c.now))
	if err := c.close(); err != nil {
		return unknown(err)
	}
	return say(answer)
}

// unknown is the answer of a plugin that could not do its work.
func unknown(err error) error {
	if err == nil {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line != errTold.Error() {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		lines = []string{"some of the captures gave nothing"}
	}
	return say(plugin.Answer{State: plugin.Unknown, Text: strings.Join(lines, "; ")})
}

// say prints the answer and ends the command with its exit code.
func say(a plugin.Answer) error {
	fmt.Println(a.Line())
	return exitState(a.State)
}

// exitState ends a command with the exit code of a plugin.
type exitState plugin.State

func (e exitState) Error() string { return plugin.State(e).String() }
