package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"

	"blindspot/discover"
)

// deltaFormats write a Delta.
var deltaFormats = []struct {
	name  string
	write func(w *bufio.Writer, d *Delta, o Options) error
}{
	{"table", writeDeltaTable},
	{"json", writeDeltaJSON},
	{"markdown", writeDeltaMarkdown},
}

// DeltaFormats returns the names that WriteDelta knows.
func DeltaFormats() []string {
	names := make([]string, len(deltaFormats))
	for i := range deltaFormats {
		names[i] = deltaFormats[i].name
	}
	return names
}

// WriteDelta writes d in the named format.
func WriteDelta(w io.Writer, d *Delta, name string, o Options) error {
	for _, f := range deltaFormats {
		if f.name == name {
			return flushed(w, func(b *bufio.Writer) error { return f.write(b, d, o) })
		}
	}
	return fmt.Errorf("unknown output format %q of a difference: want one of %s", name, strings.Join(DeltaFormats(), ", "))
}

func writeDeltaJSON(w *bufio.Writer, d *Delta, _ Options) error {
	b, err := marshal(d, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// deltaPart is one of the lists of a Delta, for people.
type deltaPart struct {
	heading string
	color   string
	whole   bool // detail and remedy are told
	changes []Change
}

func (d *Delta) parts() []deltaPart {
	return []deltaPart{
		{"new", red, true, unchanged(d.Added)},
		{"worse", yellow, true, d.Worse},
		{"better", cyan, false, d.Better},
		{"gone: mended, or not seen any more", cyan, false, unchanged(d.Gone)},
	}
}

func unchanged(list []discover.Finding) []Change {
	out := make([]Change, len(list))
	for i := range list {
		out[i] = Change{Finding: list[i]}
	}
	return out
}

// head is what stands above the differences.
func (d *Delta) head() []line {
	lines := []line{
		{"old", d.Old.text()},
		{"new", d.New.text()},
		{"hostnames", moved(uint64(d.Old.Summary.Hostnames), uint64(d.New.Summary.Hostnames)) + " in use, " +
			moved(uint64(d.Old.Summary.Unmonitored), uint64(d.New.Summary.Unmonitored)) + " of them unmonitored with " +
			movedShare(d.Old.Summary.UnmonitoredShare, d.New.Summary.UnmonitoredShare) + " of traffic"},
		{"findings", d.text()},
	}
	for _, c := range d.Caveats {
		lines = append(lines, line{"caution", c})
	}
	return lines
}

func (s *Side) text() string {
	text := quantity(s.Summary.Handshakes, "handshake") + " in scope, findings: " + s.Summary.Findings.text()
	if s.Window.First == nil || s.Window.Last == nil {
		return "no traffic, " + text
	}
	return period(*s.Window.First, *s.Window.Last) + ", " + text
}

func (d *Delta) text() string {
	return fmt.Sprintf("%s new, %s worse, %s better, %s gone, %s as they were", number(uint64(len(d.Added))),
		number(uint64(len(d.Worse))), number(uint64(len(d.Better))), number(uint64(len(d.Gone))), number(uint64(d.Same)))
}

// moved is "4", or "4 → 5".
func moved(old, new uint64) string {
	if old == new {
		return number(new)
	}
	return number(old) + " → " + number(new)
}

func movedShare(old, new float64) string {
	if percent(old) == percent(new) {
		return percent(new)
	}
	return percent(old) + " → " + percent(new)
}

// writeDeltaTable tells what is new and worse in full, the rest in a line each.
func writeDeltaTable(w *bufio.Writer, d *Delta, o Options) error {
	p := newPage(w, o)
	p.labelled(d.head())
	for _, part := range d.parts() {
		if len(part.changes) == 0 {
			continue
		}
		p.line()
		p.line(p.paint(strings.ToUpper(part.heading), part.color))
		for i := range part.changes {
			p.change(&part.changes[i], part.whole)
		}
	}
	return nil
}

func (p *page) change(c *Change, whole bool) {
	if whole {
		p.line()
		if why := c.why(); why != "" {
			p.para("", "", why+":")
		}
		p.finding(&c.Finding)
		return
	}
	f := &c.Finding
	text := string(f.Severity) + "  " + f.Kind + "  " + subjectOf(f)
	if why := c.why(); why != "" {
		text += " (" + why + ")"
	}
	p.para("  ", "", visible(text))
}

func (c *Change) why() string { return visible(strings.Join(c.Why, "; ")) }

// subjectOf is the name that f is about, else where it is.
func subjectOf(f *discover.Finding) string {
	return cmp.Or(f.Hostname, some(f.Endpoints, len(f.Endpoints), 1))
}

func writeDeltaMarkdown(w *bufio.Writer, d *Delta, _ Options) error {
	fmt.Fprintf(w, "# Coverage gap, compared: %s\n\n", d.text())
	bullets(w, d.head())
	for _, part := range d.parts() {
		if len(part.changes) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n## %s\n", markText(title(part.heading)))
		if !part.whole {
			w.WriteByte('\n')
		}
		for i := range part.changes {
			markChange(w, &part.changes[i], part.whole)
		}
	}
	return nil
}

func markChange(w *bufio.Writer, c *Change, whole bool) {
	f := &c.Finding
	if whole {
		markFinding(w, f)
		if why := c.why(); why != "" {
			fmt.Fprintf(w, "\n**Changed**: %s\n", markText(why))
		}
		return
	}
	text := visible(string(f.Severity) + " " + f.Kind + " " + subjectOf(f))
	if why := c.why(); why != "" {
		text += " (" + why + ")"
	}
	fmt.Fprintf(w, "- %s\n", markParagraph(text))
}
