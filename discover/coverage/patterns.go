package coverage

import (
	"hash/maphash"
	"strings"

	"blindspot/discover"
)

// pattern is a hash of a name that a certificate has, or of what its wildcard
// stands before: of a name that no pattern is equal to, the certificate is not
// for. So most questions need neither the certificate nor the name.
type pattern uint32

// exactPattern and wildPattern hash what a certificate is compared with.
func (s seeded) exactPattern(host string) pattern { return pattern(maphash.String(s.text, host)) }
func (s seeded) wildPattern(rest string) pattern {
	return pattern(maphash.String(s.text, rest) >> 32)
}

// patternsOf hashes the names that a certificate is compared by, as
// discover.Certificate does it.
func (a *analysis) patternsOf(c *cert) []pattern {
	if c.patterns != nil || !c.known {
		return c.patterns
	}
	names := c.DNSNames
	if len(names) == 0 {
		names = []string{c.CommonName}
	}
	c.patterns = make([]pattern, len(names))
	for i, n := range names {
		n = lower(strings.TrimSuffix(n, "."))
		if rest, wild := strings.CutPrefix(n, "*"); wild && len(rest) > 1 && rest[0] == '.' {
			c.patterns[i] = a.hash.wildPattern(rest)
		} else {
			c.patterns[i] = a.hash.exactPattern(n)
		}
	}
	return c.patterns
}

// lower is for the ASCII letters alone.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for i, c := range b {
				if 'A' <= c && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// nominal reports whether a name is compared as it is: in lower case, without a
// dot at its end, and no address.
func nominal(host string) bool {
	for i := 0; i < len(host); i++ {
		if c := host[i]; c >= 0x80 || 'A' <= c && c <= 'Z' || c == ':' {
			return false
		}
	}
	last := host[max(len(host)-1, 0):]
	return last != "" && last != "." && (last < "0" || last > "9")
}

// present notes that a certificate is presented at e.
func (a *analysis) present(e *endpoint, l *cert) {
	e.leaves = append(e.leaves, l)
	e.patterns = append(e.patterns, a.patternsOf(l)...)
	e.refuses = e.refuses || l.otherwise() == discover.No
}

// uncovered reports whether certificates are known at e and none fits n.
func (n *name) uncovered(e *endpoint) bool {
	if len(e.leaves) == maxLeaves {
		return false
	}
	if !n.hashed {
		return n.unfit(e)
	}
	for _, p := range e.patterns {
		if p == n.exact || p == n.wild {
			return n.unfit(e)
		}
	}
	return e.refuses
}

// unfit asks the certificates themselves.
func (n *name) unfit(e *endpoint) bool {
	no := false
	host := discover.ReferenceOf(n.text)
	for _, l := range e.leaves {
		switch l.fitsReference(&host) {
		case discover.Yes:
			return false
		case discover.No:
			no = true
		}
	}
	return no
}
