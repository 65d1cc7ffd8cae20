package kernel

import (
	"blindspot/capture"
	"blindspot/capture/decode"
)

const (
	// smallDatagram is what is not worth a mark: a flow of smaller ones, as of
	// DNS, is over before it counts.
	smallDatagram = 200
	// settleWaits and settleTime are how often a ring must have been found empty,
	// and how far packet time must have gone, until a packet that was to come
	// from before is taken for lost.
	settleWaits = 3
	settleTime  = int64(1e9)
	// settleEvery is how often, in packet time, it is looked for those.
	settleEvery = int64(10e9)
)

// Tap is a ring with its cut-off: a capture.Source for a flow.Reader, which
// tells it what the table makes of the segments. It belongs to one goroutine.
type Tap struct {
	capture.Source
	cutoff *Cutoff
	viewer *Viewer
	probe  view
	batch  []capture.Packet

	idle      uint64 // calls that found nothing
	lastTime  int64
	settleAt  uint64 // idle calls at which what was snapshot is settled
	settleOld int64  // and packet time
	settled   int64  // packet time when that was begun last
}

// NewTap joins a ring and the Cutoff whose program, made with cfg, is attached
// to it. Closing the Tap closes both.
func NewTap(src capture.Source, c *Cutoff, cfg Config) *Tap {
	return &Tap{Source: src, cutoff: c, viewer: NewViewer(cfg)}
}

// Close closes ring and cut-off.
func (t *Tap) Close() error {
	err := t.Source.Close()
	if e := t.cutoff.Close(); err == nil {
		err = e
	}
	return err
}

// Next tells the program what the last batch was good for and returns the next.
func (t *Tap) Next(batch []capture.Packet) (int, error) {
	t.cutoff.Flush()
	n, err := t.Source.Next(batch)
	t.batch = batch[:n]
	if n > 0 {
		t.lastTime = batch[n-1].Time
	}
	if err == nil {
		t.heal(n)
	}
	return n, err
}

// waiter is a ring that tells how often it was found empty.
type waiter interface{ Waits() uint64 }

// heal accounts for openers that the ring has dropped: until then no flow that
// shares their counter is cut off.
func (t *Tap) heal(n int) {
	waits := t.idle
	if w, ok := t.Source.(waiter); ok {
		waits = w.Waits()
	} else if n == 0 {
		t.idle++
	}
	switch {
	case t.cutoff.snapshot == nil:
		if t.lastTime-t.settled > settleEvery {
			t.settled = t.lastTime
			t.cutoff.begin()
			t.settleAt, t.settleOld = waits+settleWaits, t.lastTime+settleTime
		}
	case waits >= t.settleAt && (t.lastTime >= t.settleOld || n == 0):
		t.cutoff.settle()
	}
}

// packet returns the packet that a segment was in.
func (t *Tap) packet(s *decode.Segment) *capture.Packet {
	if len(t.batch) == 0 {
		return nil
	}
	if i := s.Number - t.batch[0].Number; i < uint64(len(t.batch)) && t.batch[i].Number == s.Number {
		return &t.batch[i]
	}
	return nil
}

// Useless takes a segment of which the table had no use, and whose flow waits
// for nothing (flow.Config.Useless): further packets like it are to be cut off.
func (t *Tap) Useless(s *decode.Segment) {
	if s.Proto == decode.UDP && len(s.Payload) < smallDatagram {
		return
	}
	p := t.packet(s)
	if p == nil {
		return
	}
	if k, w := t.viewer.View(p); w == Data {
		t.cutoff.Answered(k, s.Time)
	}
}

// Taken takes the segments that the table has worked on (flow.Reader.Taken).
func (t *Tap) Taken(list []decode.Segment) {
	for i := range list {
		if s := &list[i]; t.opens(s) {
			t.opened(s)
		}
	}
}

// opens is a quick look.
func (t *Tap) opens(s *decode.Segment) bool {
	p := s.Payload
	if s.Proto == decode.TCP {
		return s.Flags&decode.SYN != 0 || len(p) >= 6 && p[0] == 0x16 && p[1] == 3 && (p[5] == 1 || p[5] == 2)
	}
	if len(p) < shortDatagram {
		return false
	}
	t.probe.b, t.probe.off, t.probe.end = p, 0, len(p)+s.Missing
	return t.probe.datagram().Opener()
}

// opened counts an opener as the program did: by the frame.
func (t *Tap) opened(s *decode.Segment) {
	if p := t.packet(s); p != nil {
		if k, w := t.viewer.View(p); w.Opener() {
			t.cutoff.Opened(k)
		}
	}
}
