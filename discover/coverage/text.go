package coverage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"blindspot/discover"
)

// maxShown bounds a text from a certificate within a sentence, maxReason half a
// sentence with several of them.
const (
	maxShown  = 120
	maxReason = 400
)

// clean makes text from a stranger fit for a sentence: printable ASCII, short.
func clean(s string) string { return cleanTo(s, maxShown) }

func cleanTo(s string, limit int) string {
	if !plain(s) {
		s = strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '?'
			}
			return r
		}, s)
	}
	if len(s) > limit {
		s = s[:limit] + "..."
	}
	return s
}

// plain reports whether s is printable ASCII.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// describe names a certificate for people: its first name, or its subject.
func describe(c *cert) string {
	switch {
	case c == nil:
		return "hidden on the wire"
	case len(c.names) > 1:
		return fmt.Sprintf("%s (and %d more)", clean(c.names[0]), len(c.names)-1)
	case len(c.names) == 1:
		return clean(c.names[0])
	case len(c.URIs) > 0:
		return clean(c.URIs[0])
	case c.Subject != "":
		return clean(c.Subject)
	}
	return c.SHA256.Short()
}

// notLogged reports that the cells' certificate was sent in the clear, and that
// another sensor's log does not say which.
func notLogged(cells []*cell) bool {
	return !slices.ContainsFunc(cells, func(c *cell) bool { return c.known != discover.HiddenNotLogged })
}

func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatUint(n, 10) + " " + what + "s"
}

// used is "8 handshakes of 2 clients (20.0 % of traffic)".
func used(f *discover.Finding) string {
	return count(f.Handshakes, "handshake") + " of " + count(f.Clients, "client") + " (" + percent(f.Share) + " of traffic)"
}

func percent(share float64) string {
	if share > 0 && share < 0.001 {
		return "under 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}

// some lists the first few and counts the others.
func some(list []string) string {
	const shown = 3
	if len(list) == 1 {
		return list[0]
	}
	if len(list) <= shown {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), len(list)-shown)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// span writes a duration as people say it: the largest unit that fits.
func span(d time.Duration) string {
	switch d = max(d, -d); {
	case d >= 48*time.Hour:
		return count(uint64(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return count(uint64(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return count(uint64(d/time.Minute), "minute")
	}
	return count(uint64(d/time.Second), "second")
}

// where is the name of a finding with its endpoints: "api.shop.example at 10.0.0.10:443".
func where(f *discover.Finding) string {
	if f.Hostname == "" {
		return some(f.Endpoints)
	}
	return f.Hostname + " at " + some(f.Endpoints)
}

// verb agrees with where(f).
func verb(f *discover.Finding, singular, plural string) string {
	if f.Hostname == "" && len(f.Endpoints) > 1 {
		return plural
	}
	return singular
}

func refs(list []*check) []string {
	out := make([]string, 0, len(list))
	for _, c := range list {
		out = append(out, c.Ref)
	}
	return bounded(out, maxListed)
}

func names(list []nameCount) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].Hostname
	}
	return out
}

// endText says until when a certificate is valid, or since when it is not.
func endText(l *cert, at time.Time) string {
	if !l.NotAfter.IsZero() && at.After(l.NotAfter) {
		return "expired on " + stamp(l.NotAfter)
	}
	return "valid until " + stamp(l.NotAfter)
}
