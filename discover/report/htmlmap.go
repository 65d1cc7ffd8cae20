package report

import (
	"strconv"
	"time"

	"blindspot/discover"
	"blindspot/discover/coverage"
)

// maxSurfacesDrawn bounds the pictures; the table below them has all.
const maxSurfacesDrawn = 60

// The grid of the map, in the picture's own coordinates.
const (
	boxWidth, boxHeight = 260, 162
	boxGap              = 52 // in which hops between surfaces have their place
	maxBoxesAcross      = 3
)

// boxText is how many columns of a terminal's text fit a box, by their class.
var boxText = map[string]int{"name": 25, "dim": 33, "": 33, "state": 29}

// boxAt is the place of a surface in the map.
type boxAt struct{ x, y int }

func placeOf(i, across int) boxAt {
	return boxAt{(i%across)*(boxWidth+boxGap) + 1, (i/across)*(boxHeight+boxGap) + 1}
}

// surfaceMap draws the surfaces as boxes with the hops between them, and lists
// them. Without configured surfaces there is no map.
func (m *markup) surfaceMap(r *Report) {
	if !r.hasSurfaces() {
		return
	}
	m.section("surfaces", "Surfaces")
	drawn := r.Surfaces[:min(len(r.Surfaces), maxSurfacesDrawn)]
	across := min(len(drawn), maxBoxesAcross)
	down := (len(drawn) + across - 1) / across
	end := placeOf(across*down-1, across)
	right, below := hopMargins(drawn, across)
	m.open("svg", "class", "map", "viewBox", "0 0 "+strconv.Itoa(end.x+boxWidth+1+right)+" "+strconv.Itoa(end.y+boxHeight+1+below),
		"data-across", strconv.Itoa(across), "role", "group", "aria-label", "Map of surfaces; the table below says the same")
	m.line()
	m.hops(drawn, across)
	count := r.severitiesBySurface()
	for i := range drawn {
		m.box(&drawn[i], count[drawn[i].Name], r.Window.Last, placeOf(i, across))
	}
	m.shut("svg")
	m.line()
	if more := len(r.Surfaces) - len(drawn); more > 0 {
		m.el("p", quantity(uint64(more), "surface")+" more in the table.", "class", "lead")
	}
	m.table(surfaceFacts(r), "surface-table", "Surfaces")
	m.endSection()
}

func (r *Report) severitiesBySurface() map[string]Severities {
	by := map[string][]discover.Finding{}
	for i := range r.Findings {
		by[r.Findings[i].Surface] = append(by[r.Findings[i].Surface], r.Findings[i])
	}
	out := make(map[string]Severities, len(by))
	for name, list := range by {
		out[name] = severitiesOf(list)
	}
	return out
}

// box draws one surface. It is a link to the findings; the script lets it
// filter them.
func (m *markup) box(s *coverage.SurfaceStatus, n Severities, at *time.Time, p boxAt) {
	m.open("a", "href", "#findings", "class", "box "+statusClass(s.Status), "data-surface", s.Name)
	m.el("title", s.Name+": "+s.Status)
	m.open("g", "transform", "translate("+strconv.Itoa(p.x)+" "+strconv.Itoa(p.y)+")")
	m.open("rect", "class", "frame", "width", strconv.Itoa(boxWidth), "height", strconv.Itoa(boxHeight), "rx", "8")
	m.shut("rect")
	m.open("path", "class", "stripe", "d", "M8 0H7a7 7 0 0 0-7 7v"+strconv.Itoa(boxHeight-14)+"a7 7 0 0 0 7 7h1z")
	m.shut("path")
	owner := "no owner"
	if s.Owner != "" {
		owner = "owner " + s.Owner
	}
	state := s.Status
	if n != (Severities{}) {
		state = n.text()
	}
	m.word(26, "name", s.Name)
	m.word(45, "dim", owner)
	m.word(68, "", quantity(uint64(s.Hostnames), "hostname")+" · "+quantity(uint64(s.Endpoints), "endpoint"))
	m.word(87, "", certificatesText(s, at))
	m.word(106, "", validatedBy(s))
	m.word(125, "", clientsText(s))
	m.word(149, "state", statusMark(s.Status)+" "+state)
	m.shut("g", "a")
	m.line()
}

// word writes one line of a box, shortened to fit it.
func (m *markup) word(y int, class, text string) {
	m.el("text", shorten(visible(text), boxText[class]), "x", "20", "y", strconv.Itoa(y), "class", class)
}

// statusClass is a status as a class; what is not known is unknown.
func statusClass(status string) string {
	switch status {
	case "ok", "warning", "critical":
		return status
	}
	return "unknown"
}

// statusMark tells states apart without colour.
func statusMark(status string) string {
	switch status {
	case "ok":
		return "✓"
	case "warning":
		return "▲"
	case "critical":
		return "✕"
	}
	return "?"
}
