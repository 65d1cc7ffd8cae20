package monitored

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

func init() { register(format{kind: "file_sd", read: readFileSD, detect: detectFileSD}) }

// targetGroup is a group of targets as static_configs and file_sd write it.
type targetGroup struct {
	Targets []at[string]      `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

// readFileSD reads a file_sd list by itself: without the job that names it,
// each target is taken for a TLS check of its host.
func readFileSD(in *input, r *Result) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	groups, err := parseFileSD(in.Path, text)
	if err != nil {
		return err
	}
	r.warn(in.Path, "read without its prometheus.yml: how these targets are probed is not known, and they are taken for TLS checks that verify; give prometheus:prometheus.yml to be exact")
	for _, g := range groups {
		for _, target := range g.V.Targets {
			ref := in.ref(target.Line)
			c, err := hostCheck("file_sd", ref, target.V)
			if err != nil {
				r.warn(ref, "target %s %v", quote(target.V), err)
				continue
			}
			c.setLabels(publicLabels(g.V.Labels))
			r.add(c)
		}
	}
	return nil
}

// publicLabels leaves out the labels that begin with two underscores.
func publicLabels(labels map[string]string) map[string]string {
	public := map[string]string{}
	for name, value := range labels {
		if !strings.HasPrefix(name, "__") {
			public[name] = value
		}
	}
	return public
}

var errNoList = errors.New(`a file_sd file is a list of groups with targets: write [{"targets": ["host:443"]}]`)

// parseFileSD reads target groups in JSON or YAML.
func parseFileSD(path, text string) ([]at[targetGroup], error) {
	parse := parseYAML
	if isJSON(path, text) {
		parse = parseJSON
	}
	root, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	if root.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("%s%w", path, &placedError{root.Line, root.Column, errNoList})
	}
	var groups at[[]at[targetGroup]]
	if err := groups.UnmarshalYAML(root); err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	return groups.V, nil
}

// isJSON tells by the file's ending, as Prometheus does, or else by the first
// byte: a block of YAML groups begins with a dash.
func isJSON(path, text string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		return true
	case ".yml", ".yaml":
		return false
	}
	start := strings.TrimLeft(text, " \t\r\n")
	return strings.HasPrefix(start, "[") || strings.HasPrefix(start, "{")
}

// detectFileSD takes a list of groups that have targets.
func detectFileSD(text string) int {
	start := strings.TrimLeft(trimLeadingComments(text), " \t\r\n")
	if !strings.HasPrefix(start, "[") && !strings.HasPrefix(start, "-") {
		return 0
	}
	if !strings.Contains(text, "targets") {
		return 0
	}
	if strings.HasPrefix(start, "[") && !strings.HasPrefix(strings.TrimLeft(start[1:], " \t\r\n"), "{") {
		return 0 // [v6]:port in a host list
	}
	return scoreKeys
}

// trimLeadingComments drops the comments and the "---" before a document.
func trimLeadingComments(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if !strings.HasPrefix(text, "#") && !strings.HasPrefix(text, "---") {
			return text
		}
		_, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return ""
		}
		text = rest
	}
}
