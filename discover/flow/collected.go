package flow

import (
	"net/netip"
	"slices"
	"time"

	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse"
)

// Collected is a handshake that is over, with the messages that were captured of
// it. An Observer reads it; then its memory goes back by Table.Release.
type Collected struct {
	ready *discover.Observation // one that needs no more than to be told; nil elsewhere

	hs             handshake
	transport      discover.Transport
	key            key
	at             int64 // when it ended
	network        string
	tunnel         []string
	preface        string
	target         string
	origin         netip.AddrPort
	hopFrom        netip.AddrPort
	missing        int  // holes that were never filled
	client, server side // empty where nothing was seen of it
}

// side is one direction of a handshake that is over.
type side struct {
	state     streamState
	nmessages uint8
	have, top uint32 // bytes that are contiguous; the end of what was seen
	room      buffer // where buf is
	buf       []byte
	messages  [maxMessages]message
	deframe   tlsparse.Deframer
}

// message returns the body of the n-th message of a type, nil where it was not
// seen whole.
func (s *side) message(typ uint8, n int) []byte {
	m, ok := find(s.messages[:s.nmessages], typ, n)
	if !ok {
		return nil
	}
	return s.buf[m.at:m.end():m.end()]
}

// Size returns how many bytes of memory c holds, beside its own.
func (c *Collected) Size() int { return c.client.room.size() + c.server.room.size() }

// side fills s with what a direction holds.
func (t *Table) side(s *side, hs *handshake, dir int) {
	*s = side{}
	if dir > 1 || hs.streams[dir] == 0 {
		return
	}
	st := t.streams.get(hs.streams[dir])
	s.state, s.have, s.top, s.room, s.deframe = st.state, st.have, st.top(), st.buf, st.deframe
	s.buf = t.buffers.bytes(st.buf)
	s.nmessages = uint8(copy(s.messages[:], st.messages(&t.buffers)))
}

// body returns the first message of a type in a direction, nil where it was not
// seen whole.
func (t *Table) body(hs *handshake, dir int, typ uint8) []byte {
	if dir > 1 || hs.streams[dir] == 0 {
		return nil
	}
	st := t.streams.get(hs.streams[dir])
	m, ok := find(st.messages(&t.buffers), typ, 0)
	if !ok {
		return nil
	}
	return t.buffers.bytes(st.buf)[m.at:m.end()]
}

// observe tells of a handshake over TCP, if it was one.
func (t *Table) observe(e *entry, hs *handshake, at int64) {
	if hs.client == noDir {
		t.endInClear(e, hs, 0, maxPreface)
		t.countForeign(e, hs)
		return
	}
	if t.cfg.Collect == nil || hs.sealed != 0 {
		t.collect(&t.collected, e, hs, at)
		t.tell(&t.collected)
		return
	}
	t.collect(t.cfg.Collect(), e, hs, at)
	t.detach(hs)
}

// collect fills c with a handshake that is over, and notes the random of its
// hello.
func (t *Table) collect(c *Collected, e *entry, hs *handshake, at int64) {
	t.side(&c.client, hs, int(hs.client))
	t.side(&c.server, hs, int(1-hs.client))
	if random, ok := t.randomOf(&c.client); ok {
		hs.random = random
	}
	c.ready, c.transport, c.key, c.at = nil, discover.TCP, e.key, at
	c.network, c.tunnel = t.network(e), t.tunnels.name(hs.tunnel)
	c.preface, c.target, c.origin = "", "", netip.AddrPort{}
	c.missing = t.missing(hs)
	if hs.preface != 0 {
		p := t.prefaces.get(hs.preface)
		c.preface, c.target, c.origin = p.name, p.target, p.origin
	}
	_, server := e.key.ends(int(hs.client))
	c.hopFrom = t.hellos.before(hs.hello, t.hash(&e.key), hs.answer, server)
	c.hs = *hs
}

// randomOf hashes the random of the client's hello, where there is one that is
// worth an observation.
func (t *Table) randomOf(client *side) (random uint32, ok bool) {
	if body := client.message(tlsparse.TypeClientHello, 0); body != nil {
		return hashRandom(body[min(2, len(body)):min(2+32, len(body))]), true // behind the version
	}
	kind, err := readHello(client, &t.parse.client)
	if kind == helloNone || err != nil {
		return 0, false
	}
	return hashRandom(t.parse.client.Random), true
}

// detach takes what was collected of a handshake from its streams. It counts no
// longer: what waits to be read is bounded by who waits for it.
func (t *Table) detach(hs *handshake) {
	for _, sn := range hs.streams {
		if sn != 0 {
			st := t.streams.get(sn)
			t.buffers.used -= int64(st.buf.size())
			st.buf = 0
		}
	}
}

// Release takes back the memory of what was observed.
func (t *Table) Release(list []Collected) {
	for i := range list {
		c := &list[i]
		t.buffers.free(c.client.room)
		t.buffers.free(c.server.room)
		if c.ready != nil {
			t.Recycle(c.ready)
		}
		*c = Collected{}
	}
}

// tell reads a handshake here and now, and opens it where its secrets were
// logged.
func (t *Table) tell(c *Collected) {
	if o := t.observer.read(c); o != nil {
		t.open(c, o)
		t.deliver(o)
	}
}

// deliver emits an observation that was not told of before.
func (t *Table) deliver(o *discover.Observation) {
	switch {
	case t.cfg.Collect != nil:
		*t.cfg.Collect() = Collected{ready: o}
	case o.Offer != "" || t.observer.isNew(o):
		t.cfg.Emit(o)
	default:
		t.Recycle(o)
	}
}

// describe puts what is known of any handshake into o.
func (c *Collected) describe(o *discover.Observation) {
	hs := &c.hs
	o.Time, o.Ended, o.Order = time.Unix(0, hs.first).UTC(), time.Unix(0, max(c.at, hs.first)).UTC(), hs.number
	o.Transport, o.Network, o.Tunnel = c.transport, c.network, c.tunnel
	if c.transport == discover.TCP && c.key.proto == decode.UDP {
		o.Tunnel = append(slices.Clone(o.Tunnel), "udp") // records of TLS in datagrams
	}
	o.Client, o.Server = c.key.ends(int(hs.client))
	o.Preface, o.Target, o.ClientOrigin = c.preface, c.target, c.origin
	o.HopFrom = c.hopFrom
}
