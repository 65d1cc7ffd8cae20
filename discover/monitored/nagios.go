package monitored

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

func init() {
	register(format{kind: "nagios", read: readNagios, detect: detectNagios})
}

// nagiosObject is one "define" of an objects.cache: a host, a service, a
// command.
type nagiosObject struct {
	line   int
	kind   string
	values map[string]string
}

// nagiosReader reads the checks of an objects.cache.
type nagiosReader struct {
	*Result
	in       *input
	commands map[string]string
	hosts    map[string]*nagiosObject
	others   map[string]int // plugins that read no certificate, with how often they run
}

// readNagios reads objects.cache, in which Nagios and Icinga 1 write down their
// objects with every template resolved and every group written out.
func readNagios(in *input, r *Result) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	objects, err := parseNagios(text)
	if err != nil {
		return fmt.Errorf("%s%w", in.Path, err)
	}
	n := &nagiosReader{Result: r, in: in, commands: map[string]string{}, hosts: map[string]*nagiosObject{}, others: map[string]int{}}
	for _, o := range objects {
		if o.values["use"] != "" {
			return fmt.Errorf("%s:%d: %s uses a template: this is no objects.cache; give the file that object_cache_file in nagios.cfg names", in.Path, o.line, o.kind)
		}
		switch o.kind {
		case "command":
			n.commands[o.values["command_name"]] = o.values["command_line"]
		case "host":
			n.hosts[o.values["host_name"]] = o
		}
	}
	for _, o := range objects {
		if o.kind == "service" || o.kind == "host" {
			n.object(o)
		}
	}
	n.warnOthers()
	return nil
}

// parseNagios reads "define kind {", lines of a word and its value, and "}".
func parseNagios(text string) ([]*nagiosObject, error) {
	var objects []*nagiosObject
	var open *nagiosObject
	line := 0
	for s := range strings.Lines(text) {
		line++
		s = strings.TrimSpace(s)
		switch kind, defines := strings.CutPrefix(s, "define "); {
		case s == "" || s[0] == '#' || s[0] == ';':
		case open == nil && defines && strings.HasSuffix(kind, "{"):
			open = &nagiosObject{line: line, kind: strings.TrimSpace(strings.TrimSuffix(kind, "{")), values: map[string]string{}}
		case open == nil:
			return nil, &placedError{line, 1, fmt.Errorf("%s stands outside of an object: this is no objects.cache", quote(s))}
		case s == "}":
			objects = append(objects, open)
			open = nil
		default:
			word, value, _ := strings.Cut(strings.ReplaceAll(s, "\t", " "), " ")
			if strings.HasPrefix(word, "define") {
				return nil, &placedError{line, 1, fmt.Errorf("the %s of line %d has no end: write }", open.kind, open.line)}
			}
			open.values[word] = strings.TrimSpace(value)
		}
	}
	if open != nil {
		return nil, &placedError{line, 1, fmt.Errorf("the %s of line %d has no end: write }", open.kind, open.line)}
	}
	if len(objects) == 0 {
		return nil, &placedError{1, 1, errors.New("no objects: this is no objects.cache")}
	}
	return objects, nil
}

// object makes the check of a service or host.
func (n *nagiosReader) object(o *nagiosObject) {
	words, ok := n.command(o)
	name, args := findPlugin(words)
	if plugins[name].check == nil {
		if name != "" {
			n.others[name]++
		}
		return
	}
	ref := n.in.ref(o.line)
	if !ok {
		n.warn(ref, "%s: a quote in its command has no end", n.title(o))
		return
	}
	c, err := pluginCheck("nagios", ref, name, args)
	if err != nil {
		n.warn(ref, "%s: %s %v", n.title(o), name, err)
		return
	}
	c.Enabled = o.values["active_checks_enabled"] != "0"
	c.setLabels(n.labels(o))
	n.add(c)
}

func (n *nagiosReader) title(o *nagiosObject) string {
	name := o.values["host_name"]
	if o.kind == "service" {
		name += "/" + o.values["service_description"]
	}
	return o.kind + " " + quote(name)
}

// labels name the object. Of the custom variables only the owner is taken:
// others hold passwords.
func (n *nagiosReader) labels(o *nagiosObject) map[string]string {
	labels := map[string]string{}
	for label, value := range map[string]string{
		"host": o.values["host_name"], "service": o.values["service_description"], "contact_groups": o.values["contact_groups"],
	} {
		if value != "" {
			labels[label] = value
		}
	}
	addOwner(labels, func(key string) string { return o.values["_"+strings.ToUpper(key)] })
	if host := n.hosts[o.values["host_name"]]; host != nil {
		addOwner(labels, func(key string) string { return host.values["_"+strings.ToUpper(key)] })
	}
	return labels
}

// addOwner adds the labels that name an owner, unless there is one: a service's
// own come before its host's.
func addOwner(labels map[string]string, value func(key string) string) {
	if ownerOf(labels) != "" {
		return
	}
	for _, key := range ownerLabels {
		if v := value(key); v != "" {
			labels[key] = v
		}
	}
}

// warnOthers says how many checks run plugins that read no certificate.
func (n *nagiosReader) warnOthers() {
	if text := countedNames(n.others); text != "" {
		n.warn(n.in.Path, "left out, as these plugins are not known to read a certificate: %s", text)
	}
}

// maxCounted bounds the names in a message.
const maxCounted = 12

// countedNames lists names with how often they came, the most first.
func countedNames(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	var list []string
	for i, name := range names {
		if i == maxCounted {
			list = append(list, fmt.Sprintf("and %d more", len(names)-i))
			break
		}
		list = append(list, fmt.Sprintf("%s (%d)", clip(name), counts[name]))
	}
	return strings.Join(list, ", ")
}

// detectNagios takes a text with objects.
func detectNagios(text string) int {
	start := trimLeadingComments(text)
	if strings.HasPrefix(start, "define ") && strings.Contains(text, "{") {
		return scoreKeys
	}
	return 0
}
