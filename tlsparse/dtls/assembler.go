package dtls

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

// Assembler turns the datagrams of one direction of a flow into events. The
// zero value is ready.
//
// Messages come in the order of message_seq, each once, however fragments were
// shuffled, doubled, overlapping or sent again. Where the first messages were
// not captured it begins with the first hello that is whole. A message that is
// missing holds back the later ones until it is sure that it will not be sent
// again, or until Flush: then EventGap stands for it. A message that comes in
// one fragment and in its turn is not copied, and nothing is allocated for it.
type Assembler struct {
	stats    Stats
	hellos   [2]helloID
	waiting  []held // by seq
	buffered int    // bytes of waiting
	recent   [recentRecords]uint64
	recentAt uint8
	next     int   // message_seq that is due
	cidLen   uint8 // plus 1; 0: not known
	started  bool  // next is valid
	server   bool  // a ServerHello was sent
	changed  bool  // a ChangeCipherSpec was sent
}

const (
	// maxWaiting bounds the messages that wait at a time. A flight has ten at
	// most.
	maxWaiting = 16
	// maxAhead bounds how far the number of a message may be ahead of the one
	// that is due, or of the others that wait.
	maxAhead = 64
	// maxBuffered bounds the bytes of messages that wait.
	maxBuffered = 256 << 10
	// recentRecords is how many alerts and protected records are remembered, so
	// that a packet that a mirror delivers twice counts once.
	recentRecords = 8
)

// Stats counts what an Assembler met.
type Stats struct {
	Records   uint32 // of all kinds
	Foreign   uint32 // datagrams that are not DTLS by their first byte (RFC 7983 §7)
	Broken    uint32 // datagrams with a rest that is not DTLS
	Cut       uint32 // records that are longer than their datagram
	Malformed uint32 // records and fragments that contradict themselves or others
	Repeated  uint32 // fragments and records that were there already
	Overflow  uint32 // fragments over maxWaiting, maxAhead or maxBuffered
	TooLong   uint32 // messages over maxMessage or maxPieces
	Missing   uint32 // messages that EventGap or EventPartial tells of
}

// Stats returns the counters so far.
func (a *Assembler) Stats() Stats { return a.stats }

// Buffered returns how many bytes wait in memory.
func (a *Assembler) Buffered() int { return a.buffered }

// SetConnectionID tells the length of the connection id in this direction's
// records, which the other direction's hello asked for (ConnectionID). Where it
// is not told it is guessed.
func (a *Assembler) SetConnectionID(n int) { a.cidLen = uint8(min(n, 254)) + 1 }

// Datagram reads a datagram of this direction, STUN and TURN taken off, and
// emits what it tells. Datagrams of other protocols that share the port (RFC
// 7983 §7) are passed over. It keeps no reference to b.
func (a *Assembler) Datagram(b []byte, emit func(Event)) {
	if len(b) == 0 || b[0] < 20 || b[0] > 63 {
		a.stats.Foreign++
		return
	}
	for at := 0; at < len(b); {
		r, ok := a.record(b[at:])
		if !ok {
			a.stats.Broken++
			emit(Event{Kind: EventBroken, N: at})
			return
		}
		a.stats.Records++
		if at+r.size == len(b) && r.length > len(r.payload) && r.payload != nil {
			a.stats.Cut++
		}
		a.read(&r, emit)
		at += r.size
	}
}

// record reads the header of a record of any form.
func (a *Assembler) record(b []byte) (record, bool) {
	switch {
	case b[0] == RecordCID:
		return parseCIDRecord(b, int(a.cidLen)-1)
	case b[0]&unifiedMask == unified:
		return parseCiphertext(b, int(a.cidLen)-1)
	}
	return parseRecord(b)
}

func (a *Assembler) read(r *record, emit func(Event)) {
	switch {
	case r.typ == 0 || r.typ == RecordCID || r.epoch > 0:
		a.protected(r, emit)
	case r.typ == tlsparse.RecordHandshake:
		a.handshake(r, emit)
	case r.typ == tlsparse.RecordChangeCipherSpec:
		a.changeCipherSpec(r, emit)
	case r.typ == tlsparse.RecordAlert:
		a.alert(r, emit)
	case r.typ != recordACK: // in the clear before there are keys (RFC 9147 §7)
		a.stats.Malformed++
	}
}

// protected tells of a protected record. Application data of a side shows that
// the other side has all that came before, and nothing will be sent again.
func (a *Assembler) protected(r *record, emit func(Event)) {
	if a.repeated(r) {
		return
	}
	if r.typ == tlsparse.RecordApplicationData || r.typ == 0 && r.epoch == applicationEpoch {
		a.Flush(emit)
	}
	emit(Event{Kind: EventProtected, Type: r.typ, Epoch: r.epoch, N: r.length})
}

// changeCipherSpec tells of the first ChangeCipherSpec. A server's comes when it
// has the client's last flight, for which the client needed the server's.
func (a *Assembler) changeCipherSpec(r *record, emit func(Event)) {
	// AnyConnect and OpenSSL before 0.9.8f add message_seq.
	if r.length != 1 && r.length != 3 || len(r.payload) == 0 || r.payload[0] != 1 {
		a.stats.Malformed++
		return
	}
	if a.changed {
		a.stats.Repeated++
		return
	}
	if a.server {
		a.Flush(emit)
	}
	a.changed = true
	emit(Event{Kind: EventChangeCipherSpec})
}

func (a *Assembler) alert(r *record, emit func(Event)) {
	if len(r.payload) < 2 {
		a.stats.Malformed++
		return
	}
	if a.repeated(r) {
		return
	}
	emit(Event{Kind: EventAlert, Type: r.typ, N: r.length, Body: r.payload[:len(r.payload):len(r.payload)]})
}

// repeated reports whether one of the last records was the same, and remembers
// this one. The encrypted numbers of DTLS 1.3 differ as much as any other.
func (a *Assembler) repeated(r *record) bool {
	key := uint64(r.epoch)<<48 | r.seq
	if r.typ == 0 && len(r.payload) >= 8 {
		key = binary.BigEndian.Uint64(r.payload)
	}
	key++ // 0 is an empty place
	for _, k := range a.recent {
		if k == key {
			a.stats.Repeated++
			return true
		}
	}
	a.recent[a.recentAt%recentRecords] = key
	a.recentAt++
	return false
}
