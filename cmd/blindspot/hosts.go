package main

import (
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

func newHosts() *cobra.Command {
	l := &listCommand{of: hostnames, list: report.ListConfig.Hosts}
	return l.command(&cobra.Command{
		Use:   "hosts",
		Short: "List the hostnames in use",
		Long:  "List the hostnames in use: where they are served, how often, by which\ncertificates, and how far those could be seen.",
		Example: `  blindspot hosts --db edge.db --since 7d
  blindspot hosts --db edge.db --unmonitored --monitored prometheus:prometheus.yml
  blindspot hosts --pcap edge.pcap -o csv`,
	})
}
