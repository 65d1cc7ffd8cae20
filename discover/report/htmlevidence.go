package report

import (
	"bytes"
	"encoding/json"
	"strings"

	"blindspot/discover"
)

// maxEvidenceDepth is how deep evidence is laid out; what is deeper stands as
// JSON.
const maxEvidenceDepth = 3

// evidence lets unfold where a finding is, and what it rests on.
func (m *markup) evidence(f *discover.Finding) {
	m.open("details")
	m.el("summary", "Evidence")
	m.open("dl", "class", "evidence")
	m.el("dt", "endpoints")
	m.open("dd")
	m.plainList(f.Endpoints)
	m.shut("dd")
	if f.Certificate != "" {
		m.el("dt", "certificate")
		m.open("dd")
		m.el("code", f.Certificate)
		m.shut("dd")
	}
	if f.Handshakes+f.Clients > 0 && !f.FirstSeen.IsZero() {
		m.el("dt", "seen")
		m.el("dd", period(f.FirstSeen, f.LastSeen))
	}
	m.fields(ordered(f.Evidence), 0)
	m.shut("dl", "details")
}

func (m *markup) plainList(list []string) {
	if len(list) == 0 {
		m.text("none")
		return
	}
	m.open("ul", "class", "plain")
	for _, s := range list {
		m.el("li", s)
	}
	m.shut("ul")
}

func (m *markup) fields(o jsonObject, depth int) {
	for _, e := range o {
		m.el("dt", strings.ReplaceAll(e.name, "_", " "))
		m.open("dd")
		m.value(e.value, depth)
		m.shut("dd")
	}
}

func (m *markup) value(v any, depth int) {
	switch v := v.(type) {
	case jsonObject:
		if depth < maxEvidenceDepth && len(v) > 0 {
			m.open("dl")
			m.fields(v, depth+1)
			m.shut("dl")
			return
		}
	case []any:
		if depth < maxEvidenceDepth && len(v) > 0 {
			m.array(v, depth)
			return
		}
	}
	m.text(jsonText(v))
}

// array writes objects as a table and other things as a list.
func (m *markup) array(list []any, depth int) {
	if head, ok := list[0].(jsonObject); ok && allObjects(list) {
		m.objects(head, list)
		return
	}
	m.open("ul", "class", "plain")
	for _, v := range list {
		m.open("li")
		m.value(v, depth+1)
		m.shut("li")
	}
	m.shut("ul")
}

func allObjects(list []any) bool {
	for _, v := range list {
		if _, ok := v.(jsonObject); !ok {
			return false
		}
	}
	return true
}

// objects writes a row for each object, with the first one's columns; what an
// object has besides stands in a last one.
func (m *markup) objects(head jsonObject, list []any) {
	m.open("table", "class", "inner")
	m.open("tr")
	for _, e := range head {
		m.el("th", strings.ReplaceAll(e.name, "_", " "), "scope", "col")
	}
	m.shut("tr")
	for _, v := range list {
		o := v.(jsonObject)
		m.open("tr")
		for _, e := range head {
			m.el("td", jsonText(o.of(e.name)))
		}
		for _, e := range o {
			if !head.has(e.name) {
				m.el("td", e.name+": "+jsonText(e.value))
			}
		}
		m.shut("tr")
	}
	m.shut("table")
}

// jsonObject is an object in its order. Other JSON values are nil, bool,
// json.Number, string and []any.
type jsonObject []jsonField

type jsonField struct {
	name  string
	value any
}

func (o jsonObject) has(name string) bool {
	for _, e := range o {
		if e.name == name {
			return true
		}
	}
	return false
}

func (o jsonObject) of(name string) any {
	for _, e := range o {
		if e.name == name {
			return e.value
		}
	}
	return ""
}

// ordered returns evidence as JSON has it, whatever Go types it is made of.
func ordered(evidence map[string]any) jsonObject {
	text, err := marshal(evidence, "")
	if err != nil {
		return jsonObject{{"error", err.Error()}}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := orderedValue(d)
	if err != nil {
		return jsonObject{{"error", err.Error()}}
	}
	o, _ := v.(jsonObject)
	return o
}

func orderedValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := jsonObject{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := orderedValue(d)
			if err != nil {
				return nil, err
			}
			o = append(o, jsonField{key.(string), v})
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := orderedValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return t, nil
}

// jsonText is a value in one line: strings as they are, the rest as JSON.
func jsonText(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return show(v)
	case jsonObject:
		var list []string
		for _, e := range v {
			list = append(list, e.name+": "+jsonText(e.value))
		}
		return "{" + strings.Join(list, ", ") + "}"
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, jsonText(e))
		}
		return strings.Join(list, ", ")
	}
	return ""
}
