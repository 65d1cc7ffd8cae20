package show

import (
	"bufio"

	"blindspot/discover/report"
)

// Protocol is something that is understood.
type Protocol struct {
	Group       string `json:"group"`
	Name        string `json:"name"`
	Description string `json:"description"`
	KnownBy     string `json:"known_by"`
	Source      string `json:"source"` // what specifies it
}

// Protocols lists what is understood in the named format.
func Protocols(w *bufio.Writer, list []Protocol, format string, o report.Options) error {
	if format == "json" || format == "jsonl" {
		return objects(w, list, format == "jsonl")
	}
	header := []string{"group", "name", "description", "known_by", "source"}
	rows := make([][]string, len(list))
	for i, p := range list {
		rows[i] = []string{p.Group, p.Name, p.Description, p.KnownBy, p.Source}
	}
	l := &report.List{Title: counted(len(list), "protocol") + " and formats are understood"}
	if format == "table" {
		header, rows, l.Notes = fitProtocols(header, rows, o.Width)
	}
	l.Columns, l.Rows = columns(header...), cells(rows)
	return report.WriteList(w, l, format, o)
}

// fitProtocols leaves out the last columns where the terminal has no room for
// them, and then shortens descriptions.
func fitProtocols(header []string, rows [][]string, width int) (h []string, r [][]string, notes []string) {
	const description = 2
	n := len(header)
	for n > description+1 && natural(header[:n], firstCells(rows, n)) > width {
		n--
	}
	if n < len(header) {
		left := "source"
		if n == description+1 {
			left = "known by, source"
		}
		notes = []string{"Too narrow for: " + left + ". A wider terminal shows them, and --output csv."}
	}
	header, rows = header[:n], firstCells(rows, n)
	narrow(header, rows, width, []int{description}, nil)
	return header, rows, notes
}

func firstCells(rows [][]string, n int) [][]string {
	list := make([][]string, len(rows))
	for i := range rows {
		list[i] = rows[i][:n]
	}
	return list
}
