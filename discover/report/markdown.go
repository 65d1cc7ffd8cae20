package report

import (
	"bufio"
	"fmt"
	"strings"

	"blindspot/discover"
)

func init() {
	register(format{name: "markdown", place: 5, report: writeMarkdown, list: writeListMarkdown})
}

// writeMarkdown writes the report for a ticket: GitHub Flavored Markdown, which
// other renderers read as well.
func writeMarkdown(w *bufio.Writer, r *Report, _ Options) error {
	fmt.Fprintf(w, "# Coverage gap: %s\n\n", r.Summary.Findings.text())
	bullets(w, r.head())
	if len(r.Findings) == 0 {
		fmt.Fprintf(w, "\n%s\n", markParagraph(r.nothingFound()))
	}
	var last discover.Severity
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity != last {
			last = f.Severity
			fmt.Fprintf(w, "\n## %s\n", markText(title(string(last))))
		}
		markFinding(w, f)
	}
	if r.hasSurfaces() {
		w.WriteString("\n## Surfaces\n\n")
		markRows(w, surfaceList(r))
	}
	if len(r.Warnings) > 0 {
		w.WriteString("\n## Warnings about checks\n\n")
		for _, e := range r.Warnings {
			fmt.Fprintf(w, "- %s: %s\n", markWord(visible(e.Ref)), markText(visible(e.Text)))
		}
	}
	if lines := r.aside(); len(lines) > 0 {
		w.WriteString("\n## Not in the findings\n\n")
		bullets(w, lines)
	}
	return nil
}

func bullets(w *bufio.Writer, lines []line) {
	for _, l := range lines {
		if l.label == "" {
			fmt.Fprintf(w, "- %s\n", markParagraph(l.text))
			continue
		}
		fmt.Fprintf(w, "- **%s**: %s\n", title(l.label), markText(l.text))
	}
}

func markFinding(w *bufio.Writer, f *discover.Finding) {
	subject := f.Hostname
	if subject == "" {
		subject = some(f.Endpoints, len(f.Endpoints), 1)
	}
	fmt.Fprintf(w, "\n### %s\n\n", markText(visible(f.Kind+" "+subject)))
	fmt.Fprintf(w, "%s\n\n", markParagraph(visible(f.Detail)))
	if text := facts(f); text != "" {
		fmt.Fprintf(w, "- **Use**: %s\n", markText(text))
	}
	if n := len(f.Endpoints); n > 0 {
		fmt.Fprintf(w, "- **Endpoints**: %s\n", markText(visible(some(f.Endpoints, n, maxListed))))
	}
	surface, owner := placed(f)
	if surface != "" {
		fmt.Fprintf(w, "- **Surface**: %s\n", markText(surface))
	}
	if owner != "" {
		fmt.Fprintf(w, "- **Owner**: %s\n", markText(owner))
	}
	if f.Certificate != "" {
		fmt.Fprintf(w, "- **Certificate**: %s\n", markWord(visible(f.Certificate)))
	}
	text, command := remedyOf(f)
	fmt.Fprintf(w, "- **Remedy**: %s\n", markText(text))
	if command != "" {
		fence := strings.Repeat("`", max(3, backticks(command)+1))
		fmt.Fprintf(w, "\n%s\n%s\n%s\n", fence, command, fence)
	}
}

// writeListMarkdown writes the columns that people are shown.
func writeListMarkdown(w *bufio.Writer, l *List, _ Options) error {
	fmt.Fprintf(w, "# %s\n\n", markText(visible(l.Title)))
	markRows(w, l)
	if len(l.Notes) > 0 {
		w.WriteByte('\n')
	}
	for _, n := range l.Notes {
		fmt.Fprintf(w, "- %s\n", markParagraph(visible(n)))
	}
	return nil
}

func markRows(w *bufio.Writer, l *List) {
	var head, rule strings.Builder
	for _, c := range l.Columns {
		if c.Title == "" {
			continue
		}
		head.WriteString("| " + c.Title + " ")
		if c.right {
			rule.WriteString("| ---: ")
		} else {
			rule.WriteString("| --- ")
		}
	}
	fmt.Fprintf(w, "%s|\n%s|\n", head.String(), rule.String())
	for row := range l.Rows {
		if l.inTable != nil && !l.inTable(row) {
			continue
		}
		for i, c := range l.Columns {
			if c.Title != "" {
				w.WriteString("| " + markText(show(row[i])) + " ")
			}
		}
		w.WriteString("|\n")
	}
}

func title(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

func backticks(s string) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if run++; s[i] != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
