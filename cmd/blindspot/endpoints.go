package main

import (
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

func newEndpoints() *cobra.Command {
	l := &listCommand{of: endpoints, list: report.ListConfig.Endpoints}
	return l.command(&cobra.Command{
		Use:   "endpoints",
		Short: "List the endpoints that speak TLS",
		Long: `List the endpoints that speak TLS: address and port, names, certificates and
versions; and those where sessions stayed in the clear although TLS was offered,
or asked for and refused.`,
		Example: `  blindspot endpoints --db edge.db
  blindspot endpoints --db edge.db --config blindspot.yml --surface backends
  blindspot endpoints --pcap edge.pcap -o markdown`,
	})
}
