package plugin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/term"
	"blindspot/discover"
	"blindspot/discover/report"
)

// State is the answer's first word, and the exit code.
type State int

// The states of a monitoring plugin.
const (
	OK State = iota
	Warning
	Critical
	Unknown
)

// String returns the state's word.
func (s State) String() string { return [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[s] }

// Answer is what a plugin says.
type Answer struct {
	State State
	Text  string
	Perf  string // performance data, "" for none
}

// maxLine bounds the answer: NRPE cuts longer ones.
const maxLine = 1000

// Line is the answer as one line. What would end the text is replaced.
func (a Answer) Line() string {
	text := strings.NewReplacer("|", "/", "\n", " ", "\t", " ").Replace(term.Printable(a.Text))
	if r := []rune(text); len(r) > maxLine {
		text = string(r[:maxLine]) + "…"
	}
	line := "BLINDSPOT " + a.State.String() + " - " + text
	if a.Perf != "" {
		line += " | " + a.Perf
	}
	return line
}

const (
	// liveMaxAge is how old the last handshake of a live sensor may be.
	liveMaxAge = time.Hour
	// maxUnseen is the part of packets dropped, or of handshakes of which the
	// server's side was not seen, from which a sensor counts as blind.
	maxUnseen = 0.5
	maxNamed  = 3 // findings that the line names
)

// Rule says when an answer is what.
type Rule struct {
	Warning, Critical Threshold
	// MaxAge is how old the last handshake may be; 0 is any age, and liveMaxAge
	// where the traffic goes on.
	MaxAge time.Duration
	Live   bool
	Now    time.Time
}

// Judge answers for a report. What was found counts whatever the sensor did not
// see; only where nothing was found is blindness the answer.
func (rule *Rule) Judge(r *report.Report) Answer {
	a := Answer{Text: summary(r), Perf: perf(r)}
	switch {
	case rule.Critical.reached(r.Findings):
		a.State = Critical
	case rule.Warning.reached(r.Findings):
		a.State = Warning
	}
	if why := rule.blind(r); why != "" && a.State == OK {
		return Answer{State: Unknown, Text: why, Perf: a.Perf}
	} else if why != "" {
		a.Text += "; " + why
	}
	return a
}

// blind says why nothing can be told, "" where it can.
func (rule *Rule) blind(r *report.Report) string {
	s := &r.Sensor
	age := rule.MaxAge
	if age == 0 && rule.Live {
		age = liveMaxAge
	}
	hidden := countOf(s.Hidden, "one-sided") + countOf(s.Hidden, "truncated")
	switch {
	case s.Handshakes == 0 && s.Packets == 0 || r.Window.Last == nil:
		return "no handshake was seen: the store has none for this window and sensor" + packets(s.Packets)
	case s.Handshakes == 0:
		return "no handshake was seen" + packets(s.Packets)
	case age > 0 && rule.Now.Sub(*r.Window.Last) > age:
		return "nothing was seen since " + r.Window.Last.UTC().Format(time.RFC3339) + ", longer than " + age.String()
	case share(s.KernelDrops, s.KernelDrops+s.Packets) > maxUnseen:
		return percent(share(s.KernelDrops, s.KernelDrops+s.Packets)) + " of packets were dropped before the sensor saw them"
	case share(hidden, s.Handshakes) > maxUnseen:
		return percent(share(hidden, s.Handshakes)) + " of handshakes were seen from one side only, or cut: is the mirror whole?"
	case r.Summary.Handshakes == 0:
		return "no handshake in scope among " + term.Count(s.Handshakes) + ": is the scope right?"
	}
	return ""
}

func packets(n uint64) string {
	if n == 0 {
		return ""
	}
	return " among " + term.Count(n) + " packets"
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func percent(f float64) string { return strconv.Itoa(int(100*f+0.5)) + " %" }

func countOf(c report.Counts, cause string) uint64 {
	for i := range c {
		if c[i].Cause == cause {
			return c[i].N
		}
	}
	return 0
}

// summary is the answer's text.
func summary(r *report.Report) string {
	n := r.Summary.Findings
	if len(r.Findings) == 0 {
		return fmt.Sprintf("no findings: %s hostnames in use, %s of them monitored", term.Count(uint64(r.Summary.Hostnames)), term.Count(uint64(r.Summary.Monitored)))
	}
	text := fmt.Sprintf("%d critical, %d warning, %d notice", n.Critical, n.Warning, n.Notice)
	for i := range r.Findings[:min(len(r.Findings), maxNamed)] {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += sep + named(&r.Findings[i])
	}
	if more := len(r.Findings) - maxNamed; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// named is a finding in a few words.
func named(f *discover.Finding) string {
	text := f.Kind
	if f.Hostname != "" {
		text += " " + f.Hostname
	}
	switch len(f.Endpoints) {
	case 0:
	case 1:
		text += " at " + f.Endpoints[0]
	default:
		text += fmt.Sprintf(" at %s and %d more", f.Endpoints[0], len(f.Endpoints)-1)
	}
	return text
}

// perf is the performance data: label=value;warning;critical;minimum. The
// thresholds are not in it: they can be about several figures together.
func perf(r *report.Report) string {
	s := &r.Summary
	figures := []struct {
		label string
		value uint64
	}{
		{"critical", uint64(s.Findings.Critical)},
		{"warning", uint64(s.Findings.Warning)},
		{"notice", uint64(s.Findings.Notice)},
		{"hostnames", uint64(s.Hostnames)},
		{"unmonitored", uint64(s.Unmonitored)},
		{"certificates", uint64(s.Certificates)},
		{"handshakes", s.Handshakes},
		{"kernel_drops", r.Sensor.KernelDrops},
	}
	list := make([]string, len(figures))
	for i, f := range figures {
		list[i] = fmt.Sprintf("%s=%d;;;0", f.label, f.value)
	}
	return strings.Join(list, " ")
}
