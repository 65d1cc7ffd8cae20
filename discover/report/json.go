package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"blindspot/discover"
)

func init() { register(format{name: "json", place: 2, report: writeJSON, list: writeListJSON}) }

// writeJSON writes the report as one object, its findings one by one: there may
// be as many as names.
func writeJSON(w *bufio.Writer, r *Report, _ Options) error {
	rest := *r
	rest.Findings = []discover.Finding{}
	b, err := marshal(&rest, "  ")
	if err != nil {
		return err
	}
	head, tail, found := bytes.Cut(b, []byte(noFindings)) // unique: no string has a line feed in it
	if !found || len(r.Findings) == 0 {
		_, err = w.Write(b)
		return err
	}
	w.Write(head)
	w.WriteString(noFindings[:len(noFindings)-len("],\n")])
	var one []byte
	for i := range r.Findings {
		if one, err = appendFinding(one[:0], &r.Findings[i]); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		if i > 0 {
			w.WriteByte(',')
		}
		w.Write(one)
	}
	w.WriteString("\n  ],\n")
	_, err = w.Write(tail)
	return err
}

// noFindings is the line of a report without findings.
const noFindings = "\n  \"findings\": [],\n"

// writeListJSON writes an array of objects, one a line.
func writeListJSON(w *bufio.Writer, l *List, _ Options) error {
	w.WriteByte('[')
	sep, keys := "\n", objectKeys(l)
	var b []byte
	for row := range l.Rows {
		w.WriteString(sep)
		b = appendObject(b[:0], l, keys, row)
		w.Write(b)
		sep = ",\n"
	}
	_, err := w.WriteString("\n]\n")
	return err
}

// marshal writes v with HTML escaped, and escapes what a terminal would obey.
func marshal(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return harden(b.Bytes()), nil
}

// harden writes what visible would escape as \uXXXX. Beyond ASCII, JSON has
// nothing outside of strings, so that it stays the same JSON (RFC 8259 §7).
func harden(b []byte) []byte {
	out := b[:0:0]
	last := 0
	for i := 0; i < len(b); {
		if b[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if !shown(r) {
			out = append(out, b[last:i]...)
			out = appendUnicodeEscape(out, r)
			last = i + n
		}
		i += n
	}
	if last == 0 {
		return b
	}
	return append(out, b[last:]...)
}

func appendUnicodeEscape(b []byte, r rune) []byte {
	if r >= 0x10000 {
		r -= 0x10000
		b = appendUnicodeEscape(b, 0xD800+r>>10)
		r = 0xDC00 + r&0x3FF
	}
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			q, _ := json.Marshal(s) // a string always can be
			return append(b, harden(q)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
