package show

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// objects writes an array of objects, one a line, as lists are written; as JSON
// lines without the brackets.
func objects[T any](w *bufio.Writer, list []T, lines bool) error {
	before, between, after := "[\n", ",\n", "\n]\n"
	if lines {
		before, between, after = "", "\n", "\n"
	}
	if len(list) == 0 && lines {
		return nil
	}
	w.WriteString(before)
	for i := range list {
		b, err := json.Marshal(&list[i])
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		if i > 0 {
			w.WriteString(between)
		}
		w.Write(ascii(b))
	}
	_, err := w.WriteString(after)
	return err
}

// ascii escapes what is beyond ASCII, which in JSON stands in strings only: no
// terminal obeys the rest (RFC 8259 §7).
func ascii(b []byte) []byte {
	if bytes.IndexFunc(b, func(r rune) bool { return r >= 0x7f }) < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		switch {
		case r < 0x7f:
			out = append(out, byte(r))
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
