package main

import (
	"bufio"
	"os"
	"slices"
	"strings"

	"blindspot/cmd/blindspot/internal/nearest"
	"blindspot/cmd/blindspot/internal/term"
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

// outputFlags say how a result is written.
type outputFlags struct {
	format, color string
	colored       bool
}

func (f *outputFlags) add(cmd *cobra.Command) { f.addAmong(cmd, report.Formats()) }

// addAmong is add where not every format is there.
func (f *outputFlags) addAmong(cmd *cobra.Command, formats []string) {
	fl := cmd.Flags()
	fl.StringVarP(&f.format, "output", "o", "table", "`format`: "+strings.Join(formats, ", "))
	fl.StringVar(&f.color, "color", "auto", "colour: auto, always or never (NO_COLOR is honoured)")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
}

func (f *outputFlags) check(cmd *cobra.Command) error { return f.checkAmong(cmd, report.Formats()) }

// checkAmong is check where not every format is there.
func (f *outputFlags) checkAmong(cmd *cobra.Command, formats []string) (err error) {
	if err := oneOf(cmd, "output", f.format, "format", formats); err != nil {
		return err
	}
	if f.colored, err = term.Color(f.color, os.Stdout); err != nil {
		return usage(cmd, "%v", err)
	}
	return nil
}

// oneOf checks that a flag is one of the known words.
func oneOf(cmd *cobra.Command, flag, word, what string, known []string) error {
	if slices.Contains(known, word) {
		return nil
	}
	return usage(cmd, "--%s %s: unknown %s%s the %ss are %s", flag, word, what, orColon(nearest.Hint(word, known)), what, strings.Join(known, ", "))
}

func orColon(hint string) string {
	if hint == "" {
		return ":"
	}
	return hint
}

func (f *outputFlags) options() report.Options {
	return report.Options{Width: term.Width(os.Stdout), Color: f.colored}
}

// stdout calls write with a buffered standard output.
func stdout(write func(w *bufio.Writer) error) error {
	w := bufio.NewWriterSize(os.Stdout, 64<<10)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}
