package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

func init() { register(format{name: "json", place: 2, report: writeJSON, list: writeListJSON}) }

// writeJSON writes the report as one object.
func writeJSON(w *bufio.Writer, r *Report, _ Options) error {
	b, err := marshal(r, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

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
