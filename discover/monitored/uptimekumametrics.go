package monitored

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Metrics of Uptime Kuma.
const (
	kumaStatus = "monitor_status"
	kumaValid  = "monitor_cert_is_valid"
	kumaDays   = "monitor_cert_days_remaining"
)

// kumaSeries is a monitor as its metrics show it.
type kumaSeries struct {
	line        int
	labels      map[string]string
	up          bool
	certificate bool // one was seen
	invalid     bool // and it did not verify
}

// readKumaMetrics reads the text of Uptime Kuma's /metrics. It holds active
// monitors only, and not whether they verify.
func readKumaMetrics(in *input, text string, r *Result) error {
	monitors := map[string]*kumaSeries{}
	line := 0
	for s := range strings.Lines(text) {
		line++
		s = strings.TrimSpace(s)
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		if err := addKumaSeries(monitors, line, s); err != nil {
			return fmt.Errorf("%s:%d: %w", in.Path, line, err)
		}
	}
	if len(monitors) == 0 {
		return fmt.Errorf("%s: no %s: this is no database, backup or /metrics of Uptime Kuma", in.Path, kumaStatus)
	}
	inOrder := slices.SortedFunc(maps.Values(monitors), func(a, b *kumaSeries) int { return cmp.Compare(a.line, b.line) })
	for _, s := range inOrder {
		s.monitor(in.ref(s.line)).add(r)
	}
	return nil
}

// addKumaSeries reads a line with one of the metrics above.
func addKumaSeries(monitors map[string]*kumaSeries, line int, text string) error {
	name, _, _ := strings.Cut(text, "{")
	if name != kumaStatus && name != kumaValid && name != kumaDays {
		return nil
	}
	labels, value, err := parseSeries(text[len(name):])
	if err != nil {
		return err
	}
	key := strings.Join([]string{labels["monitor_id"], labels["monitor_name"], labels["monitor_type"], labels["monitor_url"], labels["monitor_hostname"], labels["monitor_port"]}, "\x00")
	m := monitors[key]
	if m == nil {
		m = &kumaSeries{line: line, labels: labels}
		monitors[key] = m
	}
	switch name {
	case kumaStatus:
		m.up = value == "1"
	case kumaValid:
		m.invalid = value == "0"
		m.certificate = true
	default:
		m.certificate = true
	}
	return nil
}

// parseSeries reads the labels and the value behind a metric's name, as the
// Prometheus text format writes them.
func parseSeries(text string) (labels map[string]string, value string, err error) {
	labels = map[string]string{}
	rest, ok := strings.CutPrefix(text, "{")
	if !ok {
		return nil, "", fmt.Errorf("no labels: this is no metric of a monitor")
	}
	for !strings.HasPrefix(rest, "}") {
		name, after, ok := strings.Cut(rest, `="`)
		if !ok {
			return nil, "", fmt.Errorf("the labels end too early")
		}
		var val string
		if val, rest, ok = cutQuoted(after); !ok {
			return nil, "", fmt.Errorf("the value of label %s has no end", quote(name))
		}
		labels[strings.TrimSpace(name)] = val
		rest = strings.TrimLeft(rest, ", ")
	}
	fields := strings.Fields(rest[1:])
	if len(fields) == 0 {
		return nil, "", fmt.Errorf("the metric has no value")
	}
	return labels, fields[0], nil
}

// cutQuoted reads a label's value up to its closing quote.
func cutQuoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// monitor is the monitor of the series. One that is up though its certificate
// does not verify ignores that.
func (s *kumaSeries) monitor(ref string) *kumaMonitor {
	label := func(name string) string {
		if v := s.labels[name]; v != "null" && v != "undefined" {
			return v
		}
		return ""
	}
	m := &kumaMonitor{
		ref: ref, name: label("monitor_name"), typ: label("monitor_type"), url: label("monitor_url"),
		hostname: label("monitor_hostname"), port: label("monitor_port"),
		enabled: true, ignoreTLS: s.up && s.invalid, tags: map[string]string{},
	}
	for name, value := range s.labels {
		if !strings.HasPrefix(name, "monitor_") && value != "" {
			m.tags[name] = value
		}
	}
	return m
}
