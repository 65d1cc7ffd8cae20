package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// columns returns how many columns of a terminal s takes.
func columns(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return n + wideColumns(s[i:])
		}
		n++
	}
	return n
}

func wideColumns(s string) (n int) {
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// shorten takes out the middle of s where it is wider than n columns: both ends
// of a hostname tell more than its middle.
func shorten(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	if n <= 1 {
		return strings.Repeat("…", max(n, 0))
	}
	rs := []rune(s)
	head, tail := (n-1)/2, n-1-(n-1)/2
	i, used := 0, 0
	for i < len(rs) && used+runeColumns(rs[i]) <= head {
		used += runeColumns(rs[i])
		i++
	}
	j := len(rs)
	for used = 0; j > i && used+runeColumns(rs[j-1]) <= tail; j-- {
		used += runeColumns(rs[j-1])
	}
	for j < len(rs) && runeColumns(rs[j]) == 0 {
		j++ // a mark belongs to the character that is gone
	}
	return string(rs[:i]) + "…" + string(rs[j:])
}

// wrap breaks s between words into lines of at most n columns. A word that is
// wider stays whole, so that it can be copied. A figure keeps its percent sign.
func wrap(s string, n int) []string {
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(strings.ReplaceAll(s, " %", "\u00a0%")) {
		word = strings.ReplaceAll(word, "\u00a0", " ")
		c := columns(word)
		if used > 0 && used+1+c > n {
			lines = append(lines, line)
			line, used = "", 0
		}
		if used > 0 {
			line += " "
			used++
		}
		line += word
		used += c
	}
	if used > 0 {
		lines = append(lines, line)
	}
	return lines
}

// number writes n with a comma between thousands.
func number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// quantity is "1 handshake", "2,000 handshakes".
func quantity(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}

// percent never rounds something to nothing, nor a part to the whole.
func percent(share float64) string {
	switch {
	case share > 0 && share < 0.001:
		return "under 0.1 %"
	case share < 1 && share > 0.999:
		return "over 99.9 %"
	}
	return strings.TrimSuffix(strconv.FormatFloat(100*share, 'f', 1, 64), ".0") + " %"
}

func part(n, whole uint64) string {
	if whole == 0 {
		return "0 %"
	}
	return percent(float64(n) / float64(whole))
}

// span writes a duration as people say it: the largest unit that fits twice.
func span(d time.Duration) string {
	switch d = max(d, -d); {
	case d >= 48*time.Hour:
		return quantity(uint64(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return quantity(uint64(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return quantity(uint64(d/time.Minute), "minute")
	}
	return quantity(uint64(d/time.Second), "second")
}

const (
	dayLayout    = "2006-01-02"
	clockLayout  = "15:04:05"
	secondLayout = dayLayout + " " + clockLayout
)

// period writes a stretch of time in UTC.
func period(first, last time.Time) string {
	first, last = first.UTC(), last.UTC()
	to := last.Format(secondLayout)
	switch {
	case first.Truncate(time.Second).Equal(last.Truncate(time.Second)):
		return first.Format(secondLayout) + " UTC"
	case first.Format(dayLayout) == last.Format(dayLayout):
		to = last.Format(clockLayout)
	}
	return fmt.Sprintf("%s to %s UTC (%s)", first.Format(secondLayout), to, span(last.Sub(first)))
}

// some joins the first n and counts the others.
func some(list []string, total, n int) string {
	if len(list) > n {
		list = list[:n]
	}
	s := strings.Join(list, ", ")
	if more := total - len(list); more > 0 {
		s += " and " + number(uint64(more)) + " more"
	}
	return s
}
