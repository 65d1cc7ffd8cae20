package dtls

import (
	"slices"

	"blindspot/tlsparse"
)

// handshake reads the fragments of a plaintext handshake record.
func (a *Assembler) handshake(r *record, emit func(Event)) {
	cut := len(r.payload) < r.length
	for b := r.payload; len(b) > 0; {
		f, rest, ok := parseFragment(b, cut)
		if !ok {
			a.stats.Malformed++
			return
		}
		if len(f.data) > 0 || f.length == 0 {
			a.fragment(&f, emit)
		}
		b = rest
	}
}

// fragment puts a fragment where it belongs.
func (a *Assembler) fragment(f *fragment, emit func(Event)) {
	if a.started && int(f.seq) < a.next {
		if !a.restarts(f) {
			a.stats.Repeated++
			return
		}
		a.Restart(emit)
	}
	i, found := a.find(f.seq)
	if found && !a.waiting[i].fits(f) {
		a.stats.Malformed++
		if f.random() == nil {
			return
		}
		a.Restart(emit)
		i, found = 0, false
	}
	if !found && f.whole() && f.length <= maxMessage && a.due(f) {
		if !a.started {
			a.startAt(f.seq, emit)
		}
		a.deliver(Event{Kind: EventMessage, Type: f.typ, Seq: f.seq, N: f.length, Body: f.data}, emit)
		a.drain(emit)
		return
	}
	if !found && !a.admit(f, i, emit) {
		return
	}
	a.keep(f, emit)
	a.drain(emit)
}

// due reports whether a whole message can be told of at once.
func (a *Assembler) due(f *fragment) bool {
	if a.started {
		return int(f.seq) == a.next
	}
	return isHello(f.typ) || f.seq == 0
}

// find returns where the message with this number waits, or would.
func (a *Assembler) find(seq uint16) (int, bool) {
	return slices.BinarySearchFunc(a.waiting, seq, func(h held, seq uint16) int {
		return int(h.seq) - int(seq)
	})
}

// admit makes a place for a message of which f is the first fragment.
func (a *Assembler) admit(f *fragment, i int, emit func(Event)) bool {
	if a.tooFar(f.seq) {
		a.stats.Overflow++
		return false
	}
	if len(a.waiting) == maxWaiting {
		a.Flush(emit)
		if a.started && int(f.seq) < a.next {
			a.stats.Repeated++
			return false
		}
		i, _ = a.find(f.seq)
	}
	h := held{typ: f.typ, seq: f.seq, length: f.length}
	if f.length > maxMessage {
		h.tooLong = true
	}
	a.waiting = slices.Insert(a.waiting, i, h)
	return true
}

func (a *Assembler) tooFar(seq uint16) bool {
	from := a.next
	if !a.started {
		if len(a.waiting) == 0 {
			return false
		}
		// Before the start the numbers must be near to each other.
		from = min(int(a.waiting[0].seq), int(seq))
		seq = max(a.waiting[len(a.waiting)-1].seq, seq)
	}
	return int(seq)-from >= maxAhead
}

// keep adds a fragment to its waiting message.
func (a *Assembler) keep(f *fragment, emit func(Event)) {
	if a.buffered+len(f.data) > maxBuffered {
		a.Flush(emit)
	}
	i, found := a.find(f.seq)
	if !found || a.buffered+len(f.data) > maxBuffered {
		a.stats.Overflow++
		return
	}
	h := &a.waiting[i]
	if h.tooLong {
		return
	}
	before := len(h.data)
	if h.add(f) == 0 && f.length > 0 {
		a.stats.Repeated++
	}
	a.buffered += len(h.data) - before
}

// drain tells of the waiting messages that are due.
func (a *Assembler) drain(emit func(Event)) {
	if !a.started {
		i := slices.IndexFunc(a.waiting, func(h held) bool { return h.whole() && (isHello(h.typ) || h.seq == 0) })
		if i < 0 {
			return
		}
		a.startAt(a.waiting[i].seq, emit)
	}
	for len(a.waiting) > 0 && int(a.waiting[0].seq) == a.next && a.waiting[0].whole() {
		a.tell(a.pop(), emit)
	}
}

// startAt makes seq the first message. What waits before it was part of an
// earlier exchange, which this message shows to be over.
func (a *Assembler) startAt(seq uint16, emit func(Event)) {
	for len(a.waiting) > 0 && a.waiting[0].seq < seq {
		a.tell(a.pop(), emit)
	}
	a.started, a.next = true, int(seq)
}

// Flush gives up what is missing before and within the messages that wait, and
// tells of these. It is for the end of a flow, and for when no more is awaited.
func (a *Assembler) Flush(emit func(Event)) {
	for len(a.waiting) > 0 {
		if n := int(a.waiting[0].seq) - a.next; a.started && n > 0 {
			a.stats.Missing += uint32(n)
			emit(Event{Kind: EventGap, Seq: uint16(a.next), N: n})
		}
		a.tell(a.pop(), emit)
	}
}

// pop takes the first of the waiting messages out.
func (a *Assembler) pop() held {
	h := a.waiting[0]
	a.waiting = slices.Delete(a.waiting, 0, 1)
	a.buffered -= len(h.data)
	return h
}

// tell tells of a message that waited, whole or not.
func (a *Assembler) tell(h held, emit func(Event)) {
	e := Event{Kind: EventMessage, Type: h.typ, Seq: h.seq, N: h.length}
	switch {
	case h.tooLong:
		a.stats.TooLong++
		e.Kind = EventTooLong
	case h.whole():
		e.Body = h.prefix()
	default:
		a.stats.Missing++
		e.Kind = EventPartial
		e.Body = h.prefix()
	}
	a.deliver(e, emit)
}

// deliver emits a message and goes on to the next.
func (a *Assembler) deliver(e Event, emit func(Event)) {
	a.note(&e)
	a.started, a.next = true, int(e.Seq)+1
	emit(e)
}

// helloID identifies a hello, so that a copy can be told from another one.
type helloID struct {
	typ    uint8
	seq    uint16
	random [32]byte
}

// note remembers a hello, the last two of a handshake.
func (a *Assembler) note(e *Event) {
	f := fragment{typ: e.Type, seq: e.Seq, data: e.Body}
	random := f.random()
	if random == nil {
		return
	}
	a.server = e.Type == tlsparse.TypeServerHello
	a.hellos[0], a.hellos[1] = a.hellos[1], helloID{e.Type, e.Seq, [32]byte(random)}
}

// restarts reports whether f, of a message that was told of, is the start of
// another hello than that. One port can have several handshakes, one after the
// other, and each counts its messages from 0.
func (a *Assembler) restarts(f *fragment) bool {
	random := f.random()
	if random == nil {
		return false
	}
	for _, h := range a.hellos {
		if h.typ == f.typ && h.random == [32]byte(random) {
			return false
		}
	}
	return true
}

// Restart forgets the handshake, after a Flush. The Assembler does so by itself
// where another hello begins a handshake; the caller does it where the other
// direction says EventRestart.
func (a *Assembler) Restart(emit func(Event)) {
	if a.started {
		a.Flush(emit)
		emit(Event{Kind: EventRestart})
	}
	*a = Assembler{stats: a.stats, cidLen: a.cidLen}
}
