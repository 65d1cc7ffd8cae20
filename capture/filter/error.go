package filter

import (
	"strings"
	"unicode/utf8"
)

// Error says what in a filter is wrong.
type Error struct {
	Expr   string
	Pos    int // where in Expr, in bytes; -1: as a whole
	Reason string
	Hint   string // what to write instead
}

// Error returns the reason, and below it the filter with a caret.
func (e *Error) Error() string {
	s := "filter: " + e.Reason
	if e.Pos < 0 {
		s = "filter '" + e.Expr + "' " + e.Reason
	}
	if e.Hint != "" {
		s += " — " + e.Hint
	}
	if e.Pos >= 0 {
		s += "\n  " + visible(e.Expr) + "\n  " + strings.Repeat(" ", utf8.RuneCountInString(e.Expr[:e.Pos])) + "^"
	}
	return s
}

// visible has one column for each character, so that the caret stays in place.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
