package rings

import (
	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/capture/kernel"
	"blindspot/capture/ring"
)

// source is a ring, with its cut-off where it has one. What it has beside
// capture.Source, the sensor looks for.
type source struct {
	capture.Source
	ring   *ring.Ring
	tap    *kernel.Tap    // nil for none
	cutoff *kernel.Cutoff //
	last   kernel.Stats
}

// Now is the present time as packets have it.
func (s *source) Now() int64 { return s.ring.Now() }

// Fill is the share of the ring that waits for the reader.
func (s *source) Fill() float64 { return s.ring.Fill() }

// Wake ends a wait.
func (s *source) Wake() { s.ring.Wake() }

// LeftOut counts what the kernel left out: packets and bytes of answered flows,
// and packets that the filter rejects.
func (s *source) LeftOut() (cut, bytes, unasked uint64) {
	if s.cutoff == nil {
		return 0, 0, 0
	}
	if st, err := s.cutoff.Stats(); err == nil {
		s.last = st
	}
	return s.last.Cut, s.last.CutBytes, s.last.NotAsked
}

// Useless is for flow.Config.
func (s *source) Useless(x *decode.Segment) {
	if s.tap != nil {
		s.tap.Useless(x)
	}
}

// Taken is for flow.Reader.
func (s *source) Taken(list []decode.Segment) {
	if s.tap != nil {
		s.tap.Taken(list)
	}
}
