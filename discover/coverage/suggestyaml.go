package coverage

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"blindspot/discover"
)

// WriteSuggestion writes suggestions as the surfaces section of a
// configuration file, which works as it is, with comments for review.
func WriteSuggestion(w io.Writer, list []Suggestion) error {
	b := bufio.NewWriter(w)
	if len(list) == 0 {
		fmt.Fprintln(b, "# No endpoint in scope was seen in use: there is no surface to suggest.")
		fmt.Fprintln(b, "surfaces: []")
		return b.Flush()
	}
	fmt.Fprintln(b, "# Surfaces that the traffic suggests. Review names, give owners and trust")
	fmt.Fprintln(b, "# stores; the first match wins.")
	fmt.Fprintln(b, "surfaces:")
	for i := range list {
		writeOne(b, &list[i])
	}
	return b.Flush()
}

func writeOne(b *bufio.Writer, s *Suggestion) {
	comment := func(format string, args ...any) { fmt.Fprintf(b, "  # "+format+"\n", args...) }
	comment("%s on %s, %s of traffic (%s)", count(uint64(s.Endpoints), "endpoint"), portsText(s.Ports), percent(s.Share), count(s.Handshakes, "handshake"))
	if len(s.Hostnames) > 0 {
		comment("names: %s", cleanAll(s.Hostnames))
	}
	if len(s.Authorities) > 0 {
		comment("issued by: %s", cleanAll(s.Authorities))
	} else {
		comment("its certificates were not seen")
	}
	if len(s.ClientAuthorities) > 0 {
		comment("certificates of clients issued by: %s", cleanAll(s.ClientAuthorities))
	}
	if len(s.TrustDomains) > 0 {
		comment("SPIFFE trust domains: %s", cleanAll(s.TrustDomains))
	}
	f := &s.Surface
	fmt.Fprintf(b, "  - name: %s\n", yamlText(f.Name))
	yamlList(b, "servers", f.Servers)
	yamlList(b, "ports", f.Ports)
	yamlList(b, "names", f.Names)
	yamlList(b, "networks", f.Networks)
	yamlList(b, "issuers", f.Issuers)
	if f.MTLS != discover.Unknown {
		fmt.Fprintf(b, "    mtls: %t\n", f.MTLS == discover.Yes)
	}
	fmt.Fprintln(b, "    # owner: who is called when it breaks")
	if len(s.TrustedBy) > 0 {
		fmt.Fprintf(b, "    # trust_store: %s   # trusts all that was seen here\n", yamlText(s.TrustedBy[0]))
	} else {
		fmt.Fprintln(b, "    # trust_store: name of the store that its clients use")
	}
}

func portsText(ports []uint16) string {
	var list []string
	for _, p := range ports {
		list = append(list, fmt.Sprint(p))
	}
	if len(list) == 1 {
		return "port " + list[0]
	}
	return "ports " + some(list)
}

// cleanAll is some, of text from strangers.
func cleanAll(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clean(s)
	}
	return some(out)
}

func yamlList[T any](b *bufio.Writer, key string, list []T) {
	if len(list) == 0 {
		return
	}
	out := make([]string, len(list))
	for i, v := range list {
		switch v := any(v).(type) {
		case uint16:
			out[i] = fmt.Sprint(v)
		default:
			out[i] = yamlText(fmt.Sprint(v))
		}
	}
	fmt.Fprintf(b, "    %s: [%s]\n", key, strings.Join(out, ", "))
}

// yamlText writes a string in quotes, as JSON, which YAML is a superset of.
func yamlText(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""` // strings always marshal
	}
	return string(text)
}
