package monitored

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

func init() { register(format{kind: "csv", read: readCSV, detect: detectCSV}) }

// csvColumns are the columns with a meaning; others become labels.
var csvColumns = []string{"hostname", "port", "sni", "owner", "ca"}

// readCSV reads a table with the header hostname,port,sni,owner,ca in any
// order, separated by comma, semicolon or tab.
func readCSV(in *input, r *Result) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	t := newCSVTable(text)
	if err := t.readHeader(); err != nil {
		return csvError(in.Path, err)
	}
	for {
		fields, err := t.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return csvError(in.Path, err)
		}
		line, _ := t.FieldPos(0)
		t.readRow(in.ref(line), fields, r)
	}
}

// csvTable is a CSV reader that knows its columns.
type csvTable struct {
	*csv.Reader
	header []string
}

func newCSVTable(text string) *csvTable {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = csvDelimiter(text)
	r.Comment = '#'
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = r.Comma != '\t' // it would eat empty fields
	r.ReuseRecord = true
	return &csvTable{Reader: r}
}

// csvDelimiter is the separator that the header has most of.
func csvDelimiter(text string) rune {
	header := ""
	eachEntry(text, func(_ int, entry string) {
		if header == "" {
			header = entry
		}
	})
	best, count := ',', 0
	for _, r := range ",;\t" {
		if n := strings.Count(header, string(r)); n > count {
			best, count = r, n
		}
	}
	return best
}

func (t *csvTable) readHeader() error {
	fields, err := t.Read()
	if err == io.EOF {
		return errors.New(":1:1: the file is empty: a csv begins with the header " + strings.Join(csvColumns, ","))
	}
	if err != nil {
		return err
	}
	line, column := t.FieldPos(0)
	for _, f := range fields {
		name := strings.TrimSpace(f)
		if slices.Contains(csvColumns, strings.ToLower(name)) {
			name = strings.ToLower(name)
		}
		if name != "" && slices.Contains(t.header, name) {
			return fmt.Errorf(":%d:%d: the header names column %s twice", line, column, quote(name))
		}
		t.header = append(t.header, name)
	}
	if !slices.Contains(t.header, "hostname") {
		return fmt.Errorf(":%d:%d: no column hostname in the header %s: name the columns %s", line, column,
			quote(strings.Join(t.header, string(t.Comma))), strings.Join(csvColumns, ","))
	}
	return nil
}

// csvError puts the file before a position or a csv.ParseError.
func csvError(path string, err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%s:%d:%d: %w: quote the whole field, and write a quote in it twice", path, parse.Line, parse.Column, parse.Err)
	}
	return fmt.Errorf("%s%w", path, err)
}

func (t *csvTable) readRow(ref string, fields []string, r *Result) {
	row := map[string]string{}
	labels := map[string]string{}
	for i, name := range t.header {
		if i >= len(fields) {
			break
		}
		value := strings.TrimSpace(fields[i])
		switch {
		case slices.Contains(csvColumns, name):
			row[name] = value
		case name != "" && value != "":
			labels[name] = value
		}
	}
	if strings.Join(fields, "") == "" {
		return // a row of separators, as spreadsheets leave them
	}
	c, err := csvCheck(ref, row)
	if err != nil {
		r.warn(ref, "%v", err)
		return
	}
	if len(fields) != len(t.header) {
		c.note(fmt.Sprintf("the row has %d fields, the header %d", len(fields), len(t.header)))
	}
	c.setLabels(labels)
	r.add(c)
}

// csvCheck makes a check of a row's fields by column.
func csvCheck(ref string, row map[string]string) (Check, error) {
	p, err := parsePlace(row["hostname"])
	if err != nil {
		return Check{}, fmt.Errorf("hostname %s %w", quote(row["hostname"]), err)
	}
	if row["port"] != "" {
		port, err := parsePort(row["port"])
		if err != nil {
			return Check{}, fmt.Errorf("%s %w", quote(row["hostname"]), err)
		}
		if p.port != 0 && p.port != port {
			return Check{}, fmt.Errorf("%s and column port %d contradict each other", quote(row["hostname"]), port)
		}
		p.port = port
	}
	c := newCheck("csv", ref, p.withPort(defaultPort))
	c.TrustStore, c.Owner = row["ca"], row["owner"]
	if row["sni"] == "" {
		c.setSNI(p, originDerived)
		return c, nil
	}
	server, err := parseHost(row["sni"])
	if err != nil {
		return Check{}, fmt.Errorf("sni %s %w", quote(row["sni"]), err)
	}
	c.setSNI(server, originExplicit)
	return c, nil
}

// detectCSV takes a text whose first line is a header with a column hostname.
func detectCSV(text string) int {
	t := newCSVTable(text)
	if err := t.readHeader(); err != nil || len(t.header) < 2 {
		return 0
	}
	return scoreHeader
}
