package flow

import (
	"blindspot/capture/decode"
	"blindspot/tlsparse"
)

const (
	// maxMessage bounds a handshake message: more than any chain that is in
	// use, ML-DSA included, and less than maxPrefix.
	maxMessage = 192 << 10
	// maxAlerts bounds the alerts that are kept of a handshake.
	maxAlerts = 4
	// maxUnsynced is how many segments without a SYN before them are kept, in
	// case the start comes later.
	maxUnsynced = 3
)

// Lengths of TLS 1.3 records that tell a client that goes on from one that
// gives up: content, type and tag (RFC 8446 §5.2). Some stacks pad to 16.
const (
	alertRecord       = 2 + 1 + 16
	paddedAlertRecord = 16 + 2 + 1 + 16
	finishedRecord    = 4 + 32 + 1 + 16
)

// noDir is the client's direction while it is unknown.
const noDir = 2

// handshake is a handshake under way. It holds no pointer.
type handshake struct {
	first    int64  // packet time of its first byte
	number   uint64 // of the packet that touched it last
	finished int64  // TLS 1.3: packet time of what can be the client's Finished
	hello    uint64 // hash of the first ClientHello, 0 before it is whole
	answer   uint64 // hash of the server random
	streams  [2]uint32
	client   uint8  // direction of the client, noDir while unknown
	refused  uint8  // who sent the first fatal alert, refused… constants
	tries    uint8  // segments seen without a known start
	looks    uint8  // at the preface
	preface  uint32 // +1 in the table's prefaces, 0 for none
	nalerts  uint8
	flags    flags
	version  uint16
	tunnel   uint16 // name in the table's tunnelNames
	alerts   [maxAlerts]alert
	acks     [2]ackRange
}

const (
	refusedByClient = 1
	refusedByServer = 2
)

type flags uint32

const (
	sawHello        flags = 1 << iota // the whole ClientHello
	sawServerHello                    // a ServerHello that is no HelloRetryRequest
	sawHelloRetry                     //
	isTLS13                           //
	sawCertificate                    // the server's Certificate message
	sawServerDone                     // ServerHelloDone
	sawClientFlight                   // key exchange or certificate of the client
	clientCCS                         // ChangeCipherSpec
	serverCCS                         //
	clientData                        // records that only follow a handshake
	serverData                        //
	clientFinished                    // TLS 1.3: a record that can be a Finished
	clientGaveUp                      // TLS 1.3: a record that can only be an alert
	clientLeft                        // TLS 1.3: one of that length after the Finished
	serverReplied                     // TLS 1.3: anything after the client's Finished
	serverGaveUp                      //
	clientSeen                        // any packet of that side; by role once known
	serverSeen                        //
	dir0Seen                          //
	dir1Seen                          //
	dir0FIN                           //
	dir1FIN                           //
	sawRST                            //
	cutShort                          // a snaplen cut bytes off
	tooLong                           // a message was over maxMessage
	serverClear                       // the server answered in something else
)

// alert is an alert in the clear.
type alert struct {
	level, description uint8
	server             bool
}

// ackRange is what a side has acknowledged, first and last. It proves that the
// other side spoke where its packets were not captured.
type ackRange struct {
	first, last uint32
	known       bool
}

// syn notes where a direction begins, and ends the flow's previous connection.
func (t *Table) syn(n uint32, e *entry, dir int, s *decode.Segment) {
	mark := uint8(flagISN0 << dir)
	if s.Flags&decode.ACK == 0 && t.reused(e, dir, s.Seq) {
		if e.hs != 0 {
			t.finish(n, e, t.clock)
		}
		e.flags, e.random = 0, 0
		t.touch(n, e, listSYN)
	}
	e.isn[dir] = s.Seq
	e.flags |= mark
	if s.Flags&decode.ACK == 0 {
		e.flags = e.flags&^(flagOpened0|flagOpened1) | uint8(flagOpened0<<dir)
	}
}

// reused reports whether a SYN begins another connection than the entry's.
func (t *Table) reused(e *entry, dir int, seq uint32) bool {
	if e.flags&uint8(flagISN0<<dir) != 0 {
		return e.isn[dir] != seq
	}
	if e.hs == 0 {
		return e.list == listDone
	}
	hs := t.hs.get(e.hs)
	if hs.streams[dir] == 0 {
		return false
	}
	ahead := t.streams.get(hs.streams[dir]).base - (seq + 1)
	return ahead >= maxPrefix // else the SYN came late
}

// quiet takes a segment of an entry that has no handshake under way.
func (t *Table) quiet(n uint32, e *entry, dir int, s *decode.Segment) {
	if len(s.Payload) == 0 {
		if e.list == listSYN && s.Flags&decode.RST != 0 {
			t.remove(n)
		}
		return
	}
	if e.list == listDone {
		if t.clock-e.last >= int64(touchEvery) {
			t.touch(n, e, listDone)
		}
		if !startsHello(s.Payload) || randomOf(s.Payload) == e.random {
			return
		}
		e.flags &^= flagForeign
	}
	t.begin(n, e, s)
	t.segment(n, e, dir, s)
}

// startsHello is a quick look before the strict probe.
func startsHello(p []byte) bool {
	return len(p) > 10 && p[0] == tlsparse.RecordHandshake && p[1] == 3 && p[5] == tlsparse.TypeClientHello &&
		tlsparse.ProbeClientHello(p) == tlsparse.Yes
}

// randomOf hashes the random of a hello at the start of p, 0 where it is not
// whole.
func randomOf(p []byte) uint32 {
	const at = tlsparse.RecordHeaderLen + tlsparse.HandshakeHeaderLen + 2
	if len(p) < at+32 {
		return 0
	}
	return hashRandom(p[at : at+32])
}

func hashRandom(r []byte) uint32 {
	if len(r) < 32 {
		return 0
	}
	h := mix(be64(r)^be64(r[16:]), be64(r[8:])^be64(r[24:])^0x9e3779b97f4a7c15)
	return uint32(h^h>>32) | 1
}

// begin starts to collect a handshake.
func (t *Table) begin(n uint32, e *entry, s *decode.Segment) {
	e.hs = t.hs.take()
	hs := t.hs.get(e.hs)
	hs.client = noDir
	hs.first = s.Time
	hs.tunnel = t.tunnels.number(&s.Tunnel)
	t.touch(n, e, listOpen)
}

// segment takes a segment of a handshake under way.
func (t *Table) segment(n uint32, e *entry, dir int, s *decode.Segment) {
	hs := t.hs.get(e.hs)
	hs.number = t.number
	hs.flags |= dir0Seen << dir
	if e.list == listOpen {
		t.touch(n, e, listOpen)
	}
	if s.Flags&decode.ACK != 0 {
		hs.acks[dir].see(s.Ack)
	}
	if s.Missing > 0 {
		hs.flags |= cutShort
	}
	if len(s.Payload) > 0 && !t.payload(n, e, hs, dir, s) {
		return
	}
	if s.Flags&decode.FIN != 0 {
		hs.flags |= dir0FIN << dir
	}
	if s.Flags&decode.RST != 0 {
		hs.flags |= sawRST
	}
	t.settle(n, e, hs)
}

func (a *ackRange) see(ack uint32) {
	if !a.known {
		*a = ackRange{first: ack, last: ack, known: true}
		return
	}
	if int32(ack-a.last) > 0 {
		a.last = ack
	}
}

// spoke reports whether the other side has sent bytes.
func (a *ackRange) spoke() bool { return a.known && a.last-a.first > 1 }

// payload takes the bytes of a segment in. It reports false where that ended
// the handshake.
func (t *Table) payload(n uint32, e *entry, hs *handshake, dir int, s *decode.Segment) bool {
	seq := s.Seq
	if s.Flags&decode.SYN != 0 {
		seq++ // TCP Fast Open
	}
	if hs.streams[dir] == 0 {
		hs.streams[dir] = t.streams.take()
		t.streams.get(hs.streams[dir]).start(e, dir, seq)
	}
	st := t.streams.get(hs.streams[dir])
	switch st.state {
	case streamClosed, streamBroken:
		return true
	case streamClear:
		return t.lateHello(n, e, hs, st, dir, seq, s.Payload)
	}
	if st.state == streamNew && st.have == 0 && seq != st.base && startsTLS(s.Payload) {
		st.restart(&t.buffers, seq) // what was before it does not matter
	}
	switch t.accept(n, e, st, seq, s.Payload) {
	case acceptedNoRoom:
		return false
	case acceptedOver:
		st.lost++
		t.stats.OverPrefix++
		if st.top() > maxPrefix/2 {
			st.state = streamBroken
		}
	case acceptedMore:
		return t.read(n, e, hs, st, dir, seq, s.Payload)
	case acceptedIsland:
		return t.unsynced(n, e, hs, st)
	}
	return true
}

// startsTLS reports whether a segment begins with a hello of either side.
func startsTLS(p []byte) bool {
	return len(p) > 10 && p[0] == tlsparse.RecordHandshake && p[1] == 3 &&
		(tlsparse.ProbeClientHello(p) == tlsparse.Yes || tlsparse.ProbeServerHello(p) == tlsparse.Yes)
}

// start sets where a direction begins: behind its SYN if that was seen, else
// with its first segment.
func (s *stream) start(e *entry, dir int, seq uint32) {
	s.base = seq
	if e.flags&uint8(flagISN0<<dir) != 0 && seq-(e.isn[dir]+1) < maxPrefix {
		s.base = e.isn[dir] + 1
		s.synced = true
	}
}

// accept takes bytes in, and makes room by ending the handshakes that wait
// longest.
func (t *Table) accept(n uint32, e *entry, st *stream, seq uint32, p []byte) accepted {
	for {
		r := st.accept(&t.buffers, seq, p)
		if r != acceptedNoRoom {
			return r
		}
		t.stats.NoBuffer++
		victim := t.lists[listClosing].head
		if victim == 0 {
			victim = t.lists[listOpen].head
		}
		t.finish(victim, t.entry(victim), t.clock)
		if victim == n {
			return acceptedNoRoom
		}
	}
}

// lateHello looks for a hello at the start of a segment of a direction that
// began with something else.
func (t *Table) lateHello(n uint32, e *entry, hs *handshake, st *stream, dir int, seq uint32, p []byte) bool {
	if !startsTLS(p) {
		return true
	}
	if hs.client == noDir {
		hs.first = t.now
	}
	st.restart(&t.buffers, seq)
	if t.accept(n, e, st, seq, p) == acceptedNoRoom {
		return false
	}
	return t.read(n, e, hs, st, dir, seq, p)
}

// read looks at what has become contiguous. It reports false where that ended
// the handshake.
func (t *Table) read(n uint32, e *entry, hs *handshake, st *stream, dir int, seq uint32, p []byte) bool {
	if st.state == streamNew {
		switch t.probe(hs, st, dir) {
		case tlsparse.Maybe:
			return true
		case tlsparse.No:
			if hs.client == noDir {
				found, decided := t.preface(e, hs)
				if found {
					hs.first = t.now
					t.resume(e, hs)
					return true
				}
				if !decided && !startsTLS(p) {
					return true
				}
			}
			if startsTLS(p) && seq != st.base {
				return t.lateHello(n, e, hs, st, dir, seq, p)
			}
			return t.clear(n, e, hs, st, dir)
		}
	}
	if st.state == streamTLS && st.have >= st.want {
		t.deframe(e, hs, st, dir)
	}
	return true
}

// probe decides what a direction begins with, from its first bytes.
func (t *Table) probe(hs *handshake, st *stream, dir int) tlsparse.Answer {
	b := t.buffers.bytes(st.buf)[:st.have]
	client, server := tlsparse.No, tlsparse.No
	if hs.client == noDir || int(hs.client) == dir {
		client = tlsparse.ProbeClientHello(b)
	}
	if hs.client == noDir || int(hs.client) != dir {
		server = max(tlsparse.ProbeServerHello(b), tlsparse.ProbeAlert(b))
	}
	switch {
	case client == tlsparse.Yes:
		hs.client = uint8(dir)
	case server == tlsparse.Yes:
		hs.client = uint8(1 - dir)
	default:
		if hs.client == noDir && max(client, server) == tlsparse.No {
			return t.probeCertificate(hs, st, dir, b)
		}
		return max(client, server)
	}
	st.state = streamTLS
	st.synced = true
	return tlsparse.Yes
}

// probeCertificate takes a Certificate message for the start of a handshake
// whose hellos were not captured. Until a later message tells, it is taken for
// the server's.
func (t *Table) probeCertificate(hs *handshake, st *stream, dir int, b []byte) tlsparse.Answer {
	ans := tlsparse.ProbeCertificate(b)
	if ans == tlsparse.Yes {
		hs.client = uint8(1 - dir)
		st.state = streamTLS
		st.synced = true
	}
	return ans
}

// clear handles a direction that does not begin with TLS.
func (t *Table) clear(n uint32, e *entry, hs *handshake, st *stream, dir int) bool {
	if hs.client != noDir { // the other side speaks TLS
		b := t.buffers.bytes(st.buf)[:st.have]
		if _, ans := tlsparse.ParseRecordHeader(b); ans == tlsparse.Yes {
			st.state = streamTLS // its hello was not captured
			t.deframe(e, hs, st, dir)
			return true
		}
		if int(hs.client) != dir {
			hs.flags |= serverClear
		}
		st.state = streamClear
		return true
	}
	if !st.synced {
		return t.unsynced(n, e, hs, st)
	}
	t.foreign(n, e, hs)
	return false
}

// unsynced gives a flow whose start was not seen a few segments to show one.
func (t *Table) unsynced(n uint32, e *entry, hs *handshake, st *stream) bool {
	if st.synced || st.state != streamNew || hs.client != noDir {
		return true
	}
	if hs.tries++; hs.tries < maxUnsynced {
		return true
	}
	t.foreign(n, e, hs)
	return false
}

// foreign gives a flow up as not ours. A hello at the start of a later segment
// will be seen even so.
func (t *Table) foreign(n uint32, e *entry, hs *handshake) {
	t.countForeign(e, hs)
	e.random = 0
	t.release(n, e)
}

// countForeign counts a flow in which no handshake was seen.
func (t *Table) countForeign(e *entry, hs *handshake) {
	if t.midStream(hs) {
		t.stats.MidStream++
	} else {
		t.stats.Foreign++
	}
	e.flags |= flagForeign
}

// midStream reports whether a direction's first bytes are a TLS record of a
// connection that was there before the capture.
func (t *Table) midStream(hs *handshake) bool {
	for _, n := range hs.streams {
		if n == 0 {
			continue
		}
		st := t.streams.get(n)
		b := t.buffers.bytes(st.buf)[:st.have]
		if r, ans := tlsparse.ParseRecordHeader(b); ans == tlsparse.Yes && r.Length > 0 && r.Version <= tlsparse.VersionTLS13 {
			return true
		}
	}
	return false
}

// deframe reads the events of a direction that carries TLS.
func (t *Table) deframe(e *entry, hs *handshake, st *stream, dir int) {
	buf := t.buffers.bytes(st.buf)[:st.have]
	for {
		ev := st.deframe.Step(buf, maxMessage)
		client := int(hs.client) == dir
		switch ev.Kind {
		case tlsparse.EventNeed:
			st.want = st.have + uint32(max(ev.N, 1))
			return
		case tlsparse.EventMessage:
			st.note(ev.Type, st.deframe.Start(), len(ev.Body))
			t.message(e, hs, client, ev)
		case tlsparse.EventSSLv2:
			st.note(sslv2Type(ev.Type), st.deframe.Consumed(), len(ev.Body))
			if client {
				hs.flags |= sawHello
			}
		case tlsparse.EventTooLong:
			t.stats.TooLong++
			hs.flags |= tooLong
		case tlsparse.EventChangeCipherSpec:
			hs.flags |= pick(client, clientCCS, serverCCS)
		case tlsparse.EventAlert:
			t.alerts(hs, client, ev.Body)
		case tlsparse.EventProtected:
			t.protected(hs, client, ev)
		case tlsparse.EventBroken:
			t.stats.Broken++
			st.state = streamBroken
			return
		}
	}
}

func pick(client bool, c, s flags) flags {
	if client {
		return c
	}
	return s
}

// Types under which SSL 2.0's hellos are noted. They are no handshake types.
const (
	typeSSLv2ClientHello = 0xf1
	typeSSLv2ServerHello = 0xf4
)

func sslv2Type(typ uint8) uint8 { return 0xf0 | typ }

// message notes what a handshake message says of the handshake's course.
func (t *Table) message(e *entry, hs *handshake, client bool, ev tlsparse.Event) {
	if client {
		switch ev.Type {
		case tlsparse.TypeClientHello:
			if hs.flags&sawHello == 0 {
				hs.hello = hashBytes(t.seed, ev.Body)
				t.hellos.note(hs.hello, e, int(hs.client), t.now)
			}
			hs.flags |= sawHello
		case tlsparse.TypeCertificate, tlsparse.TypeClientKeyExchange, tlsparse.TypeCertificateVerify:
			hs.flags |= sawClientFlight
		}
		return
	}
	switch ev.Type {
	case tlsparse.TypeServerHello:
		t.serverHello(e, hs, ev.Body)
	case tlsparse.TypeCertificate:
		hs.flags |= sawCertificate
	case tlsparse.TypeServerHelloDone:
		hs.flags |= sawServerDone
	case tlsparse.TypeClientKeyExchange, tlsparse.TypeCertificateVerify:
		if hs.flags&(sawServerHello|sawHello) == 0 { // see probeCertificate
			hs.client = 1 - hs.client
			hs.flags = hs.flags&^sawCertificate | sawClientFlight
		}
	}
}

func (t *Table) serverHello(e *entry, hs *handshake, body []byte) {
	h := &t.parse.server
	if tlsparse.ParseServerHello(body, h) != nil {
		t.stats.UnparsedServer++
	}
	if h.HelloRetryRequest {
		hs.flags |= sawHelloRetry
		return
	}
	hs.flags |= sawServerHello
	hs.version = h.SelectedVersion
	hs.answer = hashBytes(t.seed, h.Random)
	t.hellos.answered(hs.hello, e, hs.answer)
	if h.SelectedVersion == tlsparse.VersionTLS13 || tlsparse.DraftVersion(h.SelectedVersion) > 0 {
		hs.flags |= isTLS13
	}
}

// alerts notes alerts in the clear. The first fatal one decides who refused.
func (t *Table) alerts(hs *handshake, client bool, payload []byte) {
	list, _ := tlsparse.ParseAlerts(payload, t.parse.alerts[:0])
	t.parse.alerts = list
	for _, a := range list {
		hs.addAlert(alert{level: a.Level, description: a.Description, server: !client})
		if a.Fatal() && hs.refused == 0 {
			hs.refused = refusedByServer
			if client {
				hs.refused = refusedByClient
			}
		}
	}
}

func (hs *handshake) addAlert(a alert) {
	if int(hs.nalerts) < maxAlerts {
		hs.alerts[hs.nalerts] = a
		hs.nalerts++
	}
}

// protected reads what type, length and moment of an encrypted record tell.
// Only TLS 1.3 hides the course of a handshake; whether it is, may become known
// later, when the client's direction comes first.
func (t *Table) protected(hs *handshake, client bool, ev tlsparse.Event) {
	if ev.Type != tlsparse.RecordApplicationData {
		return
	}
	hs.flags |= pick(client, clientData, serverData)
	if client {
		t.protectedByClient(hs, ev.N)
	} else if hs.flags&isTLS13 != 0 {
		hs.protectedByServer(ev.N, t.now)
	}
}

// protectedByClient: a client of TLS 1.3 goes on with a Certificate or a
// Finished, or gives up with an alert.
func (t *Table) protectedByClient(hs *handshake, length int) {
	isAlert := length == alertRecord || length == paddedAlertRecord
	switch {
	case hs.flags&clientGaveUp != 0 || hs.flags&sawServerHello == 0 && t.earlyData(hs):
	case hs.flags&clientFinished != 0:
		hs.flags |= pick(length == alertRecord, clientLeft, 0)
	case isAlert:
		hs.flags |= clientGaveUp
	case length >= finishedRecord:
		hs.flags |= clientFinished
		hs.finished = t.now
	}
}

// earlyData reports whether the client said that it would send data before it
// has an answer (RFC 8446 §4.2.10).
func (t *Table) earlyData(hs *handshake) bool {
	body := t.side(hs, int(hs.client)).message(tlsparse.TypeClientHello, 0)
	return body != nil && tlsparse.ParseClientHello(body, &t.parse.client) == nil && t.parse.client.EarlyData
}

// protectedByServer: an alert as the first answer to the client's Finished
// refuses the client, unless the client was leaving, or the server closes an
// idle connection. Anything else accepts it.
func (hs *handshake) protectedByServer(length int, now int64) {
	if hs.flags&clientFinished == 0 || hs.flags&serverReplied != 0 {
		return
	}
	hs.flags |= serverReplied
	leaving := hs.flags&(clientLeft|dir0FIN<<hs.client) != 0
	if length == alertRecord && !leaving && now-hs.finished < int64(refuseWithin) {
		hs.flags |= serverGaveUp
	}
}

// settle ends the handshake where its visible part has ended, and gives it a
// grace where only a late packet can still add to it.
func (t *Table) settle(n uint32, e *entry, hs *handshake) {
	decided, whole := hs.decided()
	switch {
	case decided && whole:
		t.finish(n, e, t.clock)
	case e.list == listClosing:
	case decided || hs.closed():
		e.last = t.clock + int64(closeGrace)
		t.move(n, e, listClosing)
		t.watch(e)
	}
}

// decided reports whether the outcome is known, and whether what belongs to it
// was seen of both sides.
func (hs *handshake) decided() (decided, whole bool) {
	f := hs.flags
	hello := f&sawHello != 0
	switch {
	case hs.refused == refusedByServer:
		return true, hello
	case hs.refused == refusedByClient:
		return true, hello && (f&sawServerHello != 0 && f&isTLS13 != 0 || f&(sawServerDone|serverCCS) != 0)
	case f&isTLS13 != 0:
		switch {
		case f&clientGaveUp != 0:
			return true, hello
		case f&clientFinished != 0:
			return f&(serverReplied|sawRST|dir0FIN|dir1FIN) != 0, hello
		}
		return false, false
	case f&clientCCS != 0 && f&serverCCS != 0:
		return true, hello && f&sawServerHello != 0
	case f&clientCCS != 0 && f&clientData != 0, f&serverCCS != 0 && f&serverData != 0:
		return true, false
	}
	return false, false
}

// closed reports whether no more is to come, but for packets out of order.
func (hs *handshake) closed() bool {
	f := hs.flags
	if f&sawRST != 0 || f&dir0FIN != 0 && f&dir1FIN != 0 {
		return true
	}
	return f&dir0FIN != 0 && f&dir1Seen == 0 || f&dir1FIN != 0 && f&dir0Seen == 0
}

// finish ends a handshake: it becomes an observation, and its flow an answered
// one.
func (t *Table) finish(n uint32, e *entry, at int64) {
	if e.key.proto == decode.UDP {
		t.finishTalks(n, e, at)
		return
	}
	hs := t.hs.get(e.hs)
	t.observe(e, hs, at)
	t.release(n, e)
}

// release gives back what a handshake holds.
func (t *Table) release(n uint32, e *entry) {
	hs := t.hs.get(e.hs)
	for _, sn := range hs.streams {
		if sn != 0 {
			t.buffers.release(t.streams.get(sn).buf)
			t.streams.give(sn)
		}
	}
	if hs.preface != 0 {
		t.prefaces.give(hs.preface)
	}
	t.hs.give(e.hs)
	e.hs = 0
	t.touch(n, e, listDone)
}
