package quic

// Conn is what a Reader knows of one connection: about 250 bytes and, while a
// message is not whole, a buffer. The zero value is a connection of which
// nothing was seen. Release gives its buffers back.
type Conn struct {
	Tag uint32 // the caller's own

	first  ID // the client's first for the server; what Retry answers
	keyed  ID // the one from which keys come; after a Retry the server's
	client ID // the client's for itself
	server ID // the server's for itself

	version uint32
	past    uint32 // the version that a Version Negotiation ended; 0 for none
	scheme  schemeID
	opened  bool // a packet was opened: keyed and scheme are right
	begun   bool // first is known
	retried bool // it began anew after a Retry, which happens once
	seen    Seen
	largest [2]int64 // packet numbers, +1
	streams [2]stream
	held    [][]byte // datagrams that came before the keys
	sealed  *sealed  // Handshake packets, where they are wanted
}

// Seen returns all that was seen of the connection since it last began.
func (c *Conn) Seen() Seen { return c.seen }

// Version returns the version in use, as far as was seen.
func (c *Conn) Version() uint32 { return c.version }

// First returns the connection id that the client invented for the server.
func (c *Conn) First() ID { return c.first }

// ClientID and ServerID return the connection id that a side has chosen for
// itself, by which the other addresses it.
func (c *Conn) ClientID() ID { return c.client }

// ServerID is ClientID for the server.
func (c *Conn) ServerID() ID { return c.server }

// Owns reports whether a packet's destination is an id of this connection, and
// by it who sent the packet. An empty id is nobody's.
func (c *Conn) Owns(dcid []byte) (from Side, ok bool) {
	switch {
	case len(dcid) == 0:
		return Unknown, false
	case c.begun && c.first.is(dcid), c.begun && c.keyed.is(dcid), c.server.is(dcid):
		return Client, true
	case c.client.is(dcid):
		return Server, true
	}
	return Unknown, false
}

// sender tells by a packet's ids who sent it.
func (c *Conn) sender(h *Header) Side {
	from, _ := c.Owns(h.DCID)
	if from == Unknown && c.server.Len() > 0 && c.server.is(h.SCID) {
		return Server
	}
	if from == Unknown && c.client.Len() > 0 && c.client.is(h.SCID) {
		return Client
	}
	return from
}

// learn keeps the ids of a packet that is known to come from a side.
func (c *Conn) learn(h *Header, from Side) {
	if from == Client {
		c.client = MakeID(h.SCID)
		if !c.begun {
			c.begin(h)
		}
		return
	}
	c.server = MakeID(h.SCID)
	if !c.begun {
		c.client = MakeID(h.DCID)
	}
}

// begin notes that keys come from a packet's destination. What a Retry answered
// stays the first.
func (c *Conn) begin(h *Header) {
	c.keyed = MakeID(h.DCID)
	if !c.begun || c.seen&SeenRetry == 0 {
		c.first = c.keyed
	}
	c.begun = true
}
