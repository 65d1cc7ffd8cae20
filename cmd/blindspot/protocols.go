package main

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/cmd/blindspot/internal/show"
	"blindspot/tlsparse"
	"blindspot/tlsparse/quic"
	"blindspot/tlsparse/starttls"

	"github.com/spf13/cobra"
)

func newProtocols() *cobra.Command {
	output := outputFlags{}
	cmd := &cobra.Command{
		Use:   "protocols",
		Short: "List the protocols, tunnels and formats that are understood",
		Long: `List what is understood on the wire: versions of TLS, DTLS and QUIC, what stands
before TLS in a connection, tunnels and link types that are taken off packets,
and capture files.

Names of prefaces are the words of 'starttls' in events, names of tunnels those
of 'tunnel'. Ports decide nothing, except for tunnels over UDP: these are looked
for on their usual ports, and on those that --tunnel-port or tunnel_ports in the
configuration file adds. A QUIC version that is not listed is tried with what is
known of the others.`,
		Example: `  blindspot protocols
  blindspot protocols -o markdown`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, "unexpected argument %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := output.check(cmd); err != nil {
				return err
			}
			return stdout(func(w *bufio.Writer) error {
				return show.Protocols(w, understood(), output.format, output.options())
			})
		},
	}
	output.add(cmd)
	return cmd
}

// understood lists what the packages that read the wire say of themselves.
func understood() []show.Protocol {
	return slices.Concat(tlsVersions(), quicVersions(), prefaces(), encapsulations("tunnel", false), encapsulations("link type", true), captureFormats())
}

// tlsVersions are the versions of TLS and DTLS. One that has several numbers is
// one row.
func tlsVersions() (list []show.Protocol) {
	for _, v := range tlsparse.Versions() {
		p := show.Protocol{Group: "transport", Name: v.Name, Description: v.What, KnownBy: fmt.Sprintf("version 0x%04x", v.Number), Source: v.Source}
		if n := len(list); n > 0 && list[n-1].Name == v.Name {
			list[n-1].KnownBy += fmt.Sprintf(", 0x%04x", v.Number)
			list[n-1].Source += "; " + v.Source
			continue
		}
		list = append(list, p)
	}
	return list
}

func quicVersions() (list []show.Protocol) {
	for _, v := range quic.Versions() {
		p := show.Protocol{Group: "transport", Name: "QUIC " + quic.VersionName(v.First), Description: v.What, KnownBy: fmt.Sprintf("version 0x%08x", v.First), Source: v.Source}
		if v.Last != v.First { // "draft 23", "draft 24"
			words := strings.Fields(quic.VersionName(v.Last))
			p.Name += " to " + words[len(words)-1]
			p.KnownBy += fmt.Sprintf(" to 0x%08x", v.Last)
		}
		list = append(list, p)
	}
	return list
}

func prefaces() (list []show.Protocol) {
	for _, p := range starttls.Prefaces() {
		list = append(list, show.Protocol{Group: "preface", Name: p.Name, Description: p.What, KnownBy: p.KnownBy, Source: p.Source})
	}
	return list
}

// encapsulations are link types, or everything else that packets are in. Link
// types are in the order of their numbers.
func encapsulations(group string, links bool) (list []show.Protocol) {
	all := slices.DeleteFunc(decode.Encapsulations(), func(e decode.Encapsulation) bool { return e.Link() != links })
	if links {
		slices.SortStableFunc(all, func(a, b decode.Encapsulation) int { return cmp.Compare(slices.Min(a.Links), slices.Min(b.Links)) })
	}
	for _, e := range all {
		list = append(list, show.Protocol{Group: group, Name: e.Name, Description: e.What, KnownBy: e.KnownBy(), Source: e.Source})
	}
	return list
}

func captureFormats() (list []show.Protocol) {
	for _, f := range capture.Formats() {
		list = append(list, show.Protocol{Group: "capture", Name: f.Name, Description: f.What, KnownBy: "first bytes " + f.KnownBy, Source: f.Source})
	}
	return list
}
