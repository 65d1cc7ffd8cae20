package show

import (
	"bufio"
	"strings"
	"unicode/utf8"

	"blindspot/cmd/blindspot/internal/term"
)

const (
	maxProse  = 120 // lines are not wider, however wide the terminal
	minProse  = 20  // columns that a text gets in any case
	labelSize = 16  // columns of a label with its indent
)

// The select-graphic-rendition sequences of ECMA-48 §8.3.117.
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	green  = "\x1b[1;32m"
	plain  = "\x1b[0m"
)

var statusColor = map[string]string{"critical": red, "warning": yellow, "ok": green}

// page writes paragraphs for a terminal. Errors stay in w until it is flushed.
type page struct {
	w     *bufio.Writer
	width int
	color bool
}

func (p *page) paint(text, color string) string {
	if !p.color || color == "" {
		return text
	}
	return color + text + plain
}

func (p *page) title(text string) { p.w.WriteString(p.paint(visible(text), bold) + "\n") }

// head begins a paragraph.
func (p *page) head(name, status string) {
	p.w.WriteString(p.paint(visible(name), bold) + "  " + p.paint(visible(status), statusColor[status]) + "\n")
}

// labelled writes texts behind a label, each from the beginning of a line.
func (p *page) labelled(label string, texts []string) {
	lead := p.paint("  "+label+strings.Repeat(" ", max(1, labelSize-2-len(label))), dim)
	for _, t := range texts {
		for _, l := range wrap(visible(t), max(minProse, min(p.width, maxProse)-labelSize)) {
			p.w.WriteString(lead + l + "\n")
			lead = strings.Repeat(" ", labelSize)
		}
	}
}

// wrap cuts text into lines of at most n columns, at spaces where there are any.
func wrap(text string, n int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= n:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// visible is text that no terminal obeys, on one line.
func visible(s string) string {
	return term.Printable(strings.NewReplacer("\n", " ", "\t", " ").Replace(s))
}
