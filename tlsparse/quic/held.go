package quic

// Bounds of what a connection keeps that comes before its keys: a mirror can
// deliver the server's answer, or the second half of the hello, first.
const (
	maxHeld     = 4
	maxHeldSize = 1500
)

// hold keeps a copy of a datagram for which there are no keys yet.
func (r *Reader) hold(c *Conn, b []byte, missing int, ev *Event) {
	if c.opened || missing > 0 || ev.Seen&SeenHeld != 0 {
		return
	}
	if len(c.held) == maxHeld || len(b) > maxHeldSize {
		r.stats.HeldLost++
		return
	}
	if r.buffered+int64(len(b)) > r.limit() {
		r.stats.NoBuffer++
		return
	}
	r.buffered += int64(len(b))
	r.stats.Held++
	ev.Seen |= SeenHeld
	c.held = append(c.held, append([]byte(nil), b...))
}

// replay takes the datagrams that were kept, now that there are keys.
func (r *Reader) replay(c *Conn, ev *Event) {
	held := c.held
	c.held = nil
	for _, b := range held {
		r.buffered -= int64(len(b))
		late := Event{}
		r.datagram(c, b, 0, &late)
		ev.Seen |= late.Seen &^ (SeenUnopened | SeenGarbage | SeenHeld)
		if late.Seen&SeenClose != 0 {
			ev.Close = late.Close
		}
	}
}

// unhold forgets the datagrams that were kept.
func (r *Reader) unhold(c *Conn) {
	for _, b := range c.held {
		r.buffered -= int64(len(b))
	}
	c.held = nil
}
