package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/cmd/blindspot/internal/nearest"
	"blindspot/cmd/blindspot/internal/term"
	"blindspot/discover"
	"blindspot/discover/logs"
	"blindspot/store"

	"github.com/spf13/cobra"
)

type importFlags struct {
	read   readFlags
	db     string
	config string
}

func newImport() *cobra.Command {
	f := &importFlags{}
	cmd := &cobra.Command{
		Use:   "import [flags] " + strings.Join(logs.Kinds(), "|") + " FILE|DIR...",
		Short: "Read another sensor's logs into the store",
		Long: `Read the logs of another sensor into the store: Zeek's ssl.log, with x509.log and
conn.log beside it (TSV and JSON), and Suricata's eve.json; plain or compressed
with gzip, single files and directories with rotated ones.

A file is known by its content: importing it again changes nothing. Import files
that are finished. One that is still written is another file when it has grown,
and its first rows count again.

A log says less than a capture does. Without x509.log, or with certificates known
by SHA-1 only, names are reported and certificates are not.`,
		Example: `  blindspot import zeek /opt/zeek/logs/2026-11-23
  blindspot import --db edge.db zeek ssl.log x509.log conn.log
  blindspot import suricata /var/log/suricata/eve.json.1.gz`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return logs.Kinds(), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		Args: checkImportArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), logs.Source{Kind: args[0], Paths: args[1:]})
		},
	}
	addDB(cmd, &f.db)
	addConfig(cmd, &f.config)
	f.read.addEvents(cmd)
	f.read.console.add(cmd)
	cmd.Flags().StringVar(&f.read.sensor, "sensor", "", "name of the sensor whose logs these are")
	return cmd
}

func checkImportArgs(cmd *cobra.Command, args []string) error {
	kinds := strings.Join(logs.Kinds(), ", ")
	switch {
	case len(args) == 0:
		return usage(cmd, "say whose logs they are (%s), and name them", kinds)
	case !slices.Contains(logs.Kinds(), args[0]):
		return usage(cmd, "unknown kind of logs %q%s the kinds are %s, and stand before the files", args[0], orColon(nearest.Hint(args[0], logs.Kinds())), kinds)
	case len(args) == 1:
		return usage(cmd, "name the logs of %s to read: files or directories", args[0])
	}
	return nil
}

func (f *importFlags) run(ctx context.Context, src logs.Source) error {
	file, err := config.Read(f.config)
	if err != nil {
		return err
	}
	events, closeEvents, err := f.read.openEvents()
	if err != nil {
		return err
	}
	db, err := store.Open(f.db, store.Options{})
	if err != nil {
		return errors.Join(err, closeEvents())
	}
	res, err := ingest.Logs(ctx, ingest.Config{
		Store: db, Events: events,
		Aggregator: discover.AggregatorConfig{Sensor: f.read.sensor, Monitors: file.MonitorSources, ECHPublicNames: file.ECHPublicNames},
	}, src)
	if res != nil {
		err = errors.Join(err, f.tell(src, res))
	}
	return errors.Join(err, db.Close(), closeEvents())
}

// tell says what the logs gave.
func (f *importFlags) tell(src logs.Source, res *ingest.LogResult) error {
	c, what := &f.read.console, src.Kind+" "+strings.Join(src.Paths, ", ")
	if res.Nothing {
		c.info("%s: already imported: nothing changed", what)
		return nil
	}
	for _, w := range res.Warnings {
		if w.Ref != "" {
			w.Text = w.Ref + ": " + w.Text
		}
		c.info("%s", w.Text)
	}
	for _, g := range res.Grown {
		c.info("%s: a file of this name was imported before, with other content: if it has grown, its first rows count twice; import logs that are finished", g.Path)
	}
	if len(res.Known) > 0 {
		c.info("%s: %s of the files already imported, left out", what, term.Count(uint64(len(res.Known))))
	}
	if res.Stopped {
		return fmt.Errorf("interrupted while reading %s; what was read is stored, import it again for the rest", what)
	}
	c.info("%s", importSummary(what, res))
	return nil
}

// importSummary is the line at the end of an import.
func importSummary(what string, res *ingest.LogResult) string {
	s := fmt.Sprintf("%s: %s, %s, %s, %s", what,
		term.Of(res.Rows, "row"), term.Of(res.Handshakes, "handshake"), term.Of(uint64(res.Names), "name"), term.Of(uint64(res.Certificates), "certificate"))
	s += counts("; left out: ", res.Skipped)
	return s + counts("; not in the log: ", res.Gaps)
}
