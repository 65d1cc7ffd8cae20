package report

import (
	"bufio"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"blindspot/discover"
)

func init() { register(format{name: "csv", place: 4, report: writeCSV, list: writeListCSV}) }

// findingHeader is the stable first row of findings.
var findingHeader = []string{
	"kind", "severity", "hostname", "endpoints", "certificate", "surface", "owner",
	"handshakes", "clients", "share", "first_seen", "last_seen", "detail", "remedy", "evidence",
}

// listSeparator stands between the values of one cell.
const listSeparator = ";"

// writeCSV writes one row a finding (RFC 4180); the evidence is JSON.
func writeCSV(w *bufio.Writer, r *Report, _ Options) error {
	if err := writeRow(w, findingHeader); err != nil {
		return err
	}
	row := make([]string, 0, len(findingHeader))
	for i := range r.Findings {
		f := &r.Findings[i]
		evidence, err := marshal(f.Evidence, "")
		if err != nil {
			return err
		}
		row = append(row[:0], csvText(f.Kind), csvText(string(f.Severity)), csvText(f.Hostname),
			csvText(strings.Join(f.Endpoints, listSeparator)), csvText(f.Certificate), csvText(f.Surface), csvText(f.Owner),
			strconv.FormatUint(f.Handshakes, 10), strconv.FormatUint(f.Clients, 10),
			strconv.FormatFloat(f.Share, 'g', -1, 64), stamp(f.FirstSeen), stamp(f.LastSeen),
			csvText(f.Detail), csvText(f.Remedy), csvText(strings.TrimSuffix(string(evidence), "\n")))
		if err := writeRow(w, row); err != nil {
			return err
		}
	}
	return nil
}

// writeListCSV writes all columns; the number of a bounded list is a column of
// its own.
func writeListCSV(w *bufio.Writer, l *List, _ Options) error {
	var row []string
	for _, c := range l.Columns {
		if c.Key == "" {
			continue
		}
		if row = append(row, c.Key); c.counted {
			row = append(row, c.Key+totalSuffix)
		}
	}
	if err := writeRow(w, row); err != nil {
		return err
	}
	for cells := range l.Rows {
		row = row[:0]
		for i, c := range cells {
			if l.Columns[i].Key == "" {
				continue
			}
			row = append(row, csvCell(c))
			if v, ok := c.(values); ok && l.Columns[i].counted {
				row = append(row, strconv.Itoa(v.total))
			}
		}
		if err := writeRow(w, row); err != nil {
			return err
		}
	}
	return nil
}

// writeRow ends rows with a newline and quotes more than RFC 4180 asks for:
// semicolons and tabs separate cells where spreadsheets are set up so, and
// behind one a formula could begin.
func writeRow(w *bufio.Writer, row []string) error {
	for i, s := range row {
		if i > 0 {
			w.WriteByte(',')
		}
		if strings.ContainsAny(s, "\",;\t\r\n") || s != strings.TrimSpace(s) {
			s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		w.WriteString(s)
	}
	_, err := w.WriteString("\n")
	return err
}

// csvText makes text harmless to a spreadsheet: what could begin a formula gets
// an apostrophe before it (OWASP, CSV injection), numbers stay as they are.
func csvText(s string) string {
	s = visible(s)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " "))
	switch first {
	case '=', '+', '-', '@', '＝', '＋', '－', '＠':
		if !isNumber(s) {
			return "'" + s
		}
	}
	return s
}

// isNumber tells what is one and nothing else: digits with a sign and a point.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "+-.0123456789") == ""
}

func csvCell(c any) string {
	switch v := c.(type) {
	case nil:
		return ""
	case string:
		return csvText(v)
	case uint64:
		return strconv.FormatUint(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return stamp(v)
	case expiry:
		return stamp(v.at)
	case discover.Fingerprint:
		return v.String()
	case values:
		return csvText(strings.Join(v.list, listSeparator))
	case Counts:
		words := make([]string, len(v))
		for i := range v {
			words[i] = v[i].Cause + "=" + strconv.FormatUint(v[i].N, 10)
		}
		return csvText(strings.Join(words, listSeparator))
	}
	panic("report: a cell of unknown type")
}

// stamp is RFC 3339 in UTC, nothing for no time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
