package ring

// clock turns the stamps of the system's clock, which anybody may set, into
// times that go on steadily. All values are nanoseconds.
type clock struct {
	offset int64 // between the system's clock and the one since boot
	known  bool  // offset is

	debt    int64 // what is added to a stamp
	worked  int64 // latest stamp by which debt was worked off
	old     int64 // debt of the stamps from before the last step
	pending bool  // such stamps may still come
	floor   int64 // latest time handed out, while pending

	steps   uint64
	stepped int64 // size of the last step
}

const (
	minStep  = 10e6   // below, nobody minds
	maxSlew  = 3600e9 // above, the time before the step was nonsense
	disorder = 1e6    // between the stamps of packets that several processors received
)

// see compares the two clocks; doubt is how long it took to read them, and
// last the time of the packet before. It notices when the system's clock was
// set.
func (c *clock) see(system, boot, doubt, last int64) {
	if doubt > minStep {
		return // the reader was interrupted; the next time will do
	}
	offset := system - boot
	step := offset - c.offset
	first := !c.known
	c.offset, c.known = offset, true
	if first || max(step, -step) <= minStep+doubt {
		return
	}
	c.steps++
	c.stepped = step
	c.old, c.debt = c.debt, c.debt-step
	c.pending, c.floor = true, last
	if max(c.debt, -c.debt) > maxSlew {
		c.debt, c.pending = 0, false
	}
	c.worked = system
}

// settle says that no packet from before the last step can come any more.
func (c *clock) settle() { c.pending = false }

// time returns the time of a stamp.
func (c *clock) time(stamp int64) int64 {
	if c.debt == 0 && !c.pending {
		return stamp
	}
	return c.slew(stamp)
}

// slew works debt off: two seconds for each second of it.
func (c *clock) slew(stamp int64) int64 {
	if c.pending && c.before(stamp) {
		c.floor = max(c.floor, stamp+c.old)
		return stamp + c.old
	}
	if gone := (stamp - c.worked) / 2; gone > 0 {
		c.worked = stamp
		if c.debt > 0 {
			c.debt = max(0, c.debt-gone)
		} else {
			c.debt = min(0, c.debt+gone)
		}
	}
	c.floor = max(c.floor, stamp+c.debt)
	return stamp + c.debt
}

// before reports whether a stamp is from before the step: of the two times
// that it may mean, the earlier one that does not lie before the last packet.
func (c *clock) before(stamp int64) bool {
	old, now := stamp+c.old, stamp+c.debt
	if old < now {
		return old >= c.floor-disorder
	}
	return now < c.floor-disorder
}
