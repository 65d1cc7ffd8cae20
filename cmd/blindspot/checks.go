package main

import (
	"bufio"
	"errors"

	"blindspot/cmd/blindspot/internal/show"
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

func newChecks() *cobra.Command {
	f := &judgeFlags{}
	output := outputFlags{}
	cmd := &cobra.Command{
		Use:   "checks",
		Short: "List what monitoring checks, and how far it covers what is in use",
		Long: `List every check: where it is written, how it asks, which endpoints in use it
covers, whether its own handshakes were seen there, and whether clients use what
it checks.

grade is how far a check covers what it touches: exact (asks for the name on the
port, and verifies), name (on a port that is not known), default-certificate
(verifies what a client without a name gets), reachability (verifies no
certificate). witnessed are the endpoints that the check was seen to reach;
where it never was, it is only declared.`,
		Example: `  blindspot checks --pcap edge.pcap --monitored prometheus:prometheus.yml
  blindspot checks --db edge.db --config blindspot.yml -o csv`,
		Args: noArguments("pcap"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(output.check(cmd), f.check(cmd)); err != nil {
				return err
			}
			c, err := f.compare(cmd.Context(), cmd)
			if err != nil {
				return err
			}
			rep := report.New(c.result, c.inv, c.now)
			err = stdout(func(w *bufio.Writer) error { return show.Checks(w, rep, output.format, output.options()) })
			return errors.Join(err, c.close())
		},
	}
	f.add(cmd)
	output.add(cmd)
	return cmd
}
