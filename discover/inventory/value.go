package inventory

import (
	"errors"
	"fmt"
)

const (
	// maxValues bounds the values of a document, with a YAML document's aliases
	// written out, so that a few anchors cannot make billions.
	maxValues = 5_000_000
	// maxDepth bounds the nesting of a document.
	maxDepth = 64
)

var (
	errManyValues = fmt.Errorf("the document has more than %d values: split it", maxValues)
	errDeep       = fmt.Errorf("nested deeper than %d", maxDepth)
)

type valueKind uint8

const (
	isNull valueKind = iota
	isText
	isNumber
	isBool
	isList
	isObject
)

// value is a value of a JSON or YAML document, which knows its line. Methods
// may be called on nil, which is what is not there.
type value struct {
	kind valueKind
	line int
	text string // of a scalar
	keys []string
	list []value // of a list, or in the order of keys
}

func (v *value) get(path ...string) *value {
	for _, key := range path {
		v = v.child(key)
	}
	return v
}

func (v *value) child(key string) *value {
	if v == nil || v.kind != isObject {
		return nil
	}
	for i, k := range v.keys {
		if k == key {
			return &v.list[i]
		}
	}
	return nil
}

// str returns the text of a scalar at a path, "" where there is none.
func (v *value) str(path ...string) string {
	if v = v.get(path...); v == nil || v.kind == isList || v.kind == isObject {
		return ""
	}
	return v.text
}

// strs returns the texts of a list of scalars, or the one of a scalar.
func (v *value) strs(path ...string) []string {
	v = v.get(path...)
	switch {
	case v == nil || v.kind == isNull:
		return nil
	case v.kind != isList:
		if s := v.str(); s != "" {
			return []string{s}
		}
		return nil
	}
	out := make([]string, 0, len(v.list))
	for i := range v.list {
		if s := v.list[i].str(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// items returns the elements of a list; what is no list is its own only one.
func (v *value) items() []*value {
	if v == nil || v.kind == isNull {
		return nil
	}
	if v.kind != isList {
		return []*value{v}
	}
	out := make([]*value, len(v.list))
	for i := range v.list {
		out[i] = &v.list[i]
	}
	return out
}

// eachItem calls f for each element of the documents that are lists, and for
// each other document.
func eachItem(docs []value, f func(*value)) {
	for i := range docs {
		for _, item := range docs[i].items() {
			f(item)
		}
	}
}

// placed is an error at ":line:column", to stand behind a file's name.
type placed struct {
	where string
	err   error
}

func (e *placed) Error() string { return e.where + ": " + e.err.Error() }
func (e *placed) Unwrap() error { return e.err }

func isPlaced(err error) bool {
	var p *placed
	return errors.As(err, &p)
}
