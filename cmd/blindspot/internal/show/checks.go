package show

import (
	"bufio"
	"iter"
	"strconv"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/term"
	"blindspot/discover/report"
)

// listSeparator stands between the values of one cell, as in all lists.
const listSeparator = ";"

// Checks lists the checks of a report in the named format.
func Checks(w *bufio.Writer, r *report.Report, format string, o report.Options) error {
	switch format {
	case "json", "jsonl":
		return objects(w, r.Checks, format == "jsonl")
	case "table", "markdown", "html":
		return report.WriteList(w, checkTable(r, format, o.Width), format, o)
	}
	return report.WriteList(w, checkList(r), format, o)
}

// checkList has every field, for programs.
func checkList(r *report.Report) *report.List {
	l := &report.List{Title: checkTitle(r), Columns: columns("source", "ref", "enabled", "hostname", "address", "port", "sni_origin", "grade", "owner", "used", "witnessed", "covers")}
	l.Rows = func(yield func([]any) bool) {
		for i := range r.Checks {
			c := &r.Checks[i]
			row := []any{c.Source, c.Ref, c.Enabled, text(c.Hostname), text(c.Address), uint64(c.Port), c.SNIOrigin, c.Grade, text(c.Owner),
				c.Used, strings.Join(c.Witnessed, listSeparator), strings.Join(c.Covers, listSeparator)}
			if !yield(row) {
				return
			}
		}
	}
	return l
}

// checkTable is for people. In a table that is too narrow for it, what a check
// covers gives way: whether it is used says most of it.
func checkTable(r *report.Report, format string, width int) *report.List {
	header := []string{"check", "grade", "used", "witnessed", "from", "covers"}
	rows := make([][]string, len(r.Checks))
	for i := range r.Checks {
		c := &r.Checks[i]
		rows[i] = []string{checkText(c), c.Grade, use(c), some(c.Witnessed), c.Ref, some(c.Covers)}
	}
	if format == "table" && natural(header, rows) > width {
		header = header[:5]
		for i := range rows {
			rows[i] = rows[i][:5]
		}
		narrow(header, rows, width, []int{0, 3, 4}, []int{4})
	}
	l := &report.List{Title: checkTitle(r), Rows: cells(rows)}
	for _, h := range header {
		l.Columns = append(l.Columns, report.Column{Key: h, Title: h})
	}
	for _, w := range r.Warnings {
		l.Notes = append(l.Notes, w.Ref+": "+w.Text)
	}
	return l
}

// checkText is what is checked: name and port, and where that is dialled.
func checkText(c *report.Check) string {
	name := c.Hostname
	if name == "" {
		name = c.Address
	}
	if name == "" {
		name = "?"
	}
	if c.Port != 0 {
		if strings.Contains(name, ":") {
			name = "[" + name + "]"
		}
		name += ":" + strconv.Itoa(int(c.Port))
	}
	if c.Hostname != "" && c.Address != "" && c.Address != c.Hostname {
		name += " at " + c.Address
	}
	return name
}

func use(c *report.Check) string {
	switch {
	case !c.Enabled:
		return "disabled"
	case c.Used:
		return "yes"
	}
	return "no"
}

// some is the first of a list with the number of the others.
func some(list []string) string {
	switch len(list) {
	case 0:
		return "-"
	case 1:
		return list[0]
	}
	return list[0] + " +" + strconv.Itoa(len(list)-1)
}

func checkTitle(r *report.Report) string {
	used, witnessed := 0, 0
	for i := range r.Checks {
		if r.Checks[i].Used {
			used++
		}
		if len(r.Checks[i].Witnessed) > 0 {
			witnessed++
		}
	}
	return counted(len(r.Checks), "check") + ", " + strconv.Itoa(used) + " of what clients use, " + strconv.Itoa(witnessed) + " seen at work" + window(r)
}

// window is the time that the report is about.
func window(r *report.Report) string {
	if r.Window.First == nil || r.Window.Last == nil {
		return ""
	}
	return ", " + minute(*r.Window.First) + " to " + minute(*r.Window.Last) + " UTC"
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func counted(n int, what string) string { return number(uint64(n), what) }

// number is "1,234 handshakes"; without a word the figure alone.
func number(n uint64, what string) string {
	switch {
	case what == "":
		return term.Count(n)
	case n != 1:
		what += "s"
	}
	return term.Count(n) + " " + what
}

// text is nil for no text, which is null and an empty cell.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func columns(keys ...string) []report.Column {
	list := make([]report.Column, len(keys))
	for i, k := range keys {
		list[i] = report.Column{Key: k, Title: strings.ReplaceAll(k, "_", " ")}
	}
	return list
}

// cells are rows of texts.
func cells(rows [][]string) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, row := range rows {
			list := make([]any, len(row))
			for i, s := range row {
				list[i] = s
			}
			if !yield(list) {
				return
			}
		}
	}
}
