package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/nearest"

	"go.yaml.in/yaml/v3"
)

// fields are the keys of a mapping with what reads their values.
type fields map[string]func(*yaml.Node) error

// mapping reads a mapping with these keys and no others, none of them twice.
func (d *decoder) mapping(n *yaml.Node, known fields) error {
	keys := slices.Sorted(maps.Keys(known))
	return d.anyMapping(n, func(key, value *yaml.Node) error {
		read, ok := known[key.Value]
		if !ok {
			return d.errorf(key, "unknown key %q%s (known here: %s)", key.Value, nearest.Hint(key.Value, keys), strings.Join(keys, ", "))
		}
		if isNull(value) {
			return nil
		}
		return read(value)
	})
}

// anyMapping calls each for every key and value of a mapping.
func (d *decoder) anyMapping(n *yaml.Node, each func(key, value *yaml.Node) error) error {
	n = deref(n)
	if n.Kind != yaml.MappingNode {
		return d.errorf(n, "found %s, want key: value pairs", describe(n))
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return d.errorf(key, "found %s as a key, want a word", describe(key))
		}
		if line, dup := seen[key.Value]; dup {
			return d.errorf(key, "key %q is there already, in line %d", key.Value, line)
		}
		seen[key.Value] = key.Line
		if err := each(key, value); err != nil {
			return err
		}
	}
	return nil
}

// list calls each for every entry of a sequence.
func (d *decoder) list(n *yaml.Node, each func(*yaml.Node) error) error {
	n = deref(n)
	if n.Kind != yaml.SequenceNode {
		return d.errorf(n, "found %s, want a list: [a, b], or lines that begin with -", describe(n))
	}
	for _, entry := range n.Content {
		if err := each(deref(entry)); err != nil {
			return err
		}
	}
	return nil
}

// text reads a scalar as it is written.
func (d *decoder) text(n *yaml.Node, want string) (string, error) {
	n = deref(n)
	if n.Kind != yaml.ScalarNode || isNull(n) {
		return "", d.errorf(n, "found %s, want %s", describe(n), want)
	}
	return n.Value, nil
}

// word reads one of the known words.
func (d *decoder) word(n *yaml.Node, what string, known []string) (string, error) {
	s, err := d.text(n, "one of "+strings.Join(known, ", "))
	if err != nil {
		return "", err
	}
	if !slices.Contains(known, s) {
		return "", d.errorf(n, "unknown %s %q%s (known: %s)", what, s, nearest.Hint(s, known), strings.Join(known, ", "))
	}
	return s, nil
}

func (d *decoder) duration(n *yaml.Node) (time.Duration, error) {
	s, err := d.text(n, "a duration such as 336h")
	if err != nil {
		return 0, err
	}
	v, err := ParseDuration(s)
	if err != nil || v <= 0 {
		return 0, d.errorf(n, "%q is no duration: want one such as 336h, 90m or 14d", s)
	}
	return v, nil
}

// ParseDuration reads a Go duration, or whole days such as 14d.
func ParseDuration(s string) (time.Duration, error) {
	const maxDays = 100 * 366
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < -maxDays || n > maxDays {
			return 0, fmt.Errorf("%q is no duration: want one such as 336h, 90m or 14d", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}

func (d *decoder) ports(n *yaml.Node) ([]uint16, error) {
	var ports []uint16
	err := d.list(n, func(n *yaml.Node) error {
		s, err := d.text(n, "a port")
		if err != nil {
			return err
		}
		p, err := strconv.ParseUint(s, 10, 16)
		if err != nil || p == 0 {
			return d.errorf(n, "%q is no port: want a number from 1 to 65535", s)
		}
		ports = append(ports, uint16(p))
		return nil
	})
	return ports, err
}

// maxAliases bounds a chain of aliases.
const maxAliases = 16

// deref follows aliases.
func deref(n *yaml.Node) *yaml.Node {
	for range maxAliases {
		if n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	n = deref(n)
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// describe says what n is, for an error.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "key: value pairs"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return strconv.Quote(n.Value)
}
