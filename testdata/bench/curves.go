package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A chart shows benchmarks whose names end in parameter=number.
type chart struct {
	file, parameter string
	title           string
}

var charts = []chart{
	{"cost-by-flows.svg", "flows", "nanoseconds a packet, by flows in the table"},
	{"cost-by-names.svg", "names", "nanoseconds a handshake to fold, by distinct names"},
}

// benchLine is a line of "go test -bench": name, parameter, cores, iterations,
// and the nanoseconds of a handshake where they are said, else of an operation.
var benchLine = regexp.MustCompile(`^Benchmark(\S+?)/(?:(\S+)/)?(\w+)=([0-9]+)([kM]?)(?:-\d+)?\s+\d+\s+(?:[0-9.]+ ns/op\s+([0-9.]+) ns/handshake|([0-9.]+) ns/op)`)

// curves draws each chart from the output of benchmarks, and prints its
// figures as a table.
func curves(path, dir string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	figures := make(map[string]map[string]map[float64][]float64) // parameter, series, x
	for in := bufio.NewScanner(f); in.Scan(); {
		m := benchLine.FindStringSubmatch(in.Text())
		if m == nil {
			continue
		}
		series := strings.TrimSpace(m[1] + " " + m[2])
		x, _ := strconv.ParseFloat(m[4], 64)
		y, _ := strconv.ParseFloat(m[6]+m[7], 64) // one of them is empty
		x *= map[string]float64{"": 1, "k": 1e3, "M": 1e6}[m[5]]
		if figures[m[3]] == nil {
			figures[m[3]] = make(map[string]map[float64][]float64)
		}
		if figures[m[3]][series] == nil {
			figures[m[3]][series] = make(map[float64][]float64)
		}
		figures[m[3]][series][x] = append(figures[m[3]][series][x], y)
	}
	for _, c := range charts {
		lines := linesOf(figures[c.parameter])
		if len(lines) == 0 {
			return fmt.Errorf("%s: no benchmark with %s=", path, c.parameter)
		}
		c.print(lines)
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.draw(lines)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

type point struct{ x, y float64 }

type curve struct {
	name   string
	points []point // by x; y is the median
}

func linesOf(series map[string]map[float64][]float64) []curve {
	var list []curve
	for name, values := range series {
		c := curve{name: name}
		for x, ys := range values {
			c.points = append(c.points, point{x, median(ys)})
		}
		if len(c.points) < 3 { // no curve
			continue
		}
		slices.SortFunc(c.points, func(a, b point) int { return int(math.Copysign(1, a.x-b.x)) })
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b curve) int { return strings.Compare(a.name, b.name) })
	return list
}

func (c chart) print(lines []curve) {
	fmt.Println(c.title)
	for _, l := range lines {
		fmt.Printf("  %-28s", l.name)
		for _, p := range l.points {
			fmt.Printf(" %s: %.0f", short(p.x), p.y)
		}
		fmt.Println()
	}
}

// Of the picture, in its units.
const (
	chartWidth, chartHeight = 720, 360
	left, right, top, foot  = 70, 180, 40, 40
)

var colours = []string{"#4477aa", "#ee6677", "#228833", "#aa3377", "#ccbb44", "#66ccee"} // Paul Tol's bright scheme

// draw returns an SVG with logarithmic axes. It brings its own background, so
// that it can be read on dark pages too.
func (c chart) draw(lines []curve) string {
	minX, maxX, minY, maxY := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, l := range lines {
		for _, p := range l.points {
			minX, maxX, minY, maxY = min(minX, p.x), max(maxX, p.x), min(minY, p.y), max(maxY, p.y)
		}
	}
	minY, maxY = math.Pow(10, math.Floor(math.Log10(minY))), math.Pow(10, math.Ceil(math.Log10(maxY)))
	atX := func(x float64) float64 {
		return left + (chartWidth-left-right)*math.Log(x/minX)/math.Log(maxX/minX)
	}
	atY := func(y float64) float64 {
		return chartHeight - foot - (chartHeight-top-foot)*math.Log(y/minY)/math.Log(maxY/minY)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", chartWidth, chartHeight)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%d" y="22" font-size="14">%s</text>`+"\n", left, c.title)
	for y := minY; y <= maxY*1.01; y *= 10 {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ccc"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left, atY(y), chartWidth-right, left-6, atY(y)+4, short(y))
	}
	for x := minX; x <= maxX*1.01; x *= 10 {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ccc"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", atX(x), top, chartHeight-foot, atX(x), chartHeight-foot+18, short(x))
	}
	for i, l := range lines {
		colour := colours[i%len(colours)]
		path := "M"
		for _, p := range l.points {
			path += fmt.Sprintf("%.1f %.1fL", atX(p.x), atY(p.y))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s: %.0f</title></circle>`+"\n", atX(p.x), atY(p.y), colour, short(p.x), p.y)
		}
		last := l.points[len(l.points)-1]
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%d" y="%.1f" fill="%s">%s</text>`+"\n",
			strings.TrimSuffix(path, "L"), colour, chartWidth-right+8, atY(last.y)+4, colour, l.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func short(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%gM", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%gk", n/1e3)
	}
	return fmt.Sprintf("%g", n)
}
