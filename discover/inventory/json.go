package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// jsonReader turns JSON into values.
type jsonReader struct {
	text  string
	dec   *json.Decoder
	pos   int // offset up to which line is counted
	line  int
	count int
	open  int // objects and arrays that have not ended
}

// readJSON reads the JSON values of a source, one or several behind each other.
func (in *input) readJSON() ([]value, error) {
	text, err := in.text()
	if err != nil {
		return nil, err
	}
	docs, err := parseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%s%w", in.Path, err)
	}
	return docs, nil
}

// parseJSON reads a text of one JSON value or more: commands that print one
// each are often collected in one file.
func parseJSON(text string) ([]value, error) {
	r := &jsonReader{text: text, dec: json.NewDecoder(strings.NewReader(text)), line: 1}
	r.dec.UseNumber()
	var docs []value
	for {
		v, err := r.value(0)
		if err == io.EOF && r.blankRest() {
			break
		}
		if err != nil {
			return nil, r.placed(err)
		}
		docs = append(docs, v)
	}
	if len(docs) == 0 {
		return nil, &placed{":1:1", errors.New("the file is empty")}
	}
	return docs, nil
}

func (r *jsonReader) blankRest() bool {
	return strings.TrimSpace(r.text[r.dec.InputOffset():]) == ""
}

func (r *jsonReader) placed(err error) error {
	if isPlaced(err) {
		return err
	}
	offset := int(r.dec.InputOffset())
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = max(offset, int(syntax.Offset)-1)
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		offset, err = len(r.text), errors.New("the JSON ends too early: is the file complete?")
	}
	return &placed{position(r.text, min(offset, len(r.text))), err}
}

// next returns the line on which the next token starts, and the token.
func (r *jsonReader) next() (int, json.Token, error) {
	start := int(r.dec.InputOffset())
	for start < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[start]) >= 0 {
		start++
	}
	token, err := r.dec.Token()
	if err == io.EOF && r.open > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, nil, err
	}
	r.line += strings.Count(r.text[r.pos:start], "\n")
	r.pos = start
	return r.line, token, nil
}

func (r *jsonReader) value(depth int) (value, error) {
	line, token, err := r.next()
	if err != nil {
		return value{}, err
	}
	if r.count++; r.count > maxValues {
		return value{}, errManyValues
	}
	v := value{line: line}
	switch t := token.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return value{}, errDeep
		}
		v.kind = isList
		if t == '{' {
			v.kind = isObject
		}
		err = r.children(&v, depth+1)
	case string:
		v.kind, v.text = isText, t
	case json.Number:
		v.kind, v.text = isNumber, t.String()
	case bool:
		v.kind, v.text = isBool, fmt.Sprint(t)
	}
	return v, err
}

// children reads an object's or array's values up to its end.
func (r *jsonReader) children(v *value, depth int) error {
	r.open++
	for r.dec.More() {
		if v.kind == isObject {
			_, token, err := r.next()
			if err != nil {
				return err
			}
			key, ok := token.(string)
			if !ok {
				return errors.New("an object's key is no string")
			}
			v.keys = append(v.keys, key)
		}
		child, err := r.value(depth)
		if err != nil {
			return err
		}
		v.list = append(v.list, child)
	}
	_, _, err := r.next()
	r.open--
	return err
}
