package flow

import "net/netip"

// recentConns remembers the connections of QUIC whose hello was seen. A client
// that gets no answer may send the same hello, with the same connection id,
// from another of its addresses, mostly of the other family: that is one
// handshake. (A scanner sends one hello to many servers, but from one address.)
type recentConns []recentConn

type recentConn struct {
	key       uint64 // hash of hello and connection id
	flow      uint32 // that had it first
	answered  uint32 // that had the answer, 0 for none
	client    netip.Addr
	elsewhere bool // another flow had it too
}

func connKey(seed uint64, k *talk) uint64 {
	first := k.quic.First()
	return hashBytes(seed^k.hello, first.Bytes())
}

// note remembers that a flow has the hello of a connection.
func (r *recentConns) note(key uint64, flow uint32, client netip.Addr) {
	if *r == nil {
		*r = make([]recentConn, maxRecent)
	}
	slot := &(*r)[key%maxRecent]
	switch {
	case slot.key != key:
		*slot = recentConn{key: key, flow: flow, client: client}
	case slot.flow != flow && slot.client != client:
		slot.elsewhere = true
	}
}

// answered remembers that the connection got its answer on a flow.
func (r *recentConns) answer(key uint64, flow uint32) {
	if *r == nil {
		return
	}
	if slot := &(*r)[key%maxRecent]; slot.key == key {
		slot.answered = flow
	}
}

// moved reports whether a handshake without an answer is, or will be, told of
// by another flow.
func (r *recentConns) moved(key uint64, flow uint32) bool {
	if *r == nil {
		return false
	}
	slot := &(*r)[key%maxRecent]
	if slot.key != key || !slot.elsewhere {
		return false
	}
	if slot.answered != 0 {
		return slot.answered != flow
	}
	return slot.flow != flow
}
