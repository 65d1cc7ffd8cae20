package discover

import (
	"net/netip"
	"slices"
	"strings"
)

// Names returns the hostnames that the certificate is for, normalised by
// Hostname, "*." before those with a wildcard, without duplicates: the dNSNames
// of its subject alternative name. What no hostname can match is left out. For
// a certificate whose names are in its common name alone, see LegacyName.
func (c *Certificate) Names() []string {
	names := make([]string, 0, max(1, len(c.DNSNames)))
	seen := make(map[string]bool, len(c.DNSNames))
	for _, sent := range c.DNSNames {
		if name, ok := namePattern(sent); ok && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if name := c.LegacyName(); name != "" {
		names = append(names, name)
	}
	return slices.Clip(names)
}

// LegacyName returns the hostname in the common name, normalised, of a
// certificate without any dNSName and iPAddress, "" otherwise. Today's clients
// do not match it (RFC 9525 §2); Names has it as the only one.
func (c *Certificate) LegacyName() string {
	if len(c.DNSNames) > 0 || len(c.IPs) > 0 {
		return ""
	}
	name, _ := namePattern(c.CommonName)
	return name
}

// namePattern normalises a name that may begin with a wildcard.
func namePattern(sent string) (string, bool) {
	rest, wild := strings.CutPrefix(sent, "*.")
	name, ok := Hostname(rest)
	if ok && wild {
		name = "*." + name
	}
	return name, ok
}

// Covers reports whether the certificate is for host, a hostname or an IP
// address, by RFC 9525 §6: its subject alternative name alone, a wildcard only
// as the whole left-most label and for one label.
func (c *Certificate) Covers(host string) bool {
	if ip, ok := literalIP(host); ok {
		return c.coversIP(ip)
	}
	host, ok := referenceName(host)
	if !ok {
		return false
	}
	for i := range c.DNSNames {
		if matches(c.DNSNames[i], host) {
			return true
		}
	}
	return false
}

// CoversByCommonName reports whether a client of old would accept the
// certificate for host by its common name, because it has neither dNSName nor
// iPAddress (RFC 6125 §6.4.4).
func (c *Certificate) CoversByCommonName(host string) bool {
	if len(c.DNSNames) > 0 || len(c.IPs) > 0 || c.CommonName == "" {
		return false
	}
	if ip, ok := literalIP(host); ok {
		named, ok := literalIP(c.CommonName)
		return ok && named == ip
	}
	host, ok := referenceName(host)
	return ok && matches(c.CommonName, host)
}

func (c *Certificate) coversIP(ip netip.Addr) bool {
	for i := range c.IPs {
		if c.IPs[i].Unmap() == ip {
			return true
		}
	}
	return false
}

// referenceName makes host comparable: A-labels, no trailing dot. Letters keep
// their case, as matches ignores it, so that it allocates only for U-labels.
func referenceName(host string) (string, bool) {
	if !isASCII(host) {
		return Hostname(host)
	}
	host = strings.TrimSuffix(host, ".")
	return host, validLabels(host) && !looksLikeIP(host)
}

// matches compares a name as presented with a valid host.
func matches(presented, host string) bool {
	presented = strings.TrimSuffix(presented, ".")
	if len(presented) > 1 && presented[0] == '*' && presented[1] == '.' {
		dot := strings.IndexByte(host, '.')
		return dot > 0 && equalASCII(presented[1:], host[dot:])
	}
	return equalASCII(presented, host)
}

// literalIP reads an address as a URL or a command line has it. It allocates
// only for what is one, or nearly so.
func literalIP(host string) (netip.Addr, bool) {
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	if strings.IndexByte(host, ':') < 0 && !endsInNumber(host) {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(host)
	return ip.WithZone("").Unmap(), err == nil
}

// endsInNumber tells what may be an IPv4 address: its last label is a number.
func endsInNumber(s string) bool {
	i := len(s)
	for i > 0 && '0' <= s[i-1] && s[i-1] <= '9' {
		i--
	}
	return i < len(s) && i > 0 && s[i-1] == '.'
}

// equalASCII compares without regard to the case of ASCII letters, and of no
// others: strings.EqualFold takes the Kelvin sign for a k.
func equalASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
