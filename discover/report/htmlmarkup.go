package report

import (
	"bufio"
	"strings"
)

// markup writes HTML. Every text and every value of an attribute goes through
// its escapes; names of elements and attributes are constants of this package.
// Errors stay in w until it is flushed.
type markup struct{ w *bufio.Writer }

// htmlText and htmlValue escape for the two contexts that are written: text
// between tags, and attributes in double quotes (HTML, §13.1.2).
var (
	htmlText  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	htmlValue = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")
)

// open writes a start tag; attrs are names with their values. An attribute
// with an empty value is left out, unless its name ends in "!".
func (m *markup) open(tag string, attrs ...string) {
	m.w.WriteByte('<')
	m.w.WriteString(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		name, always := strings.CutSuffix(attrs[i], "!")
		if attrs[i+1] == "" && !always {
			continue
		}
		m.w.WriteByte(' ')
		m.w.WriteString(name)
		m.w.WriteString(`="`)
		_, _ = htmlValue.WriteString(m.w, visible(attrs[i+1]))
		m.w.WriteByte('"')
	}
	m.w.WriteByte('>')
}

// shut writes end tags.
func (m *markup) shut(tags ...string) {
	for _, tag := range tags {
		m.w.WriteString("</")
		m.w.WriteString(tag)
		m.w.WriteByte('>')
	}
}

// text writes what strangers may have sent.
func (m *markup) text(s string) { _, _ = htmlText.WriteString(m.w, visible(s)) }

// el writes an element that holds a text.
func (m *markup) el(tag, text string, attrs ...string) {
	m.open(tag, attrs...)
	m.text(text)
	m.shut(tag)
}

// line ends a line, for those who read the source.
func (m *markup) line() { m.w.WriteByte('\n') }

// section opens a section with its heading.
func (m *markup) section(id, heading string) {
	m.open("section", "id", id, "aria-labelledby", id+"-h")
	m.el("h2", heading, "id", id+"-h")
	m.line()
}

func (m *markup) endSection() {
	m.shut("section")
	m.line()
}

// facts writes lines as a list of descriptions; a line without a label belongs
// to the one before.
func (m *markup) facts(lines []line, class string) {
	m.open("dl", "class", class)
	for _, l := range lines {
		if l.label != "" {
			m.el("dt", title(l.label))
		}
		m.el("dd", l.text)
		m.line()
	}
	m.shut("dl")
	m.line()
}
