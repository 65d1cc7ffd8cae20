package monitored

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Spec names a source. Without a Kind it is told by its content.
type Spec struct {
	Kind string
	Path string
	// Options are what else a format needs, such as "blackbox", the path of
	// the blackbox exporter's configuration.
	Options map[string]string
}

// kindWord is what stands before the colon of kind:path.
var kindWord = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]*$`)

// ParseSpec reads "kind:path", "kind:path,option=value" for the options that
// the kind has, or a bare path. A bare path with a colon is written ./path.
func ParseSpec(s string) (Spec, error) {
	if s == "" {
		return Spec{}, errors.New("empty monitored source: give kind:path or a path")
	}
	kind, path, found := strings.Cut(s, ":")
	if !found || !kindWord.MatchString(kind) {
		return Spec{Path: s}, nil
	}
	f, ok := lookup(kind, path)
	if !ok {
		return Spec{}, unknownKind(kind, path)
	}
	spec := Spec{Kind: kind}
	spec.Path, spec.Options = f.cutOptions(path)
	if spec.Path == "" {
		return Spec{}, fmt.Errorf("monitored source %q names no path: give %s:path", s, kind)
	}
	return spec, nil
}

func unknownKind(kind, path string) error {
	known := strings.Join(Kinds(), ", ")
	if strings.HasPrefix(path, "//") {
		return fmt.Errorf("monitored source %s:%s is a URL: say what it is, as in kind:%s:%s; the kinds are %s", kind, path, kind, path, known)
	}
	return fmt.Errorf("unknown kind %q of monitored source: the kinds are %s (a file of that name is ./%s:%s)", kind, known, kind, path)
}

// cutOptions takes ",key=value" with keys of f off the end of path.
func (f format) cutOptions(path string) (string, map[string]string) {
	var options map[string]string
	for {
		i := strings.LastIndexByte(path, ',')
		if i < 0 {
			return path, options
		}
		key, value, ok := strings.Cut(path[i+1:], "=")
		if !ok || !slices.Contains(f.options, key) {
			return path, options
		}
		if options == nil {
			options = map[string]string{}
		}
		path, options[key] = path[:i], value
	}
}
