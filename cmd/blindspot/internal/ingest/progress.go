package ingest

import (
	"time"

	"blindspot/cmd/blindspot/internal/term"
)

// Progress says how far the run has come; ok is false between two captures.
func (r *Run) Progress() (p term.Progress, ok bool) {
	file := r.file.Load()
	if file == nil {
		return p, false
	}
	p.Name = file.Name()
	p.Done, p.Total = file.Progress()
	p.Packets, p.Handshakes = r.packets.Load(), r.handshakes.Load()
	p.Elapsed = time.Since(time.Unix(0, r.began.Load()))
	return p, true
}
