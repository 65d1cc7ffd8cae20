package report

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"blindspot/discover"
)

// Where a finding of the report is indented to.
const (
	findingIndent = "\n    "
	fieldIndent   = "\n      "
	valueIndent   = "\n        "
)

// appendFinding appends a finding as encoding/json writes it within a report,
// indented, of which most of the time goes into looking up types.
func appendFinding(b []byte, f *discover.Finding) (_ []byte, err error) {
	o := object{b: append(append(b, findingIndent...), '{')}
	o.text("kind", f.Kind)
	o.text("severity", string(f.Severity))
	o.some("hostname", f.Hostname)
	o.key("endpoints")
	o.b = appendTexts(o.b, f.Endpoints, fieldIndent, valueIndent)
	o.some("certificate", f.Certificate)
	o.text("surface", f.Surface)
	o.some("owner", f.Owner)
	o.key("handshakes")
	o.b = strconv.AppendUint(o.b, f.Handshakes, 10)
	o.key("clients")
	o.b = strconv.AppendUint(o.b, f.Clients, 10)
	o.value("share", f.Share, fieldIndent)
	o.instant("first_seen", f.FirstSeen)
	o.instant("last_seen", f.LastSeen)
	o.text("detail", f.Detail)
	o.text("remedy", f.Remedy)
	o.evidence(f.Evidence)
	return append(append(o.b, findingIndent...), '}'), o.err
}

// object is one under way, with the first error.
type object struct {
	b      []byte
	inside bool // it has a member
	err    error
	keys   [16]string
}

func (o *object) key(k string) {
	if o.inside {
		o.b = append(o.b, ',')
	}
	o.inside = true
	o.b = append(appendString(append(o.b, fieldIndent...), k), ": "...)
}

func (o *object) text(k, v string) {
	o.key(k)
	o.b = appendString(o.b, v)
}

func (o *object) some(k, v string) {
	if v != "" {
		o.text(k, v)
	}
}

func (o *object) instant(k string, t time.Time) {
	o.key(k)
	b, err := t.AppendText(append(o.b, '"'))
	if err != nil {
		o.err = err
		return
	}
	o.b = append(b, '"')
}

// value writes whatever encoding/json can.
func (o *object) value(k string, v any, indent string) {
	o.key(k)
	o.any(v, indent)
}

func (o *object) any(v any, indent string) {
	text, err := json.Marshal(v)
	if err != nil {
		o.err = err
		return
	}
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		var out bytes.Buffer
		if err := json.Indent(&out, text, indent[1:], "  "); err != nil {
			o.err = err
			return
		}
		text = out.Bytes()
	}
	o.b = append(o.b, harden(text)...)
}

func (o *object) evidence(m map[string]any) {
	o.key("evidence")
	switch {
	case m == nil:
		o.b = append(o.b, "null"...)
		return
	case len(m) == 0:
		o.b = append(o.b, "{}"...)
		return
	}
	keys := slices.AppendSeq(o.keys[:0], maps.Keys(m))
	slices.Sort(keys)
	o.b = append(o.b, '{')
	for i, k := range keys {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = append(appendString(append(o.b, valueIndent...), k), ": "...)
		o.evidenceValue(m[k])
	}
	o.b = append(append(o.b, fieldIndent...), '}')
}

// evidenceValue knows the types that evidence mostly has.
func (o *object) evidenceValue(v any) {
	switch v := v.(type) {
	case string:
		o.b = appendString(o.b, v)
	case bool:
		o.b = strconv.AppendBool(o.b, v)
	case int:
		o.b = strconv.AppendInt(o.b, int64(v), 10)
	case int64:
		o.b = strconv.AppendInt(o.b, v, 10)
	case uint16:
		o.b = strconv.AppendUint(o.b, uint64(v), 10)
	case uint64:
		o.b = strconv.AppendUint(o.b, v, 10)
	case []string:
		o.b = appendTexts(o.b, v, valueIndent, valueIndent+"  ")
	default:
		o.any(v, valueIndent)
	}
}

func appendTexts(b []byte, list []string, indent, inner string) []byte {
	switch {
	case list == nil:
		return append(b, "null"...)
	case len(list) == 0:
		return append(b, "[]"...)
	}
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, inner...), s)
	}
	return append(append(b, indent...), ']')
}
