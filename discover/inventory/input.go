package inventory

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFile bounds a source's size. A list of 100,000 certificates with their PEM
// has some 200 MB.
const maxFile = 256 << 20

// input is a source with its bytes, read once: it may be a pipe.
type input struct {
	Spec
	loaded bool
	body   []byte
}

// data returns the source's bytes, without the private keys in them.
func (in *input) data() ([]byte, error) {
	if in.loaded {
		return in.body, nil
	}
	if strings.Contains(in.Path, "://") {
		return nil, fmt.Errorf("inventory source %s is a URL: save its answer to a file and give that", redact(in.Path))
	}
	if in.isDir() {
		return nil, fmt.Errorf("%s: is a directory: %s reads a file", in.Path, in.Kind)
	}
	body, err := readFile(in.Path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("inventory source: %w", err)
	}
	in.body, in.loaded = body, true
	return body, nil
}

// text returns the source's text: UTF-8 without a byte order mark.
func (in *input) text() (string, error) {
	data, err := in.data()
	if err != nil {
		return "", err
	}
	text, err := decodeText(data)
	if err != nil {
		return "", fmt.Errorf("%s%w", in.Path, err)
	}
	return text, nil
}

func (in *input) isDir() bool {
	info, err := os.Stat(in.Path)
	return err == nil && info.IsDir()
}

func (in *input) ref(line int) string { return ref(in.Path, line) }

func ref(path string, line int) string { return fmt.Sprintf("%s:%d", path, line) }

// format returns the format that the source's kind names, or its content shows.
func (in *input) format() (format, error) {
	if in.Kind != "" {
		f, ok := formats[in.Kind]
		if !ok {
			return format{}, unknownKind(in.Kind, in.Path)
		}
		return f, nil
	}
	if in.isDir() {
		f, _ := detectDirectory(in.Path)
		return f, nil
	}
	data, err := in.data()
	if err != nil {
		return format{}, err
	}
	if looksLikeDER(data) {
		return formats["pem"], nil
	}
	text, err := in.text()
	if err != nil {
		return format{}, err
	}
	f, ok := detectText(text)
	if !ok {
		return format{}, fmt.Errorf("%s: cannot tell its format by its content: give kind:%s; the kinds are %s", in.Path, in.Path, strings.Join(Kinds(), ", "))
	}
	return f, nil
}

// readFile reads a file and blanks the private keys in it.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	forgetKeys(data)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: larger than %d MB: split it", path, limit>>20)
	}
	return data, nil
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

// maxQuoted bounds what a message repeats of an entry.
const maxQuoted = 100

var credentials = regexp.MustCompile(`//[^/?#\s]*@`)

// redact takes the user and password out of what looks like a URL.
func redact(s string) string { return credentials.ReplaceAllString(s, "//…@") }

// quote repeats an entry in a message: escaped, short, without credentials.
func quote(s string) string {
	s = redact(s)
	if len(s) > maxQuoted {
		s = strings.ToValidUTF8(s[:maxQuoted], "") + "…"
	}
	return strconv.Quote(s)
}
