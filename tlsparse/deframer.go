package tlsparse

// Deframer turns the bytes of one direction into handshake messages within the
// caller's buffer, without a second one. It is a small value without pointers.
// The zero Deframer stands at the start of TLS.
//
// The caller keeps a buffer that begins where TLS began, appends what arrives
// in order, and calls Step until it says EventNeed:
//
//	buf = append(buf, segment[d.Skip(len(segment)):]...)
//	for {
//		switch e := d.Step(buf, maxMessage); e.Kind {
//		case EventNeed, EventBroken:
//			return
//		case EventMessage:
//			…
//		}
//	}
//
// Each byte is looked at a bounded number of times and moved once at most,
// however the calls are spread, so the whole work is linear. Record headers are
// removed in place: the payloads of consecutive handshake records are moved
// down to be contiguous. Bytes before Consumed are the Deframer's and must not
// be written to; those behind are untouched. Bodies stay valid until the buffer
// is reallocated or compacted.
type Deframer struct {
	next       offset // of the first byte not consumed
	start, end offset // joined handshake bytes, of which no event told yet
	left       offset // payload of the current record still to come
	drop       offset // bytes of a message that was too long, still to come
	begun      bool   // past the first record
	joining    bool   // the current record's payload is handshake; else skipped
	changed    bool   // a ChangeCipherSpec went by
	broken     bool
}

// offset is an offset in the caller's buffer, or a length: there is a Deframer
// for each direction of a million flows.
type offset int32

// EventKind says what Step found.
type EventKind uint8

// The kinds of events.
const (
	// EventNeed: nothing more in these bytes. Another call is worth it once
	// the stream has N more; that it is no TLS may show before.
	EventNeed EventKind = iota
	// EventMessage: a handshake message of this Type, whole, in Body.
	EventMessage
	// EventTooLong: a handshake message of this Type, whose body has N bytes,
	// is over the limit. Body is its start, as long as the limit; the rest
	// will be passed over.
	EventTooLong
	// EventSSLv2: the stream begins with an SSL 2.0 hello of this Type
	// (1: client, 4: server); Body is the record with its header.
	EventSSLv2
	// EventChangeCipherSpec: from here on records are protected, up to TLS
	// 1.2. In TLS 1.3 it means nothing.
	EventChangeCipherSpec
	// EventAlert: a plaintext alert record with its payload in Body.
	EventAlert
	// EventProtected: a record of this Type whose N bytes of payload tell
	// nothing: it comes at once with the header, and they are passed over.
	EventProtected
	// EventBroken: at offset N of the buffer this is no TLS. It stays so.
	EventBroken
)

// Event is what Step found. Body aliases the buffer.
type Event struct {
	Kind EventKind
	Type uint8
	N    int32 // so that an Event fits in registers
	Body []byte
}

// maxAlertRecord bounds a plaintext alert record: longer ones are encrypted.
const maxAlertRecord = 2 * maxAlerts

// Step consumes buf, all contiguous bytes since the start of TLS (or since the
// last Compact), up to the next event. limit bounds the body of a handshake
// message: a longer one is EventTooLong.
func (d *Deframer) Step(buf []byte, limit int) Event {
	for !d.broken {
		if e, ok := d.message(buf, limit); ok {
			return e
		}
		if d.left > 0 {
			d.take(buf)
			if d.left > 0 && int(d.next) == len(buf) {
				if e, ok := d.message(buf, limit); ok {
					return e
				}
				return d.need(buf, limit)
			}
			continue
		}
		if e, ok := d.header(buf, limit); ok {
			return e
		}
	}
	return Event{Kind: EventBroken, N: int32(d.next)}
}

// Consumed returns the offset up to which the buffer has been consumed.
func (d *Deframer) Consumed() int { return int(d.next) }

// Start and End delimit the joined handshake bytes that no event told of yet.
func (d *Deframer) Start() int { return int(d.start) }

// End is the end of what begins at Start.
func (d *Deframer) End() int { return int(d.end) }

// Changed reports whether a ChangeCipherSpec went by.
func (d *Deframer) Changed() bool { return d.changed }

// Broken reports whether the stream ceased to be TLS.
func (d *Deframer) Broken() bool { return d.broken }

// Skippable returns how many stream bytes behind Consumed need not be buffered.
func (d *Deframer) Skippable() int {
	if !d.joining {
		return int(d.left)
	}
	return int(min(d.left, d.drop))
}

// Skip passes over as many of the next n stream bytes as need not be buffered,
// and returns their number: the caller leaves them out of the buffer, as if
// they had never been. Call it only when Step has said EventNeed, for until
// then the bytes may be in the buffer already.
func (d *Deframer) Skip(n int) int {
	n = min(n, d.Skippable())
	d.left -= offset(n)
	if d.joining {
		d.drop -= offset(n)
	}
	return n
}

// Partial returns what has come of an unfinished message: its type, the body so
// far, and the whole length that its header announces. ok is false where there
// is none, or not even its header. After the last bytes of a stream, call Step
// first.
func (d *Deframer) Partial(buf []byte) (typ uint8, body []byte, length int, ok bool) {
	typ, length, ok = ParseHandshakeHeader(buf[d.start:d.end])
	if !ok {
		return 0, nil, 0, false
	}
	return typ, buf[d.start+HandshakeHeaderLen : d.end], length, true
}

// Compact moves the bytes that are still needed to the start of buf and returns
// their number: buf[:n] goes on from there. It costs a copy of them, so it is
// for when room is short. Bodies of earlier events are lost.
func (d *Deframer) Compact(buf []byte) int {
	n := copy(buf, buf[d.start:d.end])
	d.start, d.end = 0, offset(n)
	rest := copy(buf[n:], buf[d.next:])
	d.next = offset(n)
	return n + rest
}

// message tells of the message at d.start, if it is whole or over the limit.
func (d *Deframer) message(buf []byte, limit int) (Event, bool) {
	if d.drop > 0 || d.start == d.end {
		return Event{}, false
	}
	joined := buf[d.start:d.end]
	if !knownHandshakeType(joined[0]) {
		return d.breakAt(int(d.start)), true
	}
	typ, length, ok := ParseHandshakeHeader(joined)
	if !ok {
		return Event{}, false
	}
	whole := HandshakeHeaderLen + min(length, limit)
	if len(joined) < whole {
		return Event{}, false
	}
	d.start += offset(whole)
	e := Event{Kind: EventMessage, Type: typ, N: int32(length), Body: joined[HandshakeHeaderLen:whole:whole]}
	if length > limit {
		e.Kind = EventTooLong
		d.drop = offset(length - limit)
		inBuffer := min(d.drop, d.end-d.start)
		d.start += inBuffer
		d.drop -= inBuffer
	}
	return e, true
}

// take consumes payload of the current record.
func (d *Deframer) take(buf []byte) {
	n := min(d.left, offset(len(buf))-d.next)
	if n == 0 {
		return
	}
	if dropped := min(int(n), d.Skippable()); dropped > 0 {
		d.next += offset(d.Skip(dropped))
		return
	}
	if d.start == d.end {
		d.start, d.end = d.next, d.next // joined in place
	}
	if d.end != d.next {
		copy(buf[d.end:], buf[d.next:d.next+n])
	}
	d.end += n
	d.next += n
	d.left -= n
}

// header reads the header of the next record, and the whole record where that
// is short.
func (d *Deframer) header(buf []byte, limit int) (Event, bool) {
	if !d.begun && len(buf) > int(d.next) && buf[d.next]&0x80 != 0 {
		return d.sslv2(buf)
	}
	r, ans := ParseRecordHeader(buf[d.next:])
	if ans == No {
		return d.breakAt(int(d.next)), true
	}
	if ans == Maybe {
		return d.need(buf, limit), true
	}
	d.begun = true
	payload := buf[d.next+RecordHeaderLen:]
	switch {
	case r.Type == RecordHandshake:
		return d.handshake(r, payload)
	case r.Type == RecordChangeCipherSpec && r.Length == 1:
		return d.short(r, payload, EventChangeCipherSpec)
	case r.Type == RecordChangeCipherSpec && !d.changed:
		return d.breakAt(int(d.next)), true
	case r.Type == RecordAlert && d.plainAlert(r.Length):
		return d.short(r, payload, EventAlert)
	}
	return d.protected(r), true
}

// plainAlert reports whether an alert record of this length is plaintext. An
// encrypted one is longer than 2 bytes; a client of TLS 1.3 may send a plain
// one behind its ChangeCipherSpec.
func (d *Deframer) plainAlert(length int) bool {
	return length <= 2 || !d.changed && length%2 == 0 && length <= maxAlertRecord
}

// handshake begins a handshake record.
func (d *Deframer) handshake(r Record, payload []byte) (Event, bool) {
	if d.changed && d.start == d.end && d.drop == 0 {
		switch plainHello(payload[:min(len(payload), r.Length)], r.Length) {
		case Maybe:
			return Event{Kind: EventNeed, N: 1}, true
		case No:
			return d.protected(r), true
		}
	}
	d.open(r, true)
	return Event{}, false
}

// plainHelloLen is what plainHello looks at: header and version.
const plainHelloLen = HandshakeHeaderLen + 2

// plainHello says whether the payload of a handshake record behind a
// ChangeCipherSpec is a plaintext hello: after a HelloRetryRequest both sides
// may send one there (RFC 8446 §D.4), in records of any length. An encrypted
// Finished passes for one once in 2^40; it has more than plainHelloLen bytes.
func plainHello(payload []byte, length int) Answer {
	if length == 0 {
		return Yes
	}
	if len(payload) > 0 && payload[0] != TypeClientHello && payload[0] != TypeServerHello ||
		len(payload) > 1 && payload[1] != 0 ||
		len(payload) > 5 && (payload[4] != 3 || payload[5] != 3) {
		return No
	}
	if len(payload) < min(length, plainHelloLen) {
		return Maybe
	}
	return Yes
}

// short tells of a record whose payload is wanted, once it is whole.
func (d *Deframer) short(r Record, payload []byte, kind EventKind) (Event, bool) {
	if len(payload) < r.Length {
		return Event{Kind: EventNeed, N: int32(r.Length - len(payload))}, true
	}
	d.next += offset(RecordHeaderLen + r.Length)
	if r.Length == 0 {
		return Event{}, false
	}
	if kind == EventChangeCipherSpec {
		d.changed = true
	}
	return Event{Kind: kind, Type: r.Type, N: int32(r.Length), Body: payload[:r.Length:r.Length]}, true
}

// protected tells of a record that is passed over.
func (d *Deframer) protected(r Record) Event {
	d.open(r, false)
	return Event{Kind: EventProtected, Type: r.Type, N: int32(r.Length)}
}

// open consumes a record's header.
func (d *Deframer) open(r Record, joining bool) {
	d.next += RecordHeaderLen
	d.left = offset(r.Length)
	d.joining = joining
}

// sslv2 tells of the SSL 2.0 record that the stream begins with.
func (d *Deframer) sslv2(buf []byte) (Event, bool) {
	b := buf[d.next:]
	typ := uint8(ssl2ClientHello)
	ans := probeSSLv2(b, typ)
	if ans == No {
		typ = ssl2ServerHello
		ans = probeSSLv2(b, typ)
	}
	if ans == No {
		return d.breakAt(int(d.next)), true
	}
	if ans == Maybe {
		return Event{Kind: EventNeed, N: int32(max(1, ssl2ClientFixed-len(b)))}, true
	}
	whole := ssl2HeaderLen + ssl2RecordLen(b)
	if len(b) < whole {
		return Event{Kind: EventNeed, N: int32(whole - len(b))}, true
	}
	d.begun = true
	d.next += offset(whole)
	d.start, d.end = d.next, d.next
	return Event{Kind: EventSSLv2, Type: typ, N: int32(whole), Body: b[:whole:whole]}, true
}

func (d *Deframer) breakAt(at int) Event {
	d.broken = true
	d.next = offset(at)
	return Event{Kind: EventBroken, N: int32(at)}
}

// need says how many more bytes an event takes at least.
func (d *Deframer) need(buf []byte, limit int) Event {
	header := int(d.left) + RecordHeaderLen - (len(buf) - int(d.next))
	if !d.joining || d.left == 0 {
		return Event{Kind: EventNeed, N: int32(header)}
	}
	want := int(d.drop) + HandshakeHeaderLen - int(d.end-d.start)
	if _, length, ok := ParseHandshakeHeader(buf[d.start:d.end]); ok {
		want += min(length, limit)
	}
	return Event{Kind: EventNeed, N: int32(min(want, header))}
}
