package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the style and the script of the page
	"encoding/base64"
	"strconv"
	"strings"
)

func init() { register(format{name: "html", place: 6, report: writeHTML, list: writeListHTML}) }

//go:embed html/page.css
var pageStyle string

//go:embed html/page.js
var pageScript string

// writeHTML writes the report as one file that asks for nothing else: it opens
// from a disk, and prints. Without JavaScript everything is there, only not to
// be sorted and searched.
func writeHTML(w *bufio.Writer, r *Report, _ Options) error {
	m := &markup{w}
	m.begin("Coverage gap: " + r.Summary.Findings.text())
	m.banner("Coverage gap", r.subtitle())
	m.contents(r)
	m.open("main")
	m.line()
	m.tiles(r)
	m.section("sight", "What was seen, and what was not")
	m.facts(r.head(), "facts")
	m.endSection()
	m.coverage(r)
	m.surfaceMap(r)
	m.findings(r)
	m.checks(r)
	m.warnings(r)
	m.aside(r)
	m.shut("main")
	m.line()
	m.end("Generated " + r.Generated.UTC().Format(secondLayout) + " UTC by blindspot.")
	return nil
}

// begin writes the head. The policy lets nothing be loaded, and nothing run but
// the one script, which is named by its hash.
func (m *markup) begin(heading string) {
	m.w.WriteString("<!doctype html>\n")
	m.open("html", "lang", "en")
	m.open("head")
	m.open("meta", "charset", "utf-8")
	m.open("meta", "http-equiv", "Content-Security-Policy", "content", "default-src 'none'; style-src "+sourceHash(pageStyle)+
		"; script-src "+sourceHash(pageScript)+"; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'")
	m.open("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
	m.open("meta", "name", "referrer", "content", "no-referrer")
	m.open("meta", "name", "color-scheme", "content", "light dark")
	m.el("title", heading)
	m.line()
	m.open("style")
	m.w.WriteString(pageStyle)
	m.shut("style", "head")
	m.line()
	m.open("body")
	m.line()
}

// sourceHash names an inline source (CSP Level 3 §2.3.1, hash-source).
func sourceHash(text string) string {
	h := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"
}

func (m *markup) banner(heading, under string) {
	m.open("header", "class", "banner")
	m.open("div")
	m.el("p", "blindspot", "class", "brand")
	m.el("h1", heading)
	if under != "" {
		m.el("p", under, "class", "under")
	}
	m.shut("div")
	m.el("button", "Dark", "type", "button", "id", "theme", "hidden!", "")
	m.shut("header")
	m.line()
}

func (m *markup) end(text string) {
	m.open("footer")
	m.el("p", text)
	m.shut("footer")
	m.line()
	m.open("script")
	m.w.WriteString(pageScript)
	m.shut("script", "body", "html")
	m.line()
}

func (r *Report) subtitle() string {
	if r.Window.First == nil || r.Window.Last == nil {
		return "No traffic was seen"
	}
	return "Traffic of " + period(*r.Window.First, *r.Window.Last)
}

// contents links the sections.
func (m *markup) contents(r *Report) {
	m.open("nav", "aria-label", "Sections")
	link := func(id, text string) { m.el("a", text, "href", "#"+id) }
	link("sight", "Seen")
	link("coverage", "Coverage")
	if r.hasSurfaces() {
		link("surfaces", "Surfaces")
	}
	link("findings", "Findings")
	if len(r.Checks) > 0 {
		link("checks", "Checks")
	}
	if len(r.Warnings) > 0 {
		link("warnings", "Warnings")
	}
	if len(r.aside()) > 0 {
		link("aside", "Not in the findings")
	}
	m.shut("nav")
	m.line()
}

// tiles are the figures that are read from across the room.
func (m *markup) tiles(r *Report) {
	s, n := &r.Summary, &r.Summary.Findings
	m.open("ul", "class", "tiles")
	m.line()
	m.tile("critical", number(uint64(n.Critical)), "critical", n.Critical > 0)
	m.tile("warning", number(uint64(n.Warning)), plural("warning", n.Warning), n.Warning > 0)
	m.tile("notice", number(uint64(n.Notice)), plural("notice", n.Notice), n.Notice > 0)
	m.tile("", number(uint64(s.Hostnames)), plural("hostname", s.Hostnames)+" in use", true)
	m.tile("", number(uint64(s.Unmonitored)), "of them unmonitored", true)
	m.tile("", percent(s.UnmonitoredShare), "of traffic unmonitored", true)
	m.tile("", part(r.Sensor.hiddenCertificates(), r.Sensor.Handshakes), "of handshakes hid their certificate", true)
	m.shut("ul")
	m.line()
}

func (m *markup) tile(class, figure, text string, any bool) {
	if !any {
		class = "none"
	}
	m.open("li", "class", class)
	m.el("b", figure)
	m.text(" ")
	m.el("span", text)
	m.shut("li")
	m.line()
}

func plural(word string, n int) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func (m *markup) warnings(r *Report) {
	if len(r.Warnings) == 0 {
		return
	}
	m.section("warnings", "Warnings about checks")
	m.open("ul", "class", "entries")
	for _, e := range r.Warnings {
		m.open("li")
		m.el("code", e.Ref)
		m.text(" " + e.Text)
		m.shut("li")
		m.line()
	}
	m.shut("ul")
	m.endSection()
}

func (m *markup) aside(r *Report) {
	lines := r.aside()
	if len(lines) == 0 {
		return
	}
	m.section("aside", "Not in the findings")
	m.facts(lines, "facts")
	m.endSection()
}

// checks lists what monitoring checks.
func (m *markup) checks(r *Report) {
	if len(r.Checks) == 0 {
		return
	}
	m.section("checks", "Checks")
	m.el("p", "What monitoring checks, and what it reaches of that which clients use.", "class", "lead")
	m.tools("checks-table", "Search the checks")
	m.table(checkList(r), "checks-table", "Checks")
	if more := len(r.Checks) - maxChecksShown; more > 0 {
		m.el("p", "And "+quantity(uint64(more), "check")+" more, all in --output json.", "class", "lead")
	}
	m.endSection()
}

// maxChecksShown bounds the checks of an HTML report.
const maxChecksShown = 5000

func checkList(r *Report) *List {
	l := &List{Columns: []Column{
		{Title: "written at"}, {Title: "source"}, {Title: "hostname"}, {Title: "dials"}, {Title: "grade"},
		{Title: "used"}, {Title: "seen at work"}, {Title: "covers"}, {Title: "owner"},
	}}
	l.Rows = func(yield func([]any) bool) {
		for i := range r.Checks[:min(len(r.Checks), maxChecksShown)] {
			c := &r.Checks[i]
			if !yield([]any{c.Ref, c.Source, orNil(c.Hostname), orNil(c.dials()), c.graded(), c.Used, listed(c.Witnessed), listed(c.Covers), orNil(c.Owner)}) {
				return
			}
		}
	}
	return l
}

func (c *Check) dials() string {
	switch {
	case c.Port == 0:
		return c.Address
	case strings.Contains(c.Address, ":"):
		return "[" + c.Address + "]:" + strconv.Itoa(int(c.Port))
	}
	return c.Address + ":" + strconv.Itoa(int(c.Port))
}

func (c *Check) graded() string {
	if !c.Enabled {
		return "disabled"
	}
	return c.Grade
}

// listed is a cell of all of list.
func listed(list []string) values { return values{list: list, total: len(list)} }
