package monitored

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxJSONDepth bounds the nesting of a JSON document.
const maxJSONDepth = 64

// jsonTree turns JSON into YAML nodes, which know their lines. (Most JSON is
// YAML, but not all: surrogate pairs, tabs.)
type jsonTree struct {
	text    string
	dec     *json.Decoder
	lastPos int // offset up to which line and lineAt are counted
	line    int
	lineAt  int // offset of the line's first byte
	skip    []string
}

// parseJSON reads a text that holds one JSON value.
func parseJSON(text string) (*yaml.Node, error) { return parseJSONWithout(text) }

// parseJSONWithout reads a text that holds one JSON value, and passes over what
// stands under the keys to skip.
func parseJSONWithout(text string, skip ...string) (*yaml.Node, error) {
	t := &jsonTree{text: text, dec: json.NewDecoder(strings.NewReader(text)), line: 1, skip: skip}
	t.dec.UseNumber()
	root, err := t.value(0)
	if err != nil {
		return nil, t.placed(err)
	}
	rest, _, err := t.next()
	switch {
	case err == nil:
		return nil, &placedError{rest.Line, rest.Column, errors.New("something follows the JSON value")}
	case err != io.EOF:
		return nil, t.placed(err)
	}
	return root, nil
}

func (t *jsonTree) placed(err error) error {
	var already *placedError
	if errors.As(err, &already) {
		return err
	}
	offset := int(t.dec.InputOffset())
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = max(offset, int(syntax.Offset)-1)
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		offset, err = len(t.text), errors.New("the JSON ends too early")
	}
	n := t.at(min(offset, len(t.text)))
	return &placedError{n.Line, n.Column, err}
}

// at returns a node that stands at an offset; offsets come in order.
func (t *jsonTree) at(offset int) *yaml.Node {
	for ; t.lastPos < offset; t.lastPos++ {
		if t.text[t.lastPos] == '\n' {
			t.line++
			t.lineAt = t.lastPos + 1
		}
	}
	return &yaml.Node{Line: t.line, Column: offset - t.lineAt + 1}
}

// next returns a node at the start of the next token, and the token.
func (t *jsonTree) next() (*yaml.Node, json.Token, error) {
	start := int(t.dec.InputOffset())
	for start < len(t.text) && strings.IndexByte(" \t\r\n,:", t.text[start]) >= 0 {
		start++
	}
	token, err := t.dec.Token()
	if err != nil {
		return nil, nil, err
	}
	return t.at(start), token, nil
}

func (t *jsonTree) value(depth int) (*yaml.Node, error) {
	n, token, err := t.next()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		if depth >= maxJSONDepth {
			return nil, fmt.Errorf("nested deeper than %d", maxJSONDepth)
		}
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		if v == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		return n, t.children(n, depth+1)
	case string:
		n.SetString(v)
	case json.Number:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!float", v.String()
	case bool:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!bool", fmt.Sprint(v)
	default:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!null", "null"
	}
	return n, nil
}

// children reads an object's or array's values up to its end.
func (t *jsonTree) children(n *yaml.Node, depth int) error {
	for t.dec.More() {
		if n.Kind == yaml.MappingNode {
			key, token, err := t.next()
			if err != nil {
				return err
			}
			name, ok := token.(string)
			if !ok {
				return errors.New("an object's key is no string")
			}
			if slices.Contains(t.skip, name) {
				var passed json.RawMessage
				if err := t.dec.Decode(&passed); err != nil {
					return err
				}
				continue
			}
			key.SetString(name)
			n.Content = append(n.Content, key)
		}
		child, err := t.value(depth)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, child)
	}
	_, err := t.dec.Token()
	return err
}
