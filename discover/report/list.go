package report

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"blindspot/discover"
)

// totalSuffix names the number of all behind a list that is cut.
const totalSuffix = "_total"

// List is a table: what is in use, one row a thing. Programs get every column
// under its stable key.
type List struct {
	Title   string // one line
	Columns []Column
	// Rows yields each row's cells; a row is valid until the next. It can be
	// walked over again.
	Rows iter.Seq[[]any]
	// Notes are sentences below the table: what is left out, what was not seen.
	Notes []string

	// inTable says whether a row is shown to people, nil for all.
	inTable func(row []any) bool
}

// Column is a column of a List.
type Column struct {
	Key   string // in JSON and CSV, "" for columns that only people get
	Title string // in tables, "" for columns that only programs get

	right   bool // figures
	counted bool // its cells are values
	flex    int  // columns that it keeps where the table is too wide; 0 is all
	drop    int  // is left out of tables that are too narrow, highest first; 0 never
}

// Cells are nil, string, uint64, bool, time.Time, discover.Fingerprint, and the
// types below.
type (
	// values is a list of which only the first are kept.
	values struct {
		list  []string
		total int
		most  int                 // values that people are shown, 0 for one
		short func(string) string // for people, nil for as it is
	}
	// expiry is the end of a validity, looked at from a point in time.
	expiry struct {
		at, from time.Time
	}
)

// orNil is nil for no text, which is null in JSON.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func short(hex string) string {
	const digits = 12
	return hex[:min(len(hex), digits)]
}

// objectKeys are what stands before each value of a row, "" where nothing does.
func objectKeys(l *List) []string {
	keys := make([]string, len(l.Columns))
	for i, c := range l.Columns {
		if c.Key != "" {
			keys[i] = string(appendString(nil, c.Key)) + ":"
		}
	}
	return keys
}

func appendObject(b []byte, l *List, keys []string, row []any) []byte {
	b = append(b, '{')
	first := len(b)
	for i, cell := range row {
		if keys[i] == "" {
			continue
		}
		if len(b) > first {
			b = append(b, ',')
		}
		b = append(b, keys[i]...)
		b = appendCell(b, cell)
		if v, ok := cell.(values); ok {
			b = append(b, ',')
			b = appendString(b, l.Columns[i].Key+totalSuffix)
			b = append(b, ':')
			b = strconv.AppendInt(b, int64(v.total), 10)
		}
	}
	return append(b, '}')
}

func appendCell(b []byte, cell any) []byte {
	switch v := cell.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case bool:
		return strconv.AppendBool(b, v)
	case time.Time:
		return appendTime(b, v)
	case expiry:
		return appendTime(b, v.at)
	case discover.Fingerprint:
		return appendString(b, v.String())
	case values:
		return appendStrings(b, v.list)
	case Counts:
		return v.appendJSON(b)
	}
	panic("report: a cell of unknown type")
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// show is a cell for people.
func show(cell any) string {
	switch v := cell.(type) {
	case nil:
		return "-"
	case string:
		return visible(v)
	case uint64:
		return number(v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case time.Time:
		return orDash(v, "2006-01-02 15:04")
	case expiry:
		return v.show()
	case discover.Fingerprint:
		return v.Short()
	case values:
		return v.show()
	case Counts:
		return v.show()
	}
	panic("report: a cell of unknown type")
}

func orDash(t time.Time, layout string) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(layout)
}

// show is "2026-12-05 (12 days)", "2026-11-16 (expired)".
func (e expiry) show() string {
	day := orDash(e.at, dayLayout)
	switch left := e.at.Sub(e.from); {
	case e.at.IsZero() || e.from.IsZero():
		return day
	case left < 0:
		return day + " (expired)"
	case left < 100*24*time.Hour:
		return day + " (" + span(left) + ")"
	}
	return day
}

func (v values) show() string {
	if v.total == 0 || len(v.list) == 0 {
		return "-"
	}
	show := slices.Clone(v.list[:min(len(v.list), max(v.most, 1))])
	for i, s := range show {
		if v.short != nil {
			s = v.short(s)
		}
		show[i] = visible(s)
	}
	text := strings.Join(show, ", ")
	if more := v.total - len(show); more > 0 {
		text += " +" + number(uint64(more))
	}
	return text
}

func (c Counts) show() string {
	list := make([]string, 0, len(c))
	for _, e := range c.most() {
		if e.N > 0 {
			list = append(list, visible(e.Cause)+" "+number(e.N))
		}
	}
	if len(list) == 0 {
		return "-"
	}
	return some(list, len(list), 2)
}
