package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// row is one row of a Zeek log. Text is unescaped; a field that is not set is
// not there.
type row interface {
	text(name string) (string, bool)
	list(name string) []string
}

// get returns a field's text, "" where it is not set.
func get(r row, name string) string {
	s, _ := r.text(name)
	return s
}

// isTrue reads a bool of either form.
func isTrue(r row, name string) bool { return get(r, name) == "T" }

// table is the state of an ASCII log: what its header has said so far. A header
// may come again within a file.
type table struct {
	path      string
	separator string
	set       string // between the values of a set or vector
	empty     string
	unset     string
	columns   map[string]int
	width     int
}

// cutHeader splits "#key value". Only #separator is followed by a space, the
// others by the separator.
func cutHeader(line string) (key, value string) {
	line = strings.TrimPrefix(line, "#")
	i := strings.IndexFunc(line, func(c rune) bool { return (c < 'a' || c > 'z') && c != '_' })
	if i < 0 {
		return line, ""
	}
	return line[:i], line[i+1:]
}

// header reads a line of metadata. What it does not know it passes over.
func (t *table) header(line string) {
	key, value := cutHeader(line)
	switch key {
	case "separator":
		*t = table{separator: unescape(value)}
	case "set_separator":
		t.set = unescape(value)
	case "empty_field":
		t.empty = value
	case "unset_field":
		t.unset = value
	case "path":
		t.path = value
	case "fields":
		t.name(strings.Split(value, t.sep()))
	}
}

// plainHeader takes the line of column names that LogAscii's plain mode begins
// with, without metadata.
func (t *table) plainHeader(line string) bool {
	names := strings.Split(line, t.sep())
	if len(names) < 2 || names[0] != "ts" {
		return false
	}
	t.name(names)
	return true
}

func (t *table) name(names []string) {
	t.columns, t.width = make(map[string]int, len(names)), len(names)
	for i, name := range names {
		if _, twice := t.columns[name]; !twice {
			t.columns[name] = i
		}
	}
}

func (t *table) sep() string { return orDefault(t.separator, "\t") }

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// row splits a line of data.
func (t *table) row(line string) (row, error) {
	if t.columns == nil {
		return nil, errors.New("a row comes before the header that names its columns")
	}
	cells := strings.Split(line, t.sep())
	if len(cells) != t.width {
		return nil, fmt.Errorf("the row has %d columns, its header %d", len(cells), t.width)
	}
	return &tableRow{t, cells}, nil
}

// tableRow is a row of an ASCII log.
type tableRow struct {
	table *table
	cells []string
}

func (r *tableRow) raw(name string) (string, bool) {
	i, ok := r.table.columns[name]
	if !ok || r.cells[i] == orDefault(r.table.unset, "-") {
		return "", false
	}
	return r.cells[i], true
}

func (r *tableRow) text(name string) (string, bool) {
	s, ok := r.raw(name)
	if s == orDefault(r.table.empty, "(empty)") {
		s = ""
	}
	return unescape(s), ok
}

func (r *tableRow) list(name string) []string {
	s, ok := r.raw(name)
	if !ok || s == "" || s == orDefault(r.table.empty, "(empty)") {
		return nil
	}
	values := strings.Split(s, orDefault(r.table.set, ","))
	for i := range values {
		values[i] = unescape(values[i])
	}
	return values
}

// jsonRow is a row of a JSON log. Names may be flat ("id.orig_h"), with
// underscores, or nested.
type jsonRow struct{ fields map[string]json.RawMessage }

func (r *jsonRow) raw(name string) (json.RawMessage, bool) {
	if v, ok := r.fields[name]; ok {
		return v, !bytes.Equal(v, []byte("null"))
	}
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		return nil, false
	}
	if v, ok := r.fields[outer+"_"+inner]; ok {
		return v, !bytes.Equal(v, []byte("null"))
	}
	object, ok := r.fields[outer]
	if !ok || len(object) == 0 || object[0] != '{' {
		return nil, false
	}
	var within jsonRow
	if json.Unmarshal(object, &within.fields) != nil {
		return nil, false
	}
	return within.raw(inner)
}

func (r *jsonRow) text(name string) (string, bool) {
	v, ok := r.raw(name)
	if !ok {
		return "", false
	}
	return jsonText(v)
}

func (r *jsonRow) list(name string) []string {
	v, ok := r.raw(name)
	if !ok {
		return nil
	}
	var values []json.RawMessage
	if json.Unmarshal(v, &values) != nil {
		return nil
	}
	list := make([]string, 0, len(values))
	for _, v := range values {
		if s, ok := jsonText(v); ok {
			list = append(list, s)
		}
	}
	return list
}

// jsonText writes a scalar as an ASCII log does.
func jsonText(v json.RawMessage) (string, bool) {
	switch {
	case len(v) == 0, v[0] == '{', v[0] == '[':
		return "", false
	case v[0] != '"':
		switch s := string(v); s {
		case "true":
			return "T", true
		case "false":
			return "F", true
		default:
			return s, s != "null"
		}
	}
	if text := v[1 : len(v)-1]; bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text), true
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return "", false
	}
	return unescapeHex(s), true
}

// unescape takes back what the ASCII writer does to bytes: \xHH, and a doubled
// backslash.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if c, ok := hexEscape(s[i:]); ok {
				out = append(out, c)
				i += 3
				continue
			}
			if i+1 < len(s) && s[i+1] == '\\' {
				i++
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// unescapeHex does so where a backslash is not doubled: in JSON.
func unescapeHex(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if c, ok := hexEscape(s[i:]); ok {
			out = append(out, c)
			i += 3
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

// hexEscape reads "\xHH" at the beginning of s.
func hexEscape(s string) (byte, bool) {
	if len(s) < 4 || s[0] != '\\' || s[1] != 'x' {
		return 0, false
	}
	high, ok1 := hexDigit(s[2])
	low, ok2 := hexDigit(s[3])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func slicesHas(list []string, s string) bool { return slices.Contains(list, s) }
