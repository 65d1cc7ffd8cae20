package inventory

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

func init() {
	register(format{kind: "csv", read: readCSV, detect: detectCSV, options: append([]string{"dates", "serials"}, csvFields...)})
}

// readCSV reads a table with a header: the exports of certificate managers, and
// what people keep in spreadsheets. Separators are comma, semicolon, tab or
// bar. Options named after a field say which column it is; dates=dmy or
// dates=mdy the order of dates such as 03/04/2026, and serials=dec or
// serials=hex how digits are meant.
func readCSV(in *input, b *batch) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	t, err := newTable(text, in.Options)
	if err != nil {
		return fmt.Errorf("%s%w", in.Path, err)
	}
	if err := t.readRows(); err != nil {
		return fmt.Errorf("%s%w", in.Path, err)
	}
	if err := t.settle(in, b); err != nil {
		return err
	}
	for i := range t.rows {
		t.addRow(in.ref(t.rows[i].line), t.rows[i].fields, b)
	}
	return nil
}

// table is a CSV table whose header was found.
type table struct {
	text    string // from the header on
	before  int    // lines before it
	comma   rune
	header  []string
	columns []csvColumn
	rows    []row

	order  dateOrder
	digits base
}

type row struct {
	line   int
	fields []string
}

// maxPreamble bounds the lines before the header that a report may have.
const maxPreamble = 10

// newTable finds the header: the one of the first lines with most columns that
// mean something, in the separator for which it has them.
func newTable(text string, options map[string]string) (*table, error) {
	best, offset, line := &table{}, 0, 0
	for s := range strings.Lines(text) {
		if line == maxPreamble {
			break
		}
		for _, comma := range ",;\t|" {
			header := splitHeader(s, comma)
			if columns := csvColumns(header, options); len(columns) > len(best.columns) || best.header == nil && strings.TrimSpace(s) != "" && comma == ',' {
				best = &table{text: text[offset:], before: line, comma: comma, header: header, columns: columns}
			}
		}
		offset += len(s)
		line++
	}
	if best.header == nil {
		return nil, &placed{":1:1", errors.New("the file is empty: a csv begins with the names of its columns")}
	}
	best.columns = hostsAsNames(best.columns)
	if err := checkColumns(best.header, best.columns, options); err != nil {
		return nil, &placed{fmt.Sprintf(":%d:1", best.before+1), err}
	}
	return best, nil
}

func splitHeader(s string, comma rune) []string {
	header := strings.Split(strings.TrimSpace(s), string(comma))
	for i, h := range header {
		header[i] = strings.Trim(strings.TrimSpace(h), `"`)
	}
	return header
}

// readRows reads what follows the header.
func (t *table) readRows() error {
	r := csv.NewReader(strings.NewReader(t.text))
	r.Comma, r.FieldsPerRecord = t.comma, -1
	r.TrimLeadingSpace = t.comma != '\t' // it would eat empty fields
	for first := true; ; first = false {
		fields, err := r.Read()
		if err == io.EOF {
			return nil
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return fmt.Errorf(":%d:%d: %w: quote the whole field, and write a quote in it twice", t.before+parse.Line, parse.Column, parse.Err)
		}
		if err != nil {
			return fmt.Errorf(": %w", err)
		}
		if line, _ := r.FieldPos(0); !first {
			t.rows = append(t.rows, row{t.before + line, fields})
		}
	}
}

// cells returns what stands in the columns of a field.
func (t *table) cells(field string) []string {
	var out []string
	for _, c := range t.columns {
		if c.field != field {
			continue
		}
		for i := range t.rows {
			if c.index < len(t.rows[i].fields) {
				out = append(out, t.rows[i].fields[c.index])
			}
		}
	}
	return out
}

// settle decides for whole columns what a single cell cannot tell: the order of
// day and month, and whether digits are decimal.
func (t *table) settle(in *input, b *batch) error {
	switch said := in.Options["dates"]; said {
	case "dmy":
		t.order = dayFirst
	case "mdy":
		t.order = monthFirst
	case "":
		t.settleDates(in, b)
	default:
		return fmt.Errorf("inventory source csv: dates=%s: say dmy or mdy", said)
	}
	switch said := in.Options["serials"]; said {
	case "dec":
		t.digits = decimal
	case "hex":
		t.digits = hexadecimal
	case "":
		t.settleSerials(in, b)
	default:
		return fmt.Errorf("inventory source csv: serials=%s: say dec or hex", said)
	}
	return nil
}

func (t *table) settleDates(in *input, b *batch) {
	order, sure := orderOf(append(t.cells("notbefore"), t.cells("notafter")...))
	if t.order = order; sure {
		return
	}
	t.order = monthFirst
	if t.comma == ';' { // of countries whose spreadsheets write 1,5 for one and a half
		t.order = dayFirst
	}
	word, option := "month first", "dates=dmy"
	if t.order == dayFirst {
		word, option = "day first", "dates=mdy"
	}
	b.warn(in.Path, "dates such as 03/04/2026 do not tell day and month apart: they are read with the %s; add ,%s if that is wrong", word, option)
}

// minDigits is how many digits without a single letter make sure that a column
// is decimal: of so many in hex, one in a thousand times none is a letter.
const minDigits = 15

func (t *table) settleSerials(in *input, b *batch) {
	t.digits = hexadecimal
	count, cells := 0, t.cells("serial")
	for _, s := range cells {
		s = trimCell(s)
		if rounded.MatchString(s) {
			continue
		}
		if isHexSerial(s) && !saysNothing(s) {
			return
		}
		count += len(s)
	}
	switch {
	case count >= minDigits:
		t.digits = decimal
	case count > 0:
		b.warn(in.Path, "the serial numbers do not tell decimal and hexadecimal apart: they are read as hexadecimal; add ,serials=dec if that is wrong")
	}
}

// detectCSV takes a text whose header names several known columns.
func detectCSV(text string) int {
	t, err := newTable(text, nil)
	if err != nil || len(t.columns) < 2 {
		return 0
	}
	return scoreHeader
}
