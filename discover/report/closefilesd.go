package report

import (
	"bufio"
	"strconv"
)

func init() { registerLoop(loop{name: "file_sd", place: 1, write: writeFileSD}) }

// Labels of a target group. Prometheus drops those that begin with two
// underscores when it has relabelled, so that they serve as comments; those
// that begin with __param_ are parameters of the probe.
const (
	labelWhy      = "__meta_blindspot_why"
	labelNote     = "__meta_blindspot_note"
	labelHostname = "__param_hostname"
	labelModule   = "__param_module"
)

// modules are the modules of the blackbox exporter's own example for what
// begins in the clear.
var modules = map[string]string{"smtp": "smtp_starttls", "imap": "imap_starttls"}

// fileGroup is one target group, its labels in order.
type fileGroup struct {
	Targets []string    `json:"targets"`
	Labels  fileSDTexts `json:"labels"`
}

type fileSDTexts []struct{ name, value string }

func (l *fileSDTexts) add(name, value string) {
	if value != "" {
		*l = append(*l, struct{ name, value string }{name, visible(value)})
	}
}

// MarshalJSON writes an object in the order of l.
func (l fileSDTexts) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, l[i].name), ':')
		b = appendString(b, l[i].value)
	}
	return append(b, '}'), nil
}

// writeFileSD writes target groups for a Prometheus job of the blackbox
// exporter whose module speaks TLS to the target as it stands (prober tcp with
// tls: true). A name that is to be asked of an address is in the hostname
// parameter.
func writeFileSD(w *bufio.Writer, c *closing) error {
	groups := []fileGroup{}
	for _, n := range c.notes {
		g := fileGroup{Targets: []string{}}
		g.Labels.add(labelNote, n)
		groups = append(groups, g)
	}
	for i := range c.gaps {
		groups = append(groups, fileSDGroup(&c.gaps[i]))
	}
	b, err := marshal(groups, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func fileSDGroup(g *gap) fileGroup {
	out := fileGroup{Targets: []string{g.target()}}
	why := g.why()
	if reason := g.overDatagrams(); reason != "" {
		out.Targets = []string{}
		why += "; not checked here: " + g.name() + ", because " + reason
	}
	surface, owner := placed(g.finding)
	out.Labels.add("owner", owner)
	out.Labels.add("surface", surface)
	if g.pinned() {
		out.Labels.add(labelHostname, g.host)
	}
	if g.starttls != "" {
		module := modules[g.starttls]
		if module == "" {
			module = g.starttls + "_starttls"
		}
		out.Labels.add(labelModule, module)
		why += "; begins in the clear: the module " + strconv.Quote(module) + " has to ask for TLS"
	}
	out.Labels.add(labelWhy, why)
	return out
}
