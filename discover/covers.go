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

// Reference is a name or address that certificates are asked about, made ready
// for many of them.
type Reference struct {
	ip   netip.Addr // of an address
	name string     // of a hostname; "" for neither
	dot  int        // where its first label ends
}

// ReferenceOf reads a hostname or an IP address.
func ReferenceOf(host string) (r Reference) {
	if isPlainHostname(host) {
		return Reference{name: host, dot: strings.IndexByte(host, '.')}
	}
	if ip, ok := literalIP(host); ok {
		r.ip = ip
		return r
	}
	if name, ok := referenceName(host); ok {
		r.name, r.dot = name, strings.IndexByte(name, '.')
	}
	return r
}

// Covers reports whether the certificate is for host, a hostname or an IP
// address, by RFC 9525 §6: its subject alternative name alone, a wildcard only
// as the whole left-most label and for one label.
func (c *Certificate) Covers(host string) bool {
	r := ReferenceOf(host)
	return c.CoversReference(&r)
}

// CoversReference is Covers for what ReferenceOf has read.
func (c *Certificate) CoversReference(r *Reference) bool {
	if r.ip.IsValid() {
		return c.coversIP(r.ip)
	}
	if r.name == "" {
		return false
	}
	for i := range c.DNSNames {
		if r.matches(c.DNSNames[i]) {
			return true
		}
	}
	return false
}

// CoversByCommonName reports whether a client of old would accept the
// certificate for host by its common name, because it has neither dNSName nor
// iPAddress (RFC 6125 §6.4.4).
func (c *Certificate) CoversByCommonName(host string) bool {
	r := ReferenceOf(host)
	return c.CoversReferenceByCommonName(&r)
}

// CoversReferenceByCommonName is CoversByCommonName for what ReferenceOf has
// read.
func (c *Certificate) CoversReferenceByCommonName(r *Reference) bool {
	if len(c.DNSNames) > 0 || len(c.IPs) > 0 || c.CommonName == "" {
		return false
	}
	if r.ip.IsValid() {
		named, ok := literalIP(c.CommonName)
		return ok && named == r.ip
	}
	return r.name != "" && r.matches(c.CommonName)
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

// matches compares a name as presented with a hostname.
func (r *Reference) matches(presented string) bool {
	presented = strings.TrimSuffix(presented, ".")
	if len(presented) > 1 && presented[0] == '*' && presented[1] == '.' {
		return r.dot > 0 && equalASCII(presented[1:], r.name[r.dot:])
	}
	return equalASCII(presented, r.name)
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
