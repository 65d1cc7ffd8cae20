package monitored

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

func init() {
	register(format{kind: "icinga", read: readIcinga, detect: detectIcinga, options: []string{"hosts"}})
}

// icingaAnswer is an answer of Icinga's API to a question for objects.
type icingaAnswer struct {
	Results *[]at[icingaResult] `yaml:"results"`
	Error   yaml.Node           `yaml:"error"`
	Status  string              `yaml:"status"`
}

type icingaResult struct {
	Name  at[string]   `yaml:"name"`
	Type  string       `yaml:"type"`
	Attrs icingaObject `yaml:"attrs"`
	Joins struct {
		Host *icingaObject `yaml:"host"`
	} `yaml:"joins"`
}

// icingaObject holds the attributes of a service or a host.
type icingaObject struct {
	Name       string               `yaml:"name"`
	Display    string               `yaml:"display_name"`
	HostName   string               `yaml:"host_name"`
	Address    string               `yaml:"address"`
	Address6   string               `yaml:"address6"`
	Command    string               `yaml:"check_command"`
	Active     *bool                `yaml:"enable_active_checks"`
	Vars       map[string]yaml.Node `yaml:"vars"`
	LastResult *struct {
		Command yaml.Node `yaml:"command"`
	} `yaml:"last_check_result"`
}

// value returns a custom variable as text, "" for one that is none.
func (o *icingaObject) value(name string) string {
	n, ok := o.Vars[name]
	if !ok || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

// icingaReader reads the checks of an answer.
type icingaReader struct {
	*Result
	in     *input
	hosts  map[string]*icingaObject
	others map[string]int
}

// readIcinga reads saved answers of Icinga 2's API: services, or hosts that are
// checked themselves. Where the services were asked for without ?joins=host,
// option hosts is the answer with the hosts.
func readIcinga(in *input, r *Result) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	results, err := parseIcinga(in.Path, text)
	if err != nil {
		return err
	}
	c := &icingaReader{Result: r, in: in, hosts: map[string]*icingaObject{}, others: map[string]int{}}
	if path := in.Options["hosts"]; path != "" {
		if err := c.readHosts(path); err != nil {
			return err
		}
	}
	for i := range results {
		c.object(&results[i].V)
	}
	if text := countedNames(c.others); text != "" {
		r.warn(in.Path, "left out, as these are not known to read a certificate: %s", text)
	}
	return nil
}

func (c *icingaReader) readHosts(path string) error {
	text, err := readText(path)
	if err != nil {
		return err
	}
	hosts, err := parseIcinga(path, text)
	if err != nil {
		return err
	}
	for i := range hosts {
		c.hosts[hosts[i].V.Attrs.Name] = &hosts[i].V.Attrs
	}
	return nil
}

// icingaDSL is an object, or a rule that makes some, in Icinga's language.
var icingaDSL = regexp.MustCompile(`(?m)^\s*(object|template|apply)\s+(Host|Service|CheckCommand|Endpoint|Zone|Dependency|Notification)\s+"`)

func parseIcinga(path, text string) ([]at[icingaResult], error) {
	if icingaDSL.MatchString(text) {
		return nil, fmt.Errorf("%s: is Icinga's configuration language, whose rules only Icinga resolves: fetch its objects, as curl -k -u USER 'https://localhost:5665/v1/objects/services?joins=host' -o services.json, and give icinga:services.json", path)
	}
	var answer icingaAnswer
	if err := decodeJSON(text, &answer); err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	if answer.Results == nil {
		why := "no results"
		if answer.Status != "" {
			why = "Icinga answers: " + clip(answer.Status)
		}
		return nil, fmt.Errorf("%s:1:1: %s: save the answer to /v1/objects/services?joins=host", path, why)
	}
	return *answer.Results, nil
}

// object makes the check of a service or host.
func (c *icingaReader) object(res *icingaResult) {
	o := &res.Attrs
	host := o
	if o.HostName != "" {
		if host = res.Joins.Host; host == nil {
			host = c.hosts[o.HostName]
		}
	}
	ref := c.in.Path + " " + res.Name.V
	if res.Name.Line > 1 {
		ref = c.in.ref(res.Name.Line)
	}
	name, args, err := icingaCommand(o, host)
	if err != nil {
		c.warn(ref, "%s %v", quote(res.Name.V), err)
		return
	}
	if plugins[name].check == nil {
		c.others[or(name, o.Command, "no command")]++
		return
	}
	check, err := pluginCheck("icinga", ref, name, args)
	if err != nil {
		c.warn(ref, "%s: %s %v", quote(res.Name.V), name, err)
		return
	}
	check.Enabled = o.Active == nil || *o.Active
	check.setLabels(icingaLabels(o, host))
	c.add(check)
}

// icingaLabels name the object. Of the custom variables only the owner is
// taken: others hold passwords.
func icingaLabels(o, host *icingaObject) map[string]string {
	labels := map[string]string{}
	if o.HostName != "" {
		labels["host"], labels["service"] = o.HostName, o.Name
	} else {
		labels["host"] = o.Name
	}
	addOwner(labels, o.value)
	if host != nil {
		addOwner(labels, host.value)
	}
	return labels
}

// icingaCommand returns the plugin that an object runs with its arguments: the
// command line of the last check, in which Icinga resolved everything, or else
// what the custom variables say.
func icingaCommand(o, host *icingaObject) (name string, args []string, err error) {
	if o.LastResult != nil {
		if words := commandWords(&o.LastResult.Command); len(words) > 0 {
			name, args = findPlugin(words)
			return name, args, nil
		}
	}
	command, ok := icingaCommands[o.Command]
	if !ok {
		return "", nil, nil
	}
	if host == nil {
		return "", nil, errors.New("needs its host, which is not in this answer: ask for /v1/objects/services?joins=host, or give hosts=FILE")
	}
	return command.plugin, icingaArguments(command, o, host), nil
}

// commandWords reads a command line, a list of words or one text.
func commandWords(n *yaml.Node) []string {
	switch n.Kind {
	case yaml.SequenceNode:
		var words []string
		for _, word := range n.Content {
			words = append(words, word.Value)
		}
		return words
	case yaml.ScalarNode:
		if n.ShortTag() == "!!str" {
			words, _ := splitCommand(n.Value)
			return words
		}
	}
	return nil
}

// detectIcinga takes an answer of the API, and the language to say what to do.
func detectIcinga(text string) int {
	start := strings.TrimLeft(text, " \t\r\n")
	isAnswer := strings.HasPrefix(start, "{") && strings.Contains(text, `"results"`) && strings.Contains(text, `"attrs"`)
	if isAnswer || icingaDSL.MatchString(text) {
		return scoreKeys
	}
	return 0
}
