package narrow

import (
	"strings"

	"blindspot/discover"
)

// Name keeps what was asked for by a name that matches the pattern, and, where
// no name was sent, what presented a certificate for one. In a pattern, * is any
// text and ? one character.
func Name(inv *discover.Inventory, pattern string) Filter {
	pattern = strings.TrimSuffix(strings.ToLower(pattern), ".")
	return func(s *discover.Sighting) bool {
		if s.Hostname != "" {
			return matches(pattern, s.Hostname)
		}
		c := leaf(inv, s)
		if c == nil {
			return false
		}
		for _, n := range append(c.Names(), c.LegacyName()) {
			if n != "" && matches(pattern, n) {
				return true
			}
		}
		return false
	}
}

// matches compares in one pass, going back to the last star where it must.
func matches(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p, i = p+1, i+1
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
