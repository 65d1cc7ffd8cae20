package metrics

import (
	"slices"
	"time"

	"blindspot/cmd/blindspot/internal/sensor"
)

const (
	// blindAfter is how long an interface that had packets may have none.
	blindAfter = 5 * time.Minute
	// downAfter is how long an interface may be away.
	downAfter = 10 * time.Second
	// unstoredAfter is how long the store may refuse.
	unstoredAfter = time.Minute
)

// Health says whether a sensor does its work.
type Health struct {
	Status string   `json:"status"` // "alive" or "blind"
	Why    []string `json:"why,omitempty"`

	Interfaces []InterfaceHealth `json:"interfaces"`
	Packets    uint64            `json:"packets"`
	Drops      uint64            `json:"kernel_drops"`
	Handshakes uint64            `json:"handshakes"`
	LastFlush  *time.Time        `json:"last_flush"`
}

// InterfaceHealth is that of one interface.
type InterfaceHealth struct {
	Name       string     `json:"name"`
	Up         bool       `json:"up"`
	LastPacket *time.Time `json:"last_packet"`
}

// Judge says how a sensor is at a time.
func Judge(st *sensor.Status, now time.Time) Health {
	h := Health{Status: "alive", Packets: st.Packets(), Drops: st.Drops()}
	for _, w := range st.Workers {
		h.add(w)
	}
	for i := range h.Interfaces {
		x := &h.Interfaces[i]
		switch {
		case !x.Up && now.Sub(latest(st.Began, x.LastPacket)) > downAfter:
			h.blind("no packets can come from " + x.Name)
		case x.LastPacket != nil && now.Sub(*x.LastPacket) > blindAfter:
			h.blind("no packet came from " + x.Name + " since " + x.LastPacket.UTC().Format(time.RFC3339))
		}
	}
	if f := st.Folding; f != nil {
		h.Handshakes = f.Stats.Handshakes
	}
	if f := st.Flushing; f != nil {
		if !f.Last.IsZero() {
			h.LastFlush = utc(f.Last)
		}
		if f.Failing != "" && now.Sub(f.Since) > unstoredAfter {
			h.blind("the store takes nothing since " + f.Since.UTC().Format(time.RFC3339) + ": " + f.Failing)
		}
	}
	return h
}

func latest(began time.Time, last *time.Time) time.Time {
	if last == nil {
		return began
	}
	return *last
}

// add adds a worker to its interface.
func (h *Health) add(w *sensor.Sight) {
	i := slices.IndexFunc(h.Interfaces, func(x InterfaceHealth) bool { return x.Name == w.Interface })
	if i < 0 {
		i = len(h.Interfaces)
		h.Interfaces = append(h.Interfaces, InterfaceHealth{Name: w.Interface})
	}
	x := &h.Interfaces[i]
	x.Up = x.Up || w.Up
	if !w.Last.IsZero() && (x.LastPacket == nil || w.Last.After(*x.LastPacket)) {
		x.LastPacket = utc(w.Last)
	}
}

func utc(t time.Time) *time.Time {
	t = t.UTC().Round(0)
	return &t
}

func (h *Health) blind(why string) {
	h.Status = "blind"
	h.Why = append(h.Why, why)
}
