package monitored

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds a document with its aliases written out, so that a few
// anchors cannot make billions of entries.
const maxNodes = 20_000_000

// at is a value with its place in the file.
type at[T any] struct {
	V            T
	Line, Column int
}

// UnmarshalYAML decodes the value and gives its errors their place.
func (a *at[T]) UnmarshalYAML(n *yaml.Node) error {
	a.Line, a.Column = n.Line, n.Column
	return placed(n.Decode(&a.V), n)
}

// placedError is an error at a line and column; column 0 is not known.
type placedError struct {
	line, column int
	err          error
}

func (e *placedError) Error() string {
	switch {
	case e.line == 0:
		return ": " + e.err.Error()
	case e.column == 0:
		return fmt.Sprintf(":%d: %v", e.line, e.err)
	}
	return fmt.Sprintf(":%d:%d: %v", e.line, e.column, e.err)
}

func (e *placedError) Unwrap() error { return e.err }

// yamlMessage is what the YAML reader says: a line, and of which type a value
// is that does not fit.
var yamlMessage = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?((?:cannot unmarshal (!!\w+))?(?s:.*))$`)

// placed gives err, which came of decoding n, its place, unless it has one.
func placed(err error, n *yaml.Node) error {
	var already *placedError
	if err == nil || errors.As(err, &already) {
		return err
	}
	text := err.Error()
	var types *yaml.TypeError
	if errors.As(err, &types) && len(types.Errors) > 0 {
		text = types.Errors[0]
	}
	m := yamlMessage.FindStringSubmatch(text)
	line, column := n.Line, n.Column
	if said, _ := strconv.Atoi(m[1]); said > 0 {
		if c := columnOf(n, said, m[3]); c > 0 || said != line {
			line, column = said, c
		}
	}
	return &placedError{line, column, errors.New(plainWords(m[2]))}
}

// wrongType is the YAML reader's complaint about a value, with Go's types.
var wrongType = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?s:( `.*`)?) into (.*)$")

var yamlWords = map[string]string{
	"str": "a string", "map": "a mapping", "seq": "a list", "int": "a number", "float": "a number", "bool": "a truth value",
}

// plainWords says in the words of YAML which value does not fit.
func plainWords(message string) string {
	m := wrongType.FindStringSubmatch(message)
	if m == nil {
		return message
	}
	want := "a mapping"
	switch {
	case strings.HasPrefix(m[3], "[]"):
		want = "a list"
	case m[3] == "string":
		want = "a string"
	case m[3] == "bool":
		want = "true or false"
	}
	return fmt.Sprintf("%s%s stands where %s belongs", or(yamlWords[m[1]], m[1]), m[2], want)
}

// columnOf finds the value of a type in a line under n: the reader's errors
// name no column. 0 where none or several fit.
func columnOf(n *yaml.Node, line int, tag string) int {
	column, found := 0, 0
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Line == line && n.ShortTag() == tag {
			column = n.Column
			found++
		}
		for i, child := range n.Content {
			if n.Kind != yaml.MappingNode || i%2 == 1 {
				walk(child)
			}
		}
	}
	walk(n)
	if found != 1 {
		return 0
	}
	return column
}

// parseYAML reads the first document of a text.
func parseYAML(text string) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, syntaxError(text, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil, &placedError{1, 1, errors.New("the file is empty")}
	}
	root := doc.Content[0]
	if expandedNodes(root, map[*yaml.Node]int{}) > maxNodes {
		return nil, &placedError{root.Line, root.Column, fmt.Errorf("aliases make more than %d entries of it", maxNodes)}
	}
	return root, nil
}

// maxLocate bounds the texts in which a syntax error is looked for by parsing
// parts of them, and maxFlow the lines that a list in brackets is taken to span.
const (
	maxLocate = 256 << 10
	maxFlow   = 64
)

// syntaxError places an error of the YAML reader. Its own line is often that of
// the block around the error; the line behind the longest beginning that is
// good YAML is where a person has to look.
func syntaxError(text string, err error) error {
	m := yamlMessage.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1])
	if len(text) <= maxLocate {
		line = goodLines(text) + 1
	}
	return &placedError{line, 0, errors.New(m[2] + ": correct the YAML there")}
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
	bad := func(i int) bool {
		var doc yaml.Node
		return yaml.Unmarshal([]byte(text[:ends[i]]), &doc) != nil
	}
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

// expandedNodes counts the nodes under n with aliases written out, up to just
// above maxNodes. An alias of what holds it counts as endless.
func expandedNodes(n *yaml.Node, seen map[*yaml.Node]int) int {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if count, ok := seen[n]; ok {
		return count
	}
	seen[n] = maxNodes + 1
	total := 1
	for _, child := range n.Content {
		total = min(total+expandedNodes(child, seen), maxNodes+1)
	}
	seen[n] = total
	return total
}

// decodeYAML reads a text into v.
func decodeYAML(text string, v any) error {
	root, err := parseYAML(text)
	if err != nil {
		return err
	}
	return placed(root.Decode(v), root)
}

// yamlKey is a key of the outermost mapping.
var yamlKey = regexp.MustCompile(`(?m)^["']?([A-Za-z_]+)["']?\s*:`)

// hasKey reports whether one of keys stands at the start of a line: a look at
// a text that need not be good YAML.
func hasKey(text string, keys ...string) bool {
	for _, m := range yamlKey.FindAllStringSubmatch(text, -1) {
		for _, key := range keys {
			if m[1] == key {
				return true
			}
		}
	}
	return false
}
