package report

import (
	"bufio"
	"fmt"
	"strings"
)

func init() { registerLoop(loop{name: "gatus", place: 2, write: writeGatus}) }

// The conditions of a check. Gatus takes the URL's host for the server name,
// and verifies unless told otherwise.
var gatusConditions = []string{"[CONNECTED] == true", "[CERTIFICATE_EXPIRATION] > 336h"}

// writeGatus writes a block of endpoints for Gatus.
func writeGatus(w *bufio.Writer, c *closing) error {
	c.comments(w)
	if len(c.gaps) == 0 {
		w.WriteString("endpoints: []\n")
		return nil
	}
	active := 0
	for i := range c.gaps {
		if c.gaps[i].gatusCannot() == "" {
			active++
		}
	}
	if active > 0 {
		w.WriteString("endpoints:\n")
	} else {
		w.WriteString("endpoints: []\n")
	}
	for i := range c.gaps {
		gatusEndpoint(w, &c.gaps[i])
	}
	return nil
}

func gatusEndpoint(w *bufio.Writer, g *gap) {
	fmt.Fprintf(w, "  # %s\n", g.why())
	if reason := g.gatusCannot(); reason != "" {
		fmt.Fprintf(w, "  # not checked by Gatus, because %s:\n  # %s\n", reason, visible(g.name()))
		return
	}
	scheme := "tls"
	if g.starttls != "" {
		scheme = "starttls"
	}
	fmt.Fprintf(w, "  - name: %s\n", gatusText(g.name()))
	if group := gatusGroup(g); group != "" {
		fmt.Fprintf(w, "    group: %s\n", gatusText(group))
	}
	fmt.Fprintf(w, "    url: %s\n    interval: 5m\n", gatusText(scheme+"://"+g.target()))
	if g.host == "" {
		w.WriteString("    client:\n      insecure: true # no name is asked for, so there is none to verify: only expiry is checked\n")
	}
	w.WriteString("    conditions:\n")
	for _, condition := range gatusConditions {
		fmt.Fprintf(w, "      - %s\n", gatusText(condition))
	}
}

// gatusCannot says why Gatus cannot make the check, "" where it can.
func (g *gap) gatusCannot() string {
	switch reason := g.overDatagrams(); {
	case reason != "":
		return reason
	case g.pinned():
		return "it cannot ask an address for another name"
	case g.starttls != "" && g.starttls != "smtp":
		return "it knows STARTTLS for SMTP only"
	}
	return ""
}

func gatusGroup(g *gap) string {
	surface, owner := placed(g.finding)
	if surface == "" {
		return owner
	}
	return surface
}

// gatusText is a YAML string in double quotes. Gatus expands variables
// everywhere, and refuses quotes and backslashes in names.
func gatusText(s string) string {
	return `"` + strings.NewReplacer(`"`, "'", `\`, "/", "$", "$$").Replace(visible(s)) + `"`
}
