package report

import (
	"bufio"
	"strconv"
	"strings"
	"time"

	"blindspot/discover"
)

// maxCellShown is how many values of one cell stand in the table; the others
// unfold.
const maxCellShown = 3

// writeListHTML writes the columns that people are shown as one file.
func writeListHTML(w *bufio.Writer, l *List, _ Options) error {
	m := &markup{w}
	m.begin(l.Title)
	heading, under, _ := strings.Cut(l.Title, ", ")
	m.banner(heading, under)
	m.open("main")
	m.line()
	m.section("list", "List")
	m.tools("rows", "Search")
	m.table(l, "rows", l.Title)
	m.endSection()
	if len(l.Notes) > 0 {
		m.section("notes", "Notes")
		m.open("ul", "class", "entries")
		for _, n := range l.Notes {
			m.el("li", n)
			m.line()
		}
		m.shut("ul")
		m.endSection()
	}
	m.shut("main")
	m.line()
	m.end("Written by blindspot.")
	return nil
}

// tools are what needs the script: they show where it runs.
func (m *markup) tools(table, label string) {
	m.open("div", "class", "tools", "data-for", table, "hidden!", "")
	m.open("label")
	m.text(label)
	m.open("input", "type", "search", "class", "find", "autocomplete", "off", "spellcheck", "false")
	m.shut("label")
	m.open("output", "class", "count", "aria-live", "polite")
	m.shut("output", "div")
	m.line()
}

// table writes the columns that have titles. Cells whose text does not sort by
// itself say by what to sort.
func (m *markup) table(l *List, id, caption string) {
	m.open("div", "class", "wide", "tabindex", "0", "role", "region", "aria-label", caption)
	m.open("table", "class", "rows sortable", "id", id)
	m.el("caption", caption)
	m.open("thead")
	m.open("tr")
	for _, c := range l.Columns {
		if c.Title != "" {
			m.el("th", c.Title, "scope", "col", "class", figureClass(c.right))
		}
	}
	m.shut("tr", "thead")
	m.line()
	m.open("tbody")
	m.line()
	shown := 0
	for row := range l.Rows {
		if l.inTable != nil && !l.inTable(row) {
			continue
		}
		shown++
		m.open("tr")
		for i, c := range l.Columns {
			if c.Title != "" {
				m.cell(row[i], c.right)
			}
		}
		m.shut("tr")
		m.line()
	}
	m.shut("tbody", "table", "div")
	m.line()
	if shown == 0 {
		m.el("p", "None.", "class", "lead")
		m.line()
	}
}

func figureClass(right bool) string {
	if right {
		return "n"
	}
	return ""
}

func (m *markup) cell(cell any, right bool) {
	class := figureClass(right)
	switch cell.(type) {
	case time.Time, expiry:
		class = "t"
	}
	m.open("td", "class", class, "data-v", sortKey(cell))
	switch v := cell.(type) {
	case values:
		m.values(v)
	case discover.Fingerprint:
		m.el("code", v.Short(), "title", v.String())
	default:
		m.text(show(cell))
	}
	m.shut("td")
}

// values writes the first of a list, and lets the others unfold.
func (m *markup) values(v values) {
	if len(v.list) == 0 {
		m.text("-")
		return
	}
	first := v.list[:min(len(v.list), maxCellShown)]
	m.lines(first, v.short)
	if v.total <= len(first) {
		return
	}
	m.open("details")
	m.el("summary", number(uint64(v.total-len(first)))+" more")
	m.lines(v.list[len(first):], v.short)
	if beyond := v.total - len(v.list); beyond > 0 {
		m.el("div", "and "+number(uint64(beyond))+" that are not listed")
	}
	m.shut("details")
}

func (m *markup) lines(list []string, short func(string) string) {
	for _, s := range list {
		if short != nil {
			m.el("div", short(s), "title", s)
			continue
		}
		m.el("div", s)
	}
}

// sortKey is "" where the text itself sorts.
func sortKey(cell any) string {
	switch v := cell.(type) {
	case uint64:
		return strconv.FormatUint(v, 10)
	case time.Time:
		return stamp(v)
	case expiry:
		return stamp(v.at)
	}
	return ""
}
