package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"blindspot/cmd/blindspot/internal/term"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// run is the whole program but for exit.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends the process at once

	root := newRoot()
	root.SetArgs(args)
	return exitCode(os.Stderr, root.ExecuteContext(ctx))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "blindspot",
		Short: "Find the certificates in use that monitoring does not check",
		Long: `blindspot reads TLS from captures or a mirror port, records every hostname and
every certificate in use, and reports what monitoring does not check: names
without a check, expired certificates that clients still use, checks that look
the other way.

It is passive: it sends nothing, stores no payload, and decrypts nothing but
handshakes whose secrets are handed over (--keylog, or in a capture). Only
'blindspot verify' and 'live --verify' connect to endpoints that are in use.`,
		Example: `  blindspot gap --pcap edge.pcap --monitored prometheus:prometheus.yml
  blindspot pcap --db edge.db captures/ && blindspot gap --db edge.db --monitored hosts.txt`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cobra.AddTemplateFunc("flagUsages", flagUsages)
	root.SetUsageTemplate(strings.NewReplacer(
		"{{.LocalFlags.FlagUsages |", "{{flagUsages .LocalFlags |",
		"{{.InheritedFlags.FlagUsages |", "{{flagUsages .InheritedFlags |",
	).Replace(root.UsageTemplate()))
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveDefault)
	root.AddCommand(newGap(), newPcap(), newHosts(), newCerts(), newEndpoints(), newSurfaces(), newChecks(), newCheck(), newImport(), newVerify(), newLive(), newDB(), newProtocols(), newVersion(), newMan())
	return root
}

// flagUsages lists flags in the width of the terminal. That a switch can be
// written --quiet=false is no news to who needs it.
func flagUsages(flags *pflag.FlagSet) string {
	const explicit = "[=true|false]"
	text := flags.FlagUsagesWrapped(term.Width(os.Stdout))
	return strings.ReplaceAll(text, explicit, strings.Repeat(" ", len(explicit)))
}
