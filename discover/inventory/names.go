package inventory

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"blindspot/discover"
)

// nothing are the words that exports write into an empty cell.
var nothing = []string{"", "-", "--", "n/a", "na", "none", "null", "nil", "unknown", "not available"}

func saysNothing(s string) bool {
	return slices.Contains(nothing, strings.ToLower(strings.TrimSpace(s)))
}

// hostLabels and otherLabels are what stands before a subject alternative name,
// as OpenSSL, Windows and others print it.
var (
	hostLabels  = []string{"dns", "dns name", "dnsname", "dns-name", "ip", "ip address", "ipaddress", "ip-address"}
	otherLabels = []string{
		"email", "rfc822", "rfc822 name", "rfc822name", "uri", "url", "upn", "othername", "other name", "dirname",
		"directory name", "directory address", "registered id", "guid", "principal name", "uniformresourceidentifier",
	}
)

// normalName normalises a DNS name, with or without a wildcard, or an address.
func normalName(s string) (string, bool) {
	if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return ip.Unmap().WithZone("").String(), true
	}
	rest, wild := strings.CutPrefix(s, "*.")
	name, ok := discover.Hostname(rest)
	if ok && wild {
		name = "*." + name
	}
	return name, ok
}

// addNames adds names that stand alone, and returns those that are none.
func (r *Record) addNames(names ...string) (bad []string) {
	seen := make(map[string]bool, len(r.Names)+len(names))
	for _, name := range r.Names {
		seen[name] = true
	}
	for _, sent := range names {
		if saysNothing(sent) {
			continue
		}
		name, ok := normalName(strings.TrimSpace(sent))
		if !ok {
			bad = append(bad, sent)
			continue
		}
		if !seen[name] {
			seen[name] = true
			r.Names = append(r.Names, name)
		}
	}
	return bad
}

// splitNames takes a list of subject alternative names apart. Mail addresses,
// URIs and other names that no server is asked for are left out.
func splitNames(s string) []string {
	var names []string
	for _, part := range strings.FieldsFunc(trimCell(s), func(c rune) bool { return strings.ContainsRune(",;|\n\r\t", c) }) {
		part = strings.TrimSpace(part)
		if i := strings.IndexAny(part, ":="); i > 0 {
			label := strings.ToLower(strings.TrimSpace(part[:i]))
			if slices.Contains(otherLabels, label) {
				continue
			}
			if slices.Contains(hostLabels, label) {
				part = part[i+1:]
			}
		}
		for _, name := range strings.Fields(part) {
			names = append(names, trimLabel(name))
		}
	}
	return names
}

// trimLabel takes away the label of a name in a list that spaces separate.
func trimLabel(s string) string {
	if i := strings.IndexAny(s, ":="); i > 0 && slices.Contains(hostLabels, strings.ToLower(s[:i])) {
		return s[i+1:]
	}
	return s
}

// splitTargets takes a list of places apart: hosts, host:port, URLs, or words
// that are kept as they are.
func splitTargets(s string) []string {
	var targets []string
	for _, part := range strings.FieldsFunc(trimCell(s), func(c rune) bool { return strings.ContainsRune(",;|\n\r\t", c) }) {
		if part = strings.TrimSpace(part); !saysNothing(part) {
			targets = append(targets, normalTarget(part))
		}
	}
	return targets
}

// defaultPorts are the ports of the schemes that inventories name.
var defaultPorts = map[string]string{"https": "443", "wss": "443", "ldaps": "636", "imaps": "993", "smtps": "465", "pop3s": "995", "ftps": "990"}

// normalTarget writes a host as a name or an address, with its port where one
// is given, as "host:port" and "[ipv6]:port".
func normalTarget(s string) string {
	place, fallback := s, ""
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		fallback = defaultPorts[strings.ToLower(scheme)]
		rest, _, _ = strings.Cut(rest, "/")
		place = rest[strings.LastIndexByte(rest, '@')+1:]
	}
	if ip, err := netip.ParseAddrPort(place); err == nil {
		return netip.AddrPortFrom(ip.Addr().Unmap(), ip.Port()).String()
	}
	host, port := place, fallback
	if h, p, ok := strings.Cut(place, ":"); ok && !strings.Contains(p, ":") {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return redact(s)
		}
		host, port = h, p
	}
	name, ok := normalName(host)
	switch {
	case !ok:
		return redact(s)
	case port == "":
		return name
	case strings.Contains(name, ":"):
		return "[" + name + "]:" + port
	}
	return name + ":" + port
}

// hostsOf takes the ports away from places.
func hostsOf(targets []string) []string {
	hosts := make([]string, len(targets))
	for i, target := range targets {
		hosts[i] = target
		if host, _, err := net.SplitHostPort(target); err == nil {
			hosts[i] = host
		}
	}
	return hosts
}
