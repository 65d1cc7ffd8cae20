package monitored

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// maxFile bounds a source's size. A list of a million checks has some 50 MB.
const maxFile = 256 << 20

// input is a source with its text, read once: it may be a pipe.
type input struct {
	Spec
	loaded bool
	body   string
}

// text returns the source's text: UTF-8 without a byte order mark.
func (in *input) text() (string, error) {
	if in.loaded {
		return in.body, nil
	}
	if isURL(in.Path) {
		return "", fmt.Errorf("monitored source %s is a URL: %s reads files; save it to a file and give that", redact(in.Path), in.kindWord())
	}
	body, err := readText(in.Path)
	if err != nil {
		return "", err
	}
	in.body, in.loaded = body, true
	return body, nil
}

func (in *input) kindWord() string {
	if in.Kind == "" {
		return "blindspot"
	}
	return in.Kind
}

// format returns the format that the source's kind names, or its text shows.
func (in *input) format() (format, error) {
	if in.Kind != "" {
		f, ok := lookup(in.Kind, in.Path)
		if !ok {
			return format{}, unknownKind(in.Kind, in.Path)
		}
		return f, nil
	}
	if f, ok := detectMagic(beginning(in.Path)); ok {
		return f, nil
	}
	text, err := in.text()
	if err != nil {
		return format{}, err
	}
	f, ok := detect(text)
	if !ok {
		return format{}, fmt.Errorf("%s: cannot tell its format by its content: give kind:%s; the kinds are %s", in.Path, in.Path, strings.Join(Kinds(), ", "))
	}
	return f, nil
}

// isURL reports whether a source's path is a URL.
func isURL(path string) bool { return strings.Contains(path, "://") }

// maxMagic is the longest beginning that tells a binary format.
const maxMagic = 16

// beginning returns the first bytes of a regular file; a pipe can be read only
// once and holds text.
func beginning(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	start := make([]byte, maxMagic)
	n, _ := io.ReadFull(f, start)
	return string(start[:n])
}

func (in *input) ref(line int) string { return fmt.Sprintf("%s:%d", in.Path, line) }

// readText reads a text file and says what is wrong with one that is none.
func readText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("monitored source: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", fmt.Errorf("monitored source: %w", err)
	}
	if len(data) > maxFile {
		return "", fmt.Errorf("%s: larger than %d MB: split it", path, maxFile>>20)
	}
	text, err := decodeText(data)
	if err != nil {
		return "", fmt.Errorf("%s%w", path, err)
	}
	return text, nil
}

// decodeText strips the byte order mark and refuses what is no text. Its
// errors begin with the position, to stand behind a file's name.
func decodeText(data []byte) (string, error) {
	s := string(data)
	if strings.HasPrefix(s, "\xff\xfe") || strings.HasPrefix(s, "\xfe\xff") {
		return "", errors.New(":1:1: is UTF-16: save it as UTF-8")
	}
	s = strings.TrimPrefix(s, "\ufeff")
	if i := strings.IndexByte(s, 0); i >= 0 {
		return "", fmt.Errorf("%s: a NUL byte: this is no text file", position(s, i))
	}
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%s: no UTF-8: save the file as UTF-8", position(s, invalidUTF8(s)))
	}
	return s, nil
}

// position returns ":line:column" of a byte offset.
func position(s string, offset int) string {
	before := s[:offset]
	line := 1 + strings.Count(before, "\n")
	column := offset - strings.LastIndexByte(before, '\n')
	return fmt.Sprintf(":%d:%d", line, column)
}

func invalidUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd") {
			return i
		}
	}
	return 0
}
