package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// loop is a monitor whose configuration can be written. A new one is one file
// that registers itself.
type loop struct {
	name  string
	place int // in CloseLoopFormats
	write func(w *bufio.Writer, c *closing) error
}

var loops []loop

func registerLoop(l loop) {
	at := len(loops)
	for at > 0 && loops[at-1].place > l.place {
		at--
	}
	loops = append(loops[:at], append([]loop{l}, loops[at:]...)...)
}

// CloseLoopFormats returns the names that CloseLoop knows.
func CloseLoopFormats() []string {
	names := make([]string, len(loops))
	for i, l := range loops {
		names[i] = l.name
	}
	return names
}

// CloseLoop writes the configuration of a monitor that would check what r says
// is checked by nobody: names, ports and addresses. It is for review: each
// entry says why it is there, and what the monitor cannot check is there as
// well, put out of action and with the reason. Checks that are there and weak
// are not written again: they are to be corrected where they are.
func CloseLoop(w io.Writer, r *Report, format string) error {
	for _, l := range loops {
		if l.name == format {
			return flushed(w, func(b *bufio.Writer) error { return l.write(b, closingOf(r)) })
		}
	}
	return fmt.Errorf("unknown monitor %q to write a configuration for: want one of %s", format, strings.Join(CloseLoopFormats(), ", "))
}

// closing is what is to be written.
type closing struct {
	gaps  []gap
	notes []string // sentences for the reviewer, about the whole
}

func closingOf(r *Report) *closing {
	gaps, unusable := r.gaps()
	c := &closing{gaps: gaps}
	c.notes = append(c.notes, "Written by blindspot from the traffic of "+r.windowText()+": "+
		quantity(uint64(len(gaps)), "check")+" that would close the gap. To be reviewed.")
	if n := r.unlisted(); n > 0 {
		c.notes = append(c.notes, "More names of the same deployments are in use than the report lists: "+number(uint64(n))+".")
	}
	if unusable > 0 {
		c.notes = append(c.notes, "Names and addresses of the report that are none and cannot be checked: "+number(uint64(unusable))+".")
	}
	weak := 0
	for i := range r.Findings {
		if r.Findings[i].Kind == "weak-check" {
			weak++
		}
	}
	if weak > 0 {
		c.notes = append(c.notes, "Weak checks that exist already, to be corrected where they are written, as the report says: "+number(uint64(weak))+".")
	}
	return c
}

func (r *Report) windowText() string {
	if r.Window.First == nil || r.Window.Last == nil {
		return "no time at all"
	}
	return period(*r.Window.First, *r.Window.Last)
}

// comments writes notes as comments that begin with a hash sign.
func (c *closing) comments(w *bufio.Writer) {
	for _, n := range c.notes {
		for _, l := range wrap(visible(n), 78) {
			fmt.Fprintf(w, "# %s\n", l)
		}
	}
}

// overDatagrams is the reason why a monitor cannot check what is no TLS over
// TCP, "" where it is.
func (g *gap) overDatagrams() string {
	if g.datagram == "" {
		return ""
	}
	return "it is " + strings.ToUpper(g.datagram) + ", which this monitor does not speak"
}
