package report

import (
	"bufio"
	"fmt"
)

func init() { registerLoop(loop{name: "hosts", place: 3, write: writeHostList}) }

// writeHostList writes a list that 'blindspot gap --monitored hosts:…' reads:
// one host:port a line, or a URL for what begins in the clear.
func writeHostList(w *bufio.Writer, c *closing) error {
	c.comments(w)
	for i := range c.gaps {
		g := &c.gaps[i]
		reason := g.overDatagrams()
		if reason == "" && g.pinned() {
			reason = "a list of hosts cannot say which name to ask an address for"
		}
		entry := g.target()
		if g.starttls != "" {
			entry = g.starttls + "+starttls://" + entry
		}
		fmt.Fprintf(w, "\n# %s\n", g.why())
		if reason != "" {
			fmt.Fprintf(w, "# not checked by this list, because %s:\n# %s\n", reason, visible(g.name()))
			continue
		}
		fmt.Fprintf(w, "%s\n", entry)
	}
	return nil
}
