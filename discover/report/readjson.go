package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxReport bounds a report that is read: larger than any that was written for
// people, smaller than what would fill a machine.
const maxReport = 1 << 30

// reportKeys are those without which an object is no report.
var reportKeys = []string{"generated", "summary", "sensor", "findings"}

// ReadJSON reads a report as Write writes it in JSON. The error says what else
// it is, where that can be told.
func ReadJSON(r io.Reader) (*Report, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxReport {
		return nil, fmt.Errorf("a report of more than %d MiB: too large to be one of ours", maxReport>>20)
	}
	if err := looksLikeReport(text); err != nil {
		return nil, err
	}
	var rep Report
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&rep); err != nil {
		return nil, fmt.Errorf("read a report: %w", placedIn(text, err))
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return nil, errors.New("no report: something follows its object; give one file of 'blindspot gap --output json'")
	}
	rep.settle()
	return &rep, nil
}

// looksLikeReport tells a report from the other things that are at hand.
func looksLikeReport(text []byte) error {
	const want = "want the JSON that 'blindspot gap --output json' writes"
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0:
		return errors.New("no report: it is empty; " + want)
	case text[0] == '[':
		return errors.New("no report: it is a list, as 'blindspot hosts' writes it; " + want)
	case text[0] != '{':
		return errors.New("no report: it is no JSON; " + want)
	}
	var top map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&top); err != nil {
		return fmt.Errorf("no report: %w; %s", placedIn(text, err), want)
	}
	_, kind := top["kind"]
	_, seq := top["seq"]
	var missing []string
	for _, key := range reportKeys {
		if _, ok := top[key]; !ok {
			missing = append(missing, key)
		}
	}
	switch {
	case len(missing) == 0:
		return nil
	case kind:
		return errors.New("no report: these are findings one a line, as --output jsonl writes them; " + want)
	case seq:
		return errors.New("no report: these are events, as --events writes them; " + want)
	}
	return fmt.Errorf("no report: it has no %s; %s", strings.Join(missing, ", "), want)
}

// placedIn adds the line to an error of JSON's grammar or types.
func placedIn(text []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	at := int64(-1)
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it breaks off")
	}
	if at < 0 || at > int64(len(text)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:at], []byte("\n")), err)
}

// settle makes a report that was read as one that New made: no list is nil,
// and what is most severe comes first.
func (r *Report) settle() {
	r.Surfaces, r.Checks, r.Findings = orEmpty(r.Surfaces), orEmpty(r.Checks), orEmpty(r.Findings)
	r.Warnings, r.Sensor.Notes = orEmpty(r.Warnings), orEmpty(r.Sensor.Notes)
	r.OutOfScope.Largest = orEmpty(r.OutOfScope.Largest)
	for i := range r.Surfaces {
		settleSurface(&r.Surfaces[i])
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		c.Witnessed, c.Covers = orEmpty(c.Witnessed), orEmpty(c.Covers)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Endpoints = orEmpty(f.Endpoints)
		if f.Evidence == nil {
			f.Evidence = map[string]any{}
		}
	}
	slices.SortStableFunc(r.Findings, bySeverity)
}

// UnmarshalJSON reads an object of figures and keeps its order.
func (c *Counts) UnmarshalJSON(text []byte) error {
	*c = nil
	if string(text) == "null" {
		return nil
	}
	var m map[string]uint64
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	v, err := orderedValue(d)
	if err != nil {
		return err
	}
	for _, e := range v.(jsonObject) {
		if n, ok := m[e.name]; ok {
			*c = append(*c, Count{e.name, n})
			delete(m, e.name) // one that is there twice counts once, as JSON's last
		}
	}
	return nil
}
