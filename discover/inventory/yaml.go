package inventory

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlMessage is what the YAML reader says: a line, and what is wrong.
var yamlMessage = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s:.*))$`)

// parseYAML reads the documents of a YAML text.
func parseYAML(text string) ([]value, error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var docs []value
	count := 0
	for {
		var node yaml.Node
		err := dec.Decode(&node)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, yamlError(text, err)
		}
		v, err := yamlValue(&node, 0, &count)
		if err != nil {
			return nil, &placed{position(text, 0), err}
		}
		if v.kind != isNull {
			docs = append(docs, v)
		}
	}
}

// maxLocate bounds the texts in which an error is looked for by reading parts
// of them, and maxFlow the lines that a list in brackets is taken to span.
const (
	maxLocate = 256 << 10
	maxFlow   = 64
)

// yamlError places an error of the YAML reader, whose own line is often that of
// the block around it: the line behind the longest beginning that is good YAML
// is where a person has to look.
func yamlError(text string, err error) error {
	m := yamlMessage.FindStringSubmatch(err.Error())
	if m == nil {
		return &placed{":1:1", err}
	}
	line, _ := strconv.Atoi(m[1])
	if len(text) <= maxLocate {
		line = goodLines(text) + 1
	}
	return &placed{fmt.Sprintf(":%d", max(1, line)), errors.New(m[2] + ": correct the YAML there")}
}

// goodLines is the number of lines from the text's start that are good YAML. It
// bisects, and goes on where a beginning only ends within a list in brackets.
func goodLines(text string) int {
	var ends []int
	for i := range len(text) {
		if text[i] == '\n' {
			ends = append(ends, i+1)
		}
	}
	bad := func(i int) bool { return !goodYAML(text[:ends[i]]) }
	good := 0
	for good < len(ends) {
		good += sort.Search(len(ends)-good, func(i int) bool { return bad(good + i) })
		next := good + 1
		for next < min(len(ends), good+maxFlow) && bad(next) {
			next++
		}
		if next >= min(len(ends), good+maxFlow) {
			break
		}
		good = next + 1
	}
	return good
}

func goodYAML(text string) bool {
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var node yaml.Node
		if err := dec.Decode(&node); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// yamlValue turns a node into a value, with aliases written out.
func yamlValue(n *yaml.Node, depth int, count *int) (value, error) {
	if *count++; *count > maxValues {
		return value{}, errManyValues
	}
	if depth > maxDepth {
		return value{}, errDeep
	}
	v := value{line: n.Line}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) > 0 {
			return yamlValue(n.Content[0], depth, count)
		}
		return v, nil
	case yaml.AliasNode:
		return yamlValue(n.Alias, depth+1, count)
	case yaml.ScalarNode:
		v.kind, v.text = scalarKind(n), n.Value
		return v, nil
	case yaml.MappingNode:
		v.kind = isObject
	default:
		v.kind = isList
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			v.keys = append(v.keys, child.Value)
			continue
		}
		c, err := yamlValue(child, depth+1, count)
		if err != nil {
			return value{}, err
		}
		v.list = append(v.list, c)
	}
	return v, nil
}

func scalarKind(n *yaml.Node) valueKind {
	switch n.ShortTag() {
	case "!!null":
		return isNull
	case "!!bool":
		return isBool
	case "!!int", "!!float":
		return isNumber
	}
	return isText
}
