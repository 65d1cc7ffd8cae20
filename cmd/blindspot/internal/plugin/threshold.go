// Package plugin answers as a monitoring plugin does: a state, one line of text,
// performance data.
package plugin

import (
	"fmt"
	"strconv"
	"strings"

	"blindspot/cmd/blindspot/internal/nearest"
	"blindspot/discover"
)

// severities are the words of a threshold, and "none".
var severities = []string{string(discover.Critical), string(discover.Warning), string(discover.Notice)}

// Threshold is reached by Count findings of at least a severity. The zero value
// never is.
type Threshold struct {
	Severity discover.Severity // "" for any
	Count    int
}

// ParseThreshold reads "critical", "5", "warning:5" or "none".
func ParseThreshold(s string) (Threshold, error) {
	if s == "none" {
		return Threshold{}, nil
	}
	word, number, both := strings.Cut(s, ":")
	if _, err := strconv.Atoi(s); err == nil {
		word, number, both = "", s, true
	} else if discover.Severity(word).Rank() == 0 {
		return Threshold{}, fmt.Errorf("%q is no threshold%s: want one of %s, a number, severity:number, or none", s, nearest.Hint(word, severities), strings.Join(severities, ", "))
	}
	t := Threshold{Severity: discover.Severity(word), Count: 1}
	if both {
		n, err := strconv.Atoi(number)
		if err != nil || n <= 0 {
			return Threshold{}, fmt.Errorf("%q: want a number above 0 of findings", s)
		}
		t.Count = n
	}
	return t, nil
}

// reached reports whether findings reach the threshold.
func (t Threshold) reached(findings []discover.Finding) bool {
	if t.Count <= 0 {
		return false
	}
	n := 0
	for i := range findings {
		if findings[i].Severity.Rank() >= t.Severity.Rank() {
			n++
		}
	}
	return n >= t.Count
}
