package sensor

import "time"

// Status is how a sensor stands. What it points to is not to be changed.
type Status struct {
	Began    time.Time
	Workers  []*Sight
	Folding  *Folding  // nil before the first second has passed
	Flushing *Flushing //
	Events   uint64    // lines of the event log that were left out
	Softnet  uint64    // packets that the machine dropped before any socket
}

// Status returns how things stand, a second old at most.
func (s *Sensor) Status() Status {
	st := Status{Began: s.began, Folding: s.folding.Load(), Flushing: s.flushing.Load(), Softnet: s.softnet()}
	for _, w := range s.workers {
		st.Workers = append(st.Workers, w.sight.Load())
	}
	if s.cfg.Events != nil {
		st.Events = s.cfg.Events.Lost()
	}
	return st
}

// Packets is how many packets all workers have taken.
func (s *Status) Packets() (n uint64) {
	for _, w := range s.Workers {
		n += w.Capture.Packets
	}
	return n
}

// Drops is how many packets the kernel had no room for.
func (s *Status) Drops() (n uint64) {
	for _, w := range s.Workers {
		n += w.Capture.KernelDrops
	}
	return n
}

// Lost counts what was given up, by the causes of the report.
func (s *Status) Lost() map[string]uint64 {
	sum := map[string]uint64{}
	for _, w := range s.Workers {
		for cause, n := range w.visibility.Lost {
			sum[cause] += n
		}
	}
	delete(sum, "interface-drops") // a metric of its own
	if f := s.Folding; f != nil {
		for cause, n := range map[string]uint64{
			"names": f.Stats.NamesBeyond, "asked-names": f.Stats.AskedBeyond, "certificates": f.Stats.CertsBeyond,
			"sightings": f.Stats.SightingsBeyond, "hops": f.Stats.HopsBeyond, "offers": f.Stats.OffersBeyond,
		} {
			sum[cause] += n
		}
	}
	return sum
}
