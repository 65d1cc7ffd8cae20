package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// defaultWidth is for output that is no terminal.
const defaultWidth = 80

// Options are how an output looks. The zero value works.
type Options struct {
	Width int  // columns of the terminal; 0 is 80
	Color bool // colour by severity, in tables
}

// format is one output. A new one is one file that registers itself.
type format struct {
	name  string
	place int // in Formats
	// report and list write everything; errors of w come out of its Flush.
	report func(w *bufio.Writer, r *Report, o Options) error
	list   func(w *bufio.Writer, l *List, o Options) error
}

var formats []format

func register(f format) {
	formats = append(formats, f)
	slices.SortFunc(formats, func(x, y format) int { return cmp.Compare(x.place, y.place) })
}

// Formats returns the names that Write and WriteList know.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// Write writes r in the named format.
func Write(w io.Writer, r *Report, name string, o Options) error {
	f, err := formatOf(name)
	if err != nil {
		return err
	}
	return flushed(w, func(b *bufio.Writer) error { return f.report(b, r, o) })
}

// WriteList writes l in the named format.
func WriteList(w io.Writer, l *List, name string, o Options) error {
	f, err := formatOf(name)
	if err != nil {
		return err
	}
	return flushed(w, func(b *bufio.Writer) error { return f.list(b, l, o) })
}

func formatOf(name string) (*format, error) {
	for i := range formats {
		if formats[i].name == name {
			return &formats[i], nil
		}
	}
	return nil, fmt.Errorf("unknown output format %q: want one of %s", name, strings.Join(Formats(), ", "))
}

func flushed(w io.Writer, write func(*bufio.Writer) error) error {
	b := bufio.NewWriterSize(w, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
