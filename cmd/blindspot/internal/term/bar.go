package term

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Progress is how far the reading of captures has come.
type Progress struct {
	Name        string // of the capture
	Done, Total int64  // bytes of it; Total is 0 where unknown
	Packets     uint64 // over all captures, like Handshakes
	Handshakes  uint64
	Elapsed     time.Duration // since this capture was begun
}

// Rate returns the bytes per second.
func (p *Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Done) / p.Elapsed.Seconds()
}

// Left estimates the time left; 0 where it cannot be known.
func (p *Progress) Left() time.Duration {
	rate := p.Rate()
	if p.Total <= 0 || rate <= 0 || p.Done >= p.Total {
		return 0
	}
	return time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second))
}

// Line is the progress as a plain line.
func (p *Progress) Line() string {
	var b strings.Builder
	b.WriteString(p.Name + ": " + Bytes(p.Done))
	if p.Total > 0 {
		fmt.Fprintf(&b, " of %s (%d%%)", Bytes(p.Total), p.percent())
	}
	fmt.Fprintf(&b, ", %s, %s, %s/s", Of(p.Packets, "packet"), Of(p.Handshakes, "handshake"), Bytes(int64(p.Rate())))
	if left := p.Left(); left > 0 {
		b.WriteString(", " + Duration(left) + " left")
	}
	return b.String()
}

// Bar draws the progress in at most width columns.
func (p *Progress) Bar(width int) string {
	facts := fmt.Sprintf(" %s pkts %s hs %s/s", Count(p.Packets), Count(p.Handshakes), Bytes(int64(p.Rate())))
	if p.Total <= 0 {
		return fit(p.Name, width-utf8.RuneCountInString(facts)-len(Bytes(p.Done))-1) + " " + Bytes(p.Done) + facts
	}
	facts = fmt.Sprintf(" %3d%%", p.percent()) + facts
	if left := p.Left(); left > 0 {
		facts += " " + Duration(left) + " left"
	}
	room := width - utf8.RuneCountInString(facts) - 1
	cells := min(max(room/3, 4), 30)
	name := fit(p.Name, room-cells-2)
	full := int(int64(cells) * min(p.Done, p.Total) / p.Total)
	line := name + " [" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "]" + facts
	return fit(line, width)
}

func (p *Progress) percent() int { return int(min(100, 100*float64(p.Done)/float64(p.Total))) }

// fit shortens s in the middle to at most width columns.
func fit(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	if width < 4 {
		return string(r[:max(width, 0)])
	}
	head := (width - 1) / 2
	return string(r[:head]) + "…" + string(r[len(r)-(width-1-head):])
}

// Bytes writes n as people read it: "1.2 GB".
func Bytes(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, i := float64(n)/1000, 0
	for v >= 999.95 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	return fmt.Sprintf("%.1f %cB", v, units[i])
}

// Count writes n with commas.
func Count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Of writes a count of things: "1 name", "1,972 packets".
func Of(n uint64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Count(n) + " " + thing
}

// Duration writes d to the second.
func Duration(d time.Duration) string { return max(d.Round(time.Second), time.Second).String() }

// Printable replaces what could steer a terminal, such as escape sequences in
// the name of a file.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || (r != utf8.RuneError && strconv.IsPrint(r)) {
			return r
		}
		return '\uFFFD'
	}, s)
}
