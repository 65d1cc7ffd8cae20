package report

import (
	"fmt"

	"blindspot/discover/coverage"
)

// maxHopsDrawn bounds the edges of the map.
const maxHopsDrawn = 100

// hop is handshakes that one surface passes on to another.
type hop struct {
	from, to   int // in the list that is drawn
	handshakes uint64
}

// hopsOf are the hops between the surfaces of list.
func hopsOf(list []coverage.SurfaceStatus) (hops []hop) {
	at := make(map[string]int, len(list))
	for i := range list {
		at[list[i].Name] = i
	}
	for i := range list {
		for _, h := range list[i].HopsOut {
			if to, ok := at[h.Surface]; ok && to != i && len(hops) < maxHopsDrawn {
				hops = append(hops, hop{i, to, h.Handshakes})
			}
		}
	}
	return hops
}

// hopMargins is the room that hops need beside the last column and below the
// last row, where they go around boxes.
func hopMargins(list []coverage.SurfaceStatus, across int) (right, below int) {
	last := placeOf(len(list)-1, across)
	for _, h := range hopsOf(list) {
		from, to := placeOf(h.from, across), placeOf(h.to, across)
		if from.y == to.y && from.y == last.y && abs(from.x-to.x) > boxWidth+boxGap {
			below = boxGap
		}
		if from.x == to.x && from.x == placeOf(across-1, across).x && abs(from.y-to.y) > boxHeight+boxGap {
			right = boxGap
		}
	}
	return right, below
}

// hops draws the edges, before the boxes, so that these lie on top.
func (m *markup) hops(list []coverage.SurfaceStatus, across int) {
	hops := hopsOf(list)
	if len(hops) == 0 {
		return
	}
	m.open("defs")
	m.open("marker", "id", "arrow", "viewBox", "0 0 8 8", "refX", "7", "refY", "4", "markerWidth", "7", "markerHeight", "7", "orient", "auto")
	m.open("path", "class", "head", "d", "M0 0L8 4L0 8z")
	m.shut("path", "marker", "defs")
	m.line()
	for _, h := range hops {
		d, x, y := edge(placeOf(h.from, across), placeOf(h.to, across))
		m.open("g", "class", "hop")
		m.el("title", list[h.from].Name+" passes "+quantity(h.handshakes, "handshake")+" on to "+list[h.to].Name)
		m.open("path", "d", d, "marker-end", "url(#arrow)")
		m.shut("path")
		m.el("text", number(h.handshakes), "x", fmt.Sprint(x), "y", fmt.Sprint(y), "text-anchor", "middle")
		m.shut("g")
		m.line()
	}
}

// edge is a line from one box to another, beside those between them, and the
// place of its label.
func edge(from, to boxAt) (d string, x, y int) {
	const out = boxGap * 2 / 3 // how far a bend goes into the gap
	right, half, middle := boxWidth+boxGap, boxHeight/2, boxWidth/2
	switch {
	case from.y == to.y && to.x-from.x == right:
		y = from.y + half
		return fmt.Sprintf("M%d %dH%d", from.x+boxWidth, y, to.x-1), from.x + boxWidth + boxGap/2, y - 8
	case from.y == to.y && from.x-to.x == right:
		y = from.y + half + 24 // below the line that comes the other way
		return fmt.Sprintf("M%d %dH%d", from.x, y, to.x+boxWidth+1), from.x - boxGap/2, y - 8
	case from.y == to.y:
		a, b, low := from.x+middle, to.x+middle, from.y+boxHeight
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", a, low, a, low+out*4/3, b, low+out*4/3, b, low+1), (a + b) / 2, low + out - 6
	case from.x == to.x && abs(to.y-from.y) > boxHeight+boxGap:
		a, b, side := from.y+half, to.y+half, from.x+boxWidth
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", side, a, side+out*4/3, a, side+out*4/3, b, side+1, b), side + out - 8, (a + b) / 2
	}
	a, b := from.y+boxHeight, to.y-1
	if from.y > to.y {
		a, b = from.y, to.y+boxHeight+1
	}
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", from.x+middle, a, from.x+middle, (a+b)/2, to.x+middle, (a+b)/2, to.x+middle, b),
		(from.x+to.x)/2 + middle + 22, (a+b)/2 - 4
}

func abs(n int) int { return max(n, -n) }
