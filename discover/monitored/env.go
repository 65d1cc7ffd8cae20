package monitored

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// envFile holds variables that a configuration refers to.
type envFile map[string]string

// envName is the name of a variable.
var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// readEnv reads a file with one NAME=value a line, as docker and systemd take
// it: # comments, perhaps quotes, perhaps "export" before the name.
func readEnv(path string) (envFile, error) {
	env := envFile{}
	if path == "" {
		return env, nil
	}
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	line := 0
	for s := range strings.Lines(text) {
		line++
		s = strings.TrimPrefix(strings.TrimSpace(s), "export ")
		if s == "" || s[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(s, "=")
		if name = strings.TrimSpace(name); !ok || !envName.MatchString(name) {
			return nil, fmt.Errorf("%s:%d:1: no variable: write NAME=value", path, line)
		}
		env[name] = unquote(strings.TrimSpace(value))
	}
	return env, nil
}

// unquote takes a pair of quotes off a value.
func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// Marks around a variable that is not known: characters for private use, which
// YAML takes as letters.
const (
	markBegin = "\uE000"
	markEnd   = "\uE001"
)

// expand replaces $NAME and ${NAME} in a text, before it is parsed, as Gatus
// does: $$ is a dollar. A variable that is not known is marked.
func (env envFile) expand(text string) string {
	parts := strings.Split(text, "$$")
	for i, part := range parts {
		parts[i] = os.Expand(part, func(name string) string {
			if value, ok := env[name]; ok {
				return value
			}
			return markBegin + name + markEnd
		})
	}
	return strings.Join(parts, "$")
}

// hasUnknown reports whether a variable in s is not known.
func hasUnknown(s string) bool { return strings.Contains(s, markBegin) }

// unmark writes variables that are not known as they stand in the file.
func unmark(s string) string {
	return strings.NewReplacer(markBegin, "${", markEnd, "}").Replace(s)
}

// unmarked is err with its variables as they stand in the file.
func unmarked(err error) error {
	var at *placedError
	if errors.As(err, &at) {
		return &placedError{at.line, at.column, errors.New(unmark(at.err.Error()))}
	}
	return err
}
