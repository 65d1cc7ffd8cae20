package main

import (
	"cmp"
	"fmt"
	"html"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// frame is a function in the flame graph, called by the one that holds it.
type frame struct {
	name  string
	value int64
	calls map[string]*frame
}

func (f *frame) call(name string) *frame {
	c := f.calls[name]
	if c == nil {
		c = &frame{name: name, calls: make(map[string]*frame)}
		f.calls[name] = c
	}
	return c
}

// flame draws a profile: processor time, or bytes allocated.
func flame(path, out string) error {
	raw, err := exec.Command(goTool(), "tool", "pprof", "-raw", path).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof %s: %w", path, err)
	}
	root, unit := read(string(raw))
	if root.value == 0 {
		return fmt.Errorf("%s: nothing was sampled", path)
	}
	return os.WriteFile(out, []byte(root.draw(unit)), 0o644)
}

func goTool() string { return cmp.Or(os.Getenv("GO"), "go") }

// read takes what "pprof -raw" prints: samples as values and numbers of
// locations, the innermost first, then the functions of each location.
func read(raw string) (root *frame, unit string) {
	_, rest, _ := strings.Cut(raw, "\nSamples:\n")
	samples, rest, _ := strings.Cut(rest, "\nLocations\n")
	locations, _, _ := strings.Cut(rest, "\nMappings\n")
	functions := functionsOf(locations)
	root = &frame{name: "all", calls: make(map[string]*frame)}
	kinds, samples, _ := strings.Cut(samples, "\n")
	kind := 1 // count and time, or count and bytes allocated first
	_, unit, _ = strings.Cut(strings.Fields(kinds)[kind], "/")
	unit, _, _ = strings.Cut(unit, "[")
	for line := range strings.Lines(samples) {
		values, stack, ok := strings.Cut(line, ": ")
		words := strings.Fields(values)
		if !ok || len(words) <= kind {
			continue // a label
		}
		value, _ := strconv.ParseInt(words[kind], 10, 64)
		root.add(strings.Fields(stack), functions, value)
	}
	return root, unit
}

// functionsOf returns the functions of each location, the innermost first: a
// line with its number, then one for each that it was inlined into.
func functionsOf(text string) map[string][]string {
	functions := make(map[string][]string)
	number := ""
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if id, ok := strings.CutSuffix(words[0], ":"); ok && len(words) > 3 {
			number = id
			words = words[3:]
		}
		functions[number] = append(functions[number], words[0])
	}
	return functions
}

// add counts a stack.
func (f *frame) add(stack []string, functions map[string][]string, value int64) {
	f.value += value
	at := f
	for _, location := range slices.Backward(stack) {
		for _, name := range slices.Backward(functions[location]) {
			at = at.call(name)
			at.value += value
		}
	}
}

// Of the picture, in its units.
const (
	flameWidth = 1200
	rowHeight  = 16
	narrowest  = 0.5 // frames under this are left out
)

func (f *frame) depth(scale float64) int {
	deepest := 0
	for _, c := range f.calls {
		if float64(c.value)*scale >= narrowest {
			deepest = max(deepest, c.depth(scale))
		}
	}
	return deepest + 1
}

func (f *frame) draw(unit string) string {
	scale := float64(flameWidth) / float64(f.value)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="monospace" font-size="11"><rect width="100%%" height="100%%" fill="#fff"/>`+"\n",
		flameWidth, f.depth(scale)*rowHeight)
	f.box(&b, unit, f.value, 0, 0, scale)
	b.WriteString("</svg>\n")
	return b.String()
}

// box draws a frame and, below it, what it calls, the most expensive first.
func (f *frame) box(b *strings.Builder, unit string, all int64, x float64, row int, scale float64) {
	width := float64(f.value) * scale
	if width < narrowest {
		return
	}
	name := f.name[strings.LastIndexByte(f.name, '/')+1:]
	fmt.Fprintf(b, `<g><title>%s: %.2f %% (%s)</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" stroke="#fff" stroke-width="0.5"/>`,
		html.EscapeString(f.name), 100*float64(f.value)/float64(all), amount(f.value, unit), x, row*rowHeight, width, rowHeight, shade(f.name))
	if letters := int(width / 6.8); letters >= 4 {
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`, x+2, row*rowHeight+12, html.EscapeString(name[:min(len(name), letters)]))
	}
	b.WriteString("</g>\n")
	calls := make([]*frame, 0, len(f.calls))
	for _, c := range f.calls {
		calls = append(calls, c)
	}
	slices.SortFunc(calls, func(a, b *frame) int {
		if a.value != b.value {
			return int(min(max(b.value-a.value, -1), 1))
		}
		return strings.Compare(a.name, b.name)
	})
	for _, c := range calls {
		c.box(b, unit, all, x, row+1, scale)
		x += float64(c.value) * scale
	}
}

func amount(value int64, unit string) string {
	switch unit {
	case "nanoseconds":
		return fmt.Sprintf("%.2f s", float64(value)/1e9)
	case "bytes":
		return fmt.Sprintf("%.1f MB", float64(value)/1e6)
	}
	return fmt.Sprint(value, " ", unit)
}

// shade tells our packages, the runtime and the rest apart.
func shade(name string) string {
	switch {
	case strings.HasPrefix(name, "blindspot/"), strings.HasPrefix(name, "main."):
		return "#f4a582"
	case strings.HasPrefix(name, "runtime."):
		return "#c7c7c7"
	}
	return "#92c5de"
}
