package sensor

import (
	"blindspot/capture"
	"blindspot/capture/decode"
)

// extra is what a source on an interface tells beside capture.Stats.
type extra struct {
	CutOff   uint64  // packets of answered flows that the kernel left out
	CutBytes uint64  // in them
	Unasked  uint64  // packets that the capture filter left out
	Fill     float64 // part of the ring that waits to be read
}

func (e extra) plus(o extra) extra {
	return extra{
		CutOff: e.CutOff + o.CutOff, CutBytes: e.CutBytes + o.CutBytes,
		Unasked: e.Unasked + o.Unasked, Fill: o.Fill,
	}
}

// extraOf asks a source, which may know some of it.
func extraOf(src capture.Source) (e extra) {
	if s, ok := src.(interface{ Fill() float64 }); ok {
		e.Fill = s.Fill()
	}
	if s, ok := src.(interface {
		LeftOut() (cut, bytes, unasked uint64)
	}); ok {
		e.CutOff, e.CutBytes, e.Unasked = s.LeftOut()
	}
	return e
}

// tap is a source that leaves packets in the kernel of which the flow table had
// no use.
type tap interface {
	Useless(*decode.Segment)
	Taken([]decode.Segment)
}
