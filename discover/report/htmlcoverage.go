package report

import (
	"slices"
	"strconv"

	"blindspot/discover"
	"blindspot/discover/coverage"
)

// coverState is how a part of the traffic, or of the hostnames, is checked.
type coverState struct {
	class string // in page.css
	text  string
}

// coverStates are the parts of a bar, in its order. What no finding says
// something of is checked.
var coverStates = [...]coverState{
	{"ok", "checked"},
	{"weak", "checked weakly"},
	{"elsewhere", "checked on another port or address"},
	{"bad", "no check of the name"},
	{"nameless", "no name, no check"},
}

const (
	stateChecked = iota
	stateWeak
	stateElsewhere
	stateUnmonitored
	stateNameless
)

// coverStateOf tells what a finding says about how its traffic is checked;
// stateChecked where it says nothing. A weak check that is only a notice is
// about traffic that another finding has.
func coverStateOf(f *discover.Finding) int {
	switch f.Kind {
	case "weak-check":
		if f.Severity.Rank() >= discover.Warning.Rank() {
			return stateWeak
		}
	case "unmonitored-endpoint":
		return stateElsewhere
	case "unmonitored-hostname":
		return stateUnmonitored
	case "unnamed-endpoint":
		return stateNameless
	}
	return stateChecked
}

// shares is a part of a whole for each state.
type shares [len(coverStates)]float64

// rest gives what is left to those that are checked.
func (s shares) rest() shares {
	left := 1.0
	for _, v := range s[1:] {
		left -= v
	}
	s[stateChecked] = max(left, 0)
	return s
}

// gapsBySurface adds up the findings' shares of all traffic, by surface.
func (r *Report) gapsBySurface() map[string]*shares {
	out := map[string]*shares{}
	for i := range r.Findings {
		f := &r.Findings[i]
		state := coverStateOf(f)
		if state == stateChecked {
			continue
		}
		if out[f.Surface] == nil {
			out[f.Surface] = &shares{}
		}
		out[f.Surface][state] += f.Share
	}
	return out
}

// coverage draws how much of what clients use is checked.
func (m *markup) coverage(r *Report) {
	m.section("coverage", "Coverage")
	if r.Summary.Handshakes == 0 {
		m.el("p", "No client used anything in scope, so there is nothing to cover.", "class", "lead")
		m.endSection()
		return
	}
	bySurface := r.gapsBySurface()
	var traffic shares
	for _, s := range bySurface {
		for state, v := range s {
			traffic[state] += v
		}
	}
	traffic[stateUnmonitored] = r.Summary.UnmonitoredShare
	traffic = traffic.rest()
	m.open("div", "class", "bars")
	m.line()
	m.bar("Traffic", quantity(r.Summary.Handshakes, "handshake"), traffic)
	if h := r.Summary.hostnameShares(); r.Summary.Hostnames > 0 {
		m.bar("Hostnames", number(uint64(r.Summary.Monitored))+" of "+number(uint64(r.Summary.Hostnames))+" checked", h)
	}
	m.shut("div")
	m.legend(traffic)
	m.surfaceBars(r, bySurface)
	m.endSection()
}

func (s *Summary) hostnameShares() (out shares) {
	if n := float64(s.Hostnames); n > 0 {
		out[stateChecked] = float64(s.Monitored) / n
		out[stateWeak] = float64(s.WeaklyMonitored) / n
		out[stateUnmonitored] = float64(s.Unmonitored) / n
	}
	return out
}

// surfaceBars draw each surface's own traffic. Reports that do not have it draw
// on one scale where the unchecked traffic is.
func (m *markup) surfaceBars(r *Report, bySurface map[string]*shares) {
	if !r.hasSurfaces() {
		return
	}
	known := slices.ContainsFunc(r.Surfaces, func(s coverage.SurfaceStatus) bool { return s.Clients.Handshakes > 0 })
	if known {
		m.el("h3", "By surface")
		m.el("p", "Each bar is the traffic of one surface; the figure is its part of all.", "class", "lead")
	} else {
		m.el("h3", "Where the unchecked traffic is")
		m.el("p", "By surface, as a part of all traffic.", "class", "lead")
	}
	m.open("div", "class", "bars")
	m.line()
	for i := range r.Surfaces[:min(len(r.Surfaces), maxSurfacesDrawn)] {
		s := &r.Surfaces[i]
		gaps := shares{}
		if g := bySurface[s.Name]; g != nil {
			gaps = *g
		}
		if known {
			m.ownTraffic(s, gaps, r.Summary.Handshakes)
		} else {
			m.unchecked(s, gaps)
		}
	}
	m.shut("div")
}

// ownTraffic draws the gaps of a surface as parts of its own traffic.
func (m *markup) ownTraffic(s *coverage.SurfaceStatus, gaps shares, all uint64) {
	if s.Clients.Handshakes == 0 || all == 0 {
		m.bar(s.Name, "no traffic", shares{})
		return
	}
	for state := range gaps {
		gaps[state] *= float64(all) / float64(s.Clients.Handshakes)
	}
	m.bar(s.Name, part(min(s.Clients.Handshakes, all), all)+" of traffic", gaps.rest())
}

func (m *markup) unchecked(s *coverage.SurfaceStatus, gaps shares) {
	total := 0.0
	for _, v := range gaps {
		total += v
	}
	text := "nothing unchecked"
	if total > 0 {
		text = percent(min(total, 1)) + " of traffic"
	}
	m.bar(s.Name, text, gaps)
}

const (
	barWidth    = 1000 // of a bar's own coordinates
	maxBarLabel = 40   // columns of a terminal's text
)

// bar draws parts of a whole as one row: label, picture, figure.
func (m *markup) bar(label, figure string, parts shares) {
	m.open("div", "class", "bar")
	m.el("span", shorten(visible(label), maxBarLabel), "class", "label")
	m.open("svg", "viewBox", "0 0 1000 20", "preserveAspectRatio", "none", "role", "img", "aria-label", label+": "+parts.words())
	m.open("rect", "class", "track", "width", strconv.Itoa(barWidth), "height", "20")
	m.shut("rect")
	x := 0.0
	for state, v := range parts {
		width := min(v*barWidth, barWidth-x)
		if v <= 0 || width <= 0 {
			continue
		}
		m.open("rect", "class", coverStates[state].class, "x", coordinate(x), "width", coordinate(max(width, 2)), "height", "20")
		m.shut("rect")
		x += width
	}
	m.shut("svg")
	m.el("span", figure, "class", "figure")
	m.shut("div")
	m.line()
}

// words say what a bar shows.
func (s shares) words() string {
	text := ""
	for state, v := range s {
		if v <= 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += percent(min(v, 1)) + " " + coverStates[state].text
	}
	if text == "" {
		return nothing
	}
	return text
}

func (m *markup) legend(parts shares) {
	m.open("ul", "class", "legend")
	for state, v := range parts {
		if v <= 0 && state != stateChecked {
			continue
		}
		m.open("li")
		m.open("svg", "viewBox", "0 0 10 10", "aria-hidden", "true")
		m.open("rect", "class", coverStates[state].class, "width", "10", "height", "10")
		m.shut("rect", "svg")
		m.text(" " + coverStates[state].text + " ")
		m.el("b", percent(min(v, 1))+" of traffic")
		m.shut("li")
	}
	m.shut("ul")
	m.line()
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
