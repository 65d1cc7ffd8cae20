package report

import (
	"bufio"
	"strings"

	"blindspot/discover"
)

func init() { register(format{name: "table", place: 1, report: writeTable, list: writeListTable}) }

const (
	minWidth = 40  // narrower terminals are written as if they had this
	maxProse = 120 // sentences are not wider, however wide the terminal
	// maxWarningsShown bounds the entries of check sources that people are shown.
	maxWarningsShown = 20
	// maxEndpointsShown bounds the endpoints of one finding that people are shown.
	maxEndpointsShown = 6
)

// The select-graphic-rendition sequences of ECMA-48 §8.3.117.
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[1;36m"
	plain  = "\x1b[0m"
)

func severityColor(s discover.Severity) string {
	switch s {
	case discover.Critical:
		return red
	case discover.Warning:
		return yellow
	}
	return cyan
}

// page writes lines for a terminal. Errors stay in w until it is flushed.
type page struct {
	w     *bufio.Writer
	width int
	color bool
}

func newPage(w *bufio.Writer, o Options) *page {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	return &page{w: w, width: max(o.Width, minWidth), color: o.Color}
}

func (p *page) prose() int { return min(p.width, maxProse) }

// paint colours text that is already laid out.
func (p *page) paint(text, color string) string {
	if !p.color || text == "" {
		return text
	}
	return color + text + plain
}

func (p *page) line(parts ...string) {
	for _, s := range parts {
		p.w.WriteString(s)
	}
	p.w.WriteByte('\n')
}

// para writes text after first on its first line, and after as many spaces on
// the others.
func (p *page) para(first, color, text string) {
	indent := columns(first)
	lead := p.paint(first, color)
	if isPlain(text) && !strings.Contains(text, "  ") {
		p.wrapped(lead, indent, strings.Trim(text, " "))
		return
	}
	for _, l := range wrap(text, p.prose()-indent) {
		p.line(lead, l)
		lead = strings.Repeat(" ", indent)
	}
}

// wrapped writes what wrap makes of printable ASCII with single spaces, without
// making it.
func (p *page) wrapped(lead string, indent int, text string) {
	for width := p.prose() - indent; text != ""; {
		end := lineEnd(text, width)
		p.line(lead, text[:end])
		text = text[min(end+1, len(text)):]
		lead = strings.Repeat(" ", indent)
	}
}

// lineEnd is where the last word ends that is within width, or the first one.
func lineEnd(text string, width int) int {
	if len(text) <= width {
		return len(text)
	}
	if end := strings.LastIndexByte(text[:max(width+1, 0)], ' '); end > 0 {
		return end
	}
	if end := strings.IndexByte(text, ' '); end > 0 {
		return end
	}
	return len(text)
}

// labelled writes lines with their labels in a column.
func (p *page) labelled(lines []line) {
	width := 0
	for _, l := range lines {
		width = max(width, len(l.label))
	}
	for _, l := range lines {
		p.para(l.label+strings.Repeat(" ", width-len(l.label)+2), dim, l.text)
	}
}

// writeTable writes the report as an engineer reads it at night: what was seen,
// what is wrong, worst first, and how to see and mend it.
func writeTable(w *bufio.Writer, r *Report, o Options) error {
	p := newPage(w, o)
	p.labelled(r.head())
	p.findings(r)
	p.surfaces(r)
	p.warnings(r)
	if lines := r.aside(); len(lines) > 0 {
		p.line()
		p.labelled(lines)
	}
	return nil
}

func (p *page) findings(r *Report) {
	if len(r.Findings) == 0 {
		p.line()
		p.para("", "", r.nothingFound())
		return
	}
	var last discover.Severity
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity != last {
			last = f.Severity
			p.line()
			p.line(p.paint(strings.ToUpper(visible(string(last))), severityColor(last)))
		}
		p.line()
		p.finding(f)
	}
}

func (p *page) finding(f *discover.Finding) {
	kind := visible(f.Kind)
	subject := shorten(visible(f.Hostname), p.width-columns(kind)-2)
	if subject == "" {
		subject = some(f.Endpoints, len(f.Endpoints), 1)
	}
	if subject != "" {
		subject = "  " + p.paint(subject, bold)
	}
	p.line(p.paint(kind, severityColor(f.Severity)), subject)
	for _, l := range factLines(f) {
		p.para("  ", "", l)
	}
	p.para("  ", "", visible(f.Detail))
	text, command := remedyOf(f)
	p.para("  → ", "", text)
	if command != "" {
		p.line("    ", command)
	}
}

// factLines are the figures of f, and where it is.
func factLines(f *discover.Finding) []string {
	var where []string
	if n := len(f.Endpoints); n > 0 {
		where = append(where, "at "+visible(some(f.Endpoints, n, maxEndpointsShown)))
	}
	surface, owner := placed(f)
	if owner != "" {
		owner = "owner " + owner
	}
	for _, s := range []string{surface, owner} {
		if s != "" {
			where = append(where, s)
		}
	}
	if f.Certificate != "" {
		where = append(where, "certificate "+visible(short(f.Certificate)))
	}
	return []string{facts(f), strings.Join(where, ", ")}
}

// surfaces are shown where the configuration names some.
func (p *page) surfaces(r *Report) {
	if !r.hasSurfaces() {
		return
	}
	p.line()
	p.line(p.paint("SURFACES", bold))
	p.line()
	_ = writeRows(p, surfaceList(r))
}

func (p *page) warnings(r *Report) {
	if len(r.Warnings) == 0 {
		return
	}
	p.line()
	p.line(p.paint("WARNINGS ABOUT CHECKS", bold))
	p.line()
	for _, w := range r.Warnings[:min(len(r.Warnings), maxWarningsShown)] {
		p.para("  ", "", visible(w.Ref)+"  "+visible(w.Text))
	}
	if more := len(r.Warnings) - maxWarningsShown; more > 0 {
		p.line("  and ", number(uint64(more)), " more, all in --output json")
	}
}
