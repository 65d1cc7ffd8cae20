package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"blindspot/cmd/blindspot/internal/nearest"
	"blindspot/cmd/blindspot/internal/term"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes.
const (
	exitDone     = 0
	exitFindings = 1 // done, and findings at or above --fail-on
	exitFailed   = 2 // could not do its work
)

var (
	// errFindings ends a command with exitFindings.
	errFindings = errors.New("findings")
	// errTold ends a command with exitFailed after its messages were printed.
	errTold = errors.New("told")
)

// exitCode prints what is to be said of err and turns it into an exit code.
func exitCode(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		code := exitDone
		for _, e := range several.Unwrap() {
			code = max(code, exitCode(w, e))
		}
		return code
	}
	var state exitState
	switch {
	case errors.As(err, &state):
		return int(state)
	case errors.Is(err, errFindings):
		return exitFindings
	case !errors.Is(err, errTold):
		fmt.Fprintln(w, "blindspot:", term.Printable(err.Error()))
	}
	return exitFailed
}

// usage is an error of the command line, with where to look it up.
func usage(cmd *cobra.Command, format string, args ...any) error {
	return fmt.Errorf(format+" (see '"+cmd.CommandPath()+" --help')", args...)
}

// flagError says what is wrong with a flag, and which one was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage(cmd, "%v", err)
	}
	word := unknown.GetSpecifiedName()
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if near := nearest.Word(word, known); near != "" {
		return usage(cmd, "%v; did you mean --%s?", err, near)
	}
	return usage(cmd, "%v", err)
}

// noCommand is called with what is no command.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			known = append(known, c.Name())
		}
	}
	if near := nearest.Word(args[0], known); near != "" {
		return usage(cmd, "unknown command %q; did you mean %q?", args[0], near)
	}
	return usage(cmd, "unknown command %q: the commands are %s", args[0], strings.Join(known, ", "))
}

// noArguments refuses what is no flag, with the flag that would take it.
func noArguments(flag string) cobra.PositionalArgs {
	thing, ok := map[string]string{"interface": "an interface", "name": "a hostname"}[flag]
	if !ok {
		thing = "a capture"
	}
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage(cmd, "unexpected argument %q: %s is named with --%s %s", args[0], thing, flag, args[0])
		}
		return nil
	}
}
