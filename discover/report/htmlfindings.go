package report

import (
	"strconv"

	"blindspot/discover"
)

// findingColumns are the columns of the findings; those that are figures sort
// from the largest.
var findingColumns = []struct {
	title  string
	figure bool
}{
	{"finding", false}, {"name", false}, {"surface", false}, {"owner", false},
	{"share", true}, {"handshakes", true}, {"clients", true}, {"last seen", true},
}

// findings writes a table for each severity. A finding is a group of two rows:
// its figures, and what to know and to do.
func (m *markup) findings(r *Report) {
	m.section("findings", "Findings")
	if len(r.Findings) == 0 {
		m.el("p", r.nothingFound(), "class", "nothing")
		m.endSection()
		return
	}
	m.findingTools()
	for from := 0; from < len(r.Findings); {
		to := from + 1
		for to < len(r.Findings) && r.Findings[to].Severity == r.Findings[from].Severity {
			to++
		}
		m.severityGroup(r.Findings[from:to], from)
		from = to
	}
	m.el("p", "No finding matches.", "class", "nothing", "id", "no-match", "hidden!", "")
	m.endSection()
}

// findingTools are filled and shown by the script.
func (m *markup) findingTools() {
	m.open("div", "class", "tools", "id", "finding-tools", "hidden!", "")
	m.open("label")
	m.text("Search")
	m.open("input", "type", "search", "class", "find", "autocomplete", "off", "spellcheck", "false")
	m.shut("label")
	for _, e := range []struct{ label, column string }{{"Kind", "0"}, {"Surface", "2"}, {"Owner", "3"}} {
		m.open("label")
		m.text(e.label)
		m.open("select", "data-column", e.column)
		m.el("option", "all", "value!", "")
		m.shut("select", "label")
	}
	m.el("button", "Open all evidence", "type", "button", "id", "unfold")
	m.open("output", "class", "count", "aria-live", "polite")
	m.shut("output", "div")
	m.line()
}

// severityClass is a severity as a class.
func severityClass(s discover.Severity) string {
	switch s {
	case discover.Critical, discover.Warning:
		return string(s)
	}
	return string(discover.Notice)
}

func (m *markup) severityGroup(list []discover.Finding, first int) {
	s := list[0].Severity
	m.open("div", "class", "group "+severityClass(s))
	m.open("h3")
	m.text(title(string(s)) + " ")
	m.el("span", number(uint64(len(list))), "class", "badge")
	m.shut("h3")
	m.open("table", "class", "findings sortable")
	m.el("caption", title(string(s))+" findings")
	m.open("colgroup")
	for range findingColumns {
		m.open("col")
	}
	m.shut("colgroup")
	m.open("thead")
	m.open("tr")
	for _, c := range findingColumns {
		m.el("th", c.title, "scope", "col", "class", figureClass(c.figure))
	}
	m.shut("tr", "thead")
	m.line()
	for i := range list {
		m.finding(&list[i], first+i+1)
	}
	m.shut("table", "div")
	m.line()
}

func (m *markup) finding(f *discover.Finding, n int) {
	m.open("tbody", "id", "finding-"+strconv.Itoa(n))
	m.open("tr", "class", "figures")
	m.el("td", f.Kind, "class", "kind")
	m.subject(f)
	m.el("td", f.Surface)
	m.el("td", dash(f.Owner))
	m.figure(percent(f.Share), strconv.FormatFloat(f.Share, 'g', -1, 64), f.Handshakes > 0)
	m.figure(number(f.Handshakes), strconv.FormatUint(f.Handshakes, 10), f.Handshakes > 0)
	m.figure(number(f.Clients), strconv.FormatUint(f.Clients, 10), f.Clients > 0)
	m.figure(f.LastSeen.UTC().Format("2006-01-02 15:04"), stamp(f.LastSeen), !f.LastSeen.IsZero())
	m.shut("tr")
	m.open("tr", "class", "more")
	m.open("td", "colspan", strconv.Itoa(len(findingColumns)))
	m.el("p", f.Detail, "class", "detail")
	text, command := remedyOf(f)
	if text != "" {
		m.open("p", "class", "remedy")
		m.el("b", "What to do")
		m.text(" " + text)
		m.shut("p")
	}
	if command != "" {
		m.open("div", "class", "command")
		m.open("pre")
		m.el("code", command)
		m.shut("pre", "div")
	}
	m.evidence(f)
	m.shut("td", "tr", "tbody")
	m.line()
}

// subject is the name that the finding is about, else where it is.
func (m *markup) subject(f *discover.Finding) {
	m.open("td", "class", "name")
	switch {
	case f.Hostname != "":
		m.text(f.Hostname)
	default:
		m.text(dash(some(f.Endpoints, len(f.Endpoints), 1)))
	}
	m.shut("td")
}

func (m *markup) figure(text, key string, known bool) {
	if !known {
		text, key = "-", "0"
	}
	m.el("td", text, "class", "n", "data-v", key)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
