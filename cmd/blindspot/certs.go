package main

import (
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

func newCerts() *cobra.Command {
	l := &listCommand{of: certificates, list: report.ListConfig.Certificates}
	return l.command(&cobra.Command{
		Use:   "certs",
		Short: "List the certificates in use",
		Long:  "List the certificates in use: what they say, and which endpoints present them\nfor which names.",
		Example: `  blindspot certs --db edge.db
  blindspot certs --db edge.db --expiring 30d
  blindspot certs --pcap edge.pcap -o json`,
	})
}
