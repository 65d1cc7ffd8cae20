package trust

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const bundleModule = "golang.org/x/crypto/x509roots/fallback"

func init() {
	register(source{kind: "mozilla", rank: 1, load: loadMozilla,
		asked: func(s *Spec) bool { return s.Builtin == "mozilla" }})
}

// loadMozilla takes the roots of NSS that are built in, with the dates after
// which some are distrusted. They are parsed here and not before.
func loadMozilla(l *loader) error {
	for root := range bundle.Roots() {
		if err := l.add(root.Certificate, "mozilla", root.Constraint); err != nil {
			return err
		}
	}
	l.date(bundleDate())
	return nil
}

// bundleDate reads the date of the bundle from its module's version
// (v0.0.0-20261030153154-30a33513ff6d), zero where the build does not say.
func bundleDate() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Path == bundleModule {
			return versionDate(m.Version)
		}
	}
	return time.Time{}
}

func versionDate(version string) time.Time {
	parts := strings.Split(version, "-")
	if len(parts) < 3 {
		return time.Time{}
	}
	stamp := parts[len(parts)-2]
	stamp = stamp[strings.LastIndexByte(stamp, '.')+1:]
	t, err := time.Parse("20060102150405", stamp)
	if err != nil {
		return time.Time{}
	}
	return t
}

func init() {
	register(source{kind: "builtin", rank: 0,
		asked: func(s *Spec) bool { return s.Builtin != "" && s.Builtin != "mozilla" && s.Builtin != "system" },
		load: func(l *loader) error {
			return fmt.Errorf("there is no built-in store %q: want mozilla or system", l.spec.Builtin)
		}})
}
