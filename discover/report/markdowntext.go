package report

import (
	"fmt"
	"strings"
)

// harmless are the characters that mean nothing within a Markdown paragraph,
// beside letters and digits.
const harmless = ".,;:()%/'\"=+-–…→"

// markText writes a visible text so that a Markdown renderer shows it and does
// nothing else, after other text of a line or in a table's cell.
func markText(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = markWord(w)
	}
	return strings.Join(words, " ")
}

// markParagraph is markText for text that begins a line, where the first word
// could open a list or draw a rule.
func markParagraph(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 || !opensBlock(words[0]) {
		return markText(s)
	}
	return strings.TrimSpace(entities(words[0]) + " " + markText(strings.Join(words[1:], " ")))
}

// markWord writes a word as it is where nothing in it can mean something, as
// code where something can, and character by character where code could be
// ended or cut. Punctuation around a word stays outside of the code.
func markWord(w string) string {
	core := strings.TrimLeft(w, "(")
	before := w[:len(w)-len(core)]
	closing := ".,;:"
	if before != "" || !strings.Contains(core, "(") {
		closing += ")"
	}
	core = strings.TrimRight(core, closing)
	after := w[len(before)+len(core):]
	if means(core) {
		core = markCode(core)
	}
	return before + core + after
}

// means reports whether a renderer might act on w: an autolink, a mention, an
// emphasis, markup. Names and addresses are better as code in any case.
func means(w string) bool {
	if strings.HasPrefix(strings.ToLower(w), "www.") || strings.Contains(w, "://") {
		return true
	}
	dots := false
	for i, r := range w {
		switch {
		case r == '.' || r == ':':
			dots = dots || i > 0 && i < len(w)-1
		case r >= 0x80, r >= '0' && r <= '9', r|0x20 >= 'a' && r|0x20 <= 'z':
		case !strings.ContainsRune(harmless, r):
			return true
		}
	}
	return dots && !isFigure(w)
}

// isFigure tells numbers and times, which need no code.
func isFigure(w string) bool {
	return strings.Trim(w, "0123456789.,:-") == "" && strings.Count(w, ".") <= 1
}

// opensBlock reports whether w at the start of a line could open a list or be a rule.
func opensBlock(w string) bool {
	digits := strings.TrimLeft(w, "0123456789")
	return w == "+" || strings.Trim(w, "=") == "" || digits != w && (digits == "." || digits == ")") || strings.Trim(w, "-") == ""
}

// markCode writes w as a code span. A vertical bar would end the cell of a
// table, a backtick the code, and a backslash may or may not escape them.
func markCode(w string) string {
	if w == "" {
		return w
	}
	if strings.ContainsAny(w, "`|\\") {
		return entities(w)
	}
	return "`" + w + "`"
}

// entities writes what is no letter or digit as a numeric character reference,
// which never means structure (CommonMark §2.5). A zero-width space keeps an
// at sign from being a mention.
func entities(w string) string {
	var b strings.Builder
	for _, r := range w {
		switch {
		case r >= 0x80, r >= '0' && r <= '9', r|0x20 >= 'a' && r|0x20 <= 'z':
			b.WriteRune(r)
		case r == '@':
			b.WriteString("&#64;&#8203;")
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}
