package inventory

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateOrder says which of the first two numbers of a date such as 03/04/2026 is
// the day.
type dateOrder int

const (
	orderUnknown dateOrder = iota
	dayFirst
	monthFirst
)

// slashed is a date whose order its text does not tell: 03/04/2026 and
// 3-4-2026, with what follows.
var slashed = regexp.MustCompile(`^(\d{1,2})[/-](\d{1,2})[/-](\d{4})\b[ ,T]*(.*)$`)

// dotted is a date with dots, whose day always comes first.
var dotted = regexp.MustCompile(`^(\d{1,2})\.(\d{1,2})\.(\d{4})\b[ ,T]*(.*)$`)

// layouts are the other ways in which dates are written. Those without a zone
// are taken for UTC.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 -0700 MST", "2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006/01/02 15:04:05", "2006/01/02",
	"Jan _2 15:04:05 2006 MST", "Jan _2 15:04:05 2006", "Jan _2, 2006 3:04:05 PM", "Jan _2, 2006 15:04:05", "Jan _2, 2006", "January 2, 2006",
	"_2-Jan-2006 15:04:05", "_2-Jan-2006 15:04", "_2-Jan-2006", "_2 Jan 2006 15:04:05 MST", "_2 Jan 2006 15:04:05", "_2 Jan 2006", "2 January 2006",
	time.RFC1123, time.RFC1123Z, time.ANSIC, time.UnixDate,
	"20060102150405Z", "20060102150405", "20060102",
}

// clocks are the times that follow a date with slashes or dots.
var clocks = []string{"", "15:04:05", "15:04", "3:04:05 PM", "3:04 PM", "15:04:05 MST", "15:04:05 -0700", "15:04:05Z07:00", "3:04:05 PM MST", "15:04 MST"}

// parseDate reads a date in any of the ways that exports write them.
func parseDate(s string, order dateOrder) (time.Time, error) {
	s = trimCell(s)
	if saysNothing(s) {
		return time.Time{}, nil
	}
	t, ok := readDate(strings.Join(strings.Fields(s), " "), order)
	if !ok || t.Year() < 1950 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("date %s is in no known form: write it as 2026-11-23T10:00:00Z", quote(s))
	}
	return t.UTC(), nil
}

func readDate(s string, order dateOrder) (time.Time, bool) {
	if m := dotted.FindStringSubmatch(s); m != nil {
		return onDay(m[3], m[2], m[1], m[4])
	}
	if m := slashed.FindStringSubmatch(s); m != nil {
		if first, _ := strconv.Atoi(m[1]); order == dayFirst || first > 12 {
			return onDay(m[3], m[2], m[1], m[4])
		}
		return onDay(m[3], m[1], m[2], m[4])
	}
	if t, ok := epoch(s); ok {
		return t, true
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, zoned(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// zoned writes the names of the zone that is meant by all of them as one that
// package time knows to be it.
func zoned(s string) string {
	if rest, ok := strings.CutSuffix(s, " GMT"); ok {
		return rest + " UTC"
	}
	return s
}

func onDay(year, month, day, clock string) (time.Time, bool) {
	text := fmt.Sprintf("%s-%02s-%02s", year, month, day)
	for _, layout := range clocks {
		if t, err := time.Parse(strings.TrimSpace("2006-01-02 "+layout), strings.TrimSpace(text+" "+zoned(clock))); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// epoch reads seconds since 1970, also with a fraction, or milliseconds.
func epoch(s string) (time.Time, bool) {
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || strings.Trim(s, "0123456789.eE+") != "":
		return time.Time{}, false
	case len(s) == len("20060102") || len(s) == len("20060102150405"):
		return time.Time{}, false // a date written together
	case f >= 1e11 && f < 1e14:
		return time.UnixMilli(int64(f)), true
	case f >= 1e8 && f < 1e11:
		return time.Unix(int64(f), 0), true
	}
	return time.Time{}, false
}

// orderOf tells the order of the dates in a column by those that can be read in
// one way only. sure is false where none can, though there are some that depend
// on it.
func orderOf(dates []string) (order dateOrder, sure bool) {
	ambiguous := false
	for _, s := range dates {
		m := slashed.FindStringSubmatch(trimCell(s))
		if m == nil {
			continue
		}
		first, _ := strconv.Atoi(m[1])
		second, _ := strconv.Atoi(m[2])
		switch {
		case first > 12:
			return dayFirst, true
		case second > 12:
			return monthFirst, true
		case first != second:
			ambiguous = true
		}
	}
	return orderUnknown, !ambiguous
}
