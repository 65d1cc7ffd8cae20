// Package term asks the terminal what it can do, and draws a progress bar.
package term

import (
	"fmt"
	"os"

	"golang.org/x/term"
)

const (
	// fallbackWidth is for output that is no terminal.
	fallbackWidth = 80
	minWidth      = 40
)

// Is reports whether f is a terminal.
func Is(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Width returns the columns of the terminal f, 80 where it is none.
func Width(f *os.File) int {
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w <= 0 {
		return fallbackWidth
	}
	return max(w, minWidth)
}

// Color decides whether to colour what goes to f. The flag wins; then NO_COLOR
// (https://no-color.org) and TERM=dumb turn colour off.
func Color(flag string, f *os.File) (bool, error) {
	switch flag {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto", "":
		return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && Is(f), nil
	}
	return false, fmt.Errorf("--color %q: want auto, always or never", flag)
}
