package flow

import (
	"slices"

	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse"
	"blindspot/tlsparse/dtls"
	"blindspot/tlsparse/quic"
)

// maxTalks bounds the handshakes under way between one pair of UDP ports.
// Beyond it the oldest ends early.
const maxTalks = 8

// talks are the handshakes under way of a flow of datagrams: QUIC connections
// can share a pair of ports.
type talks struct {
	list   []*talk
	number uint64 // of the packet that touched it last
}

// talk is one handshake over datagrams under way.
type talk struct {
	handshake // its streams are not used
	transport discover.Transport
	word      string // of the TURN framing around it
	answered  bool   // anything came from the server
	bodies    map[bodyKey][]byte
	held      int64 // bytes of bodies
	quic      *quic.Conn
	dtls      *[2]dtls.Assembler
}

// bodyKey names a handshake message that is kept.
type bodyKey struct {
	server bool
	typ    uint8
}

// datagram takes the next UDP datagram. Only those of QUIC and DTLS get an
// entry: what else is on UDP costs a look-up and a probe.
func (t *Table) datagram(s *decode.Segment) {
	t.stats.Datagrams++
	if len(s.Payload) == 0 {
		return
	}
	k, dir := keyOf(s)
	h := k.hash(t.seed)
	n := t.find(&k, h)
	if n == 0 {
		if sniff(s) == 0 {
			return
		}
		n = t.insert(k, h)
	}
	e := t.entry(n)
	if e.hs == 0 {
		if e.list == listDone && t.clock-e.last >= int64(touchEvery) {
			t.touch(n, e, listDone)
		}
		if tr := sniff(s); tr == 0 || tr == discover.DTLS && e.random != 0 && !dtlsHello(s.Payload) {
			return // after an answer, only a hello begins anew
		}
		e.hs = t.talks.take()
		t.touch(n, e, listOpen)
	}
	x := t.talks.get(e.hs)
	x.number = t.number
	if e.list == listOpen {
		t.touch(n, e, listOpen)
	}
	if s.Payload[0]&0x80 != 0 || x.speaks(discover.QUIC) && x.quicFirst(s.Payload) {
		t.quicDatagram(e, x, dir, s)
	} else {
		t.dtlsDatagram(e, x, dir, s)
	}
	if len(x.list) == 0 {
		t.releaseTalks(n, e)
	}
}

// sniff says which transport a datagram begins a handshake of, 0 for none.
func sniff(s *decode.Segment) discover.Transport {
	p := s.Payload
	if p[0]&0x80 != 0 { // a long header
		h, ok := quic.ParseHeader(p)
		if !ok || h.Type != quic.Initial && h.Type != quic.Other {
			return 0
		}
		switch ans := quic.Probe(p); {
		case ans == tlsparse.Yes, ans == tlsparse.Maybe && (s.Missing > 0 || len(p) >= 1000):
			return discover.QUIC
		}
		return 0
	}
	if inner, _ := dtls.Strip(p); dtls.Probe(inner) == tlsparse.Yes {
		return discover.DTLS
	}
	return 0
}

// dtlsHello reports whether a datagram's first record begins with a ClientHello.
func dtlsHello(p []byte) bool {
	const recordHeader = 13
	inner, _ := dtls.Strip(p)
	return len(inner) > recordHeader && inner[0] == tlsparse.RecordHandshake && inner[recordHeader] == tlsparse.TypeClientHello
}

func (x *talks) speaks(tr discover.Transport) bool {
	return slices.ContainsFunc(x.list, func(k *talk) bool { return k.transport == tr })
}

// quicFirst tells short-header packets from DTLS records, where a flow has
// both: a record's first byte is below 64, and a short header has the fixed
// bit.
func (x *talks) quicFirst(p []byte) bool { return p[0]&0x40 != 0 || !x.speaks(discover.DTLS) }

// newTalk begins a handshake.
func (t *Table) newTalk(e *entry, x *talks, tr discover.Transport, s *decode.Segment) *talk {
	if len(x.list) >= maxTalks {
		t.stats.NoBuffer++
		t.finishTalk(e, x, x.list[0], t.clock)
	}
	k := &talk{transport: tr, bodies: make(map[bodyKey][]byte, 4)}
	k.client = noDir
	k.first, k.handshake.number = s.Time, t.number
	k.tunnel = t.tunnels.number(&s.Tunnel)
	x.list = append(x.list, k)
	return k
}

// keep copies a message's body, the first of its type.
func (t *Table) keep(k *talk, server bool, typ uint8, body []byte) {
	key := bodyKey{server, typ}
	if _, ok := k.bodies[key]; ok || len(body) > maxMessage {
		return
	}
	k.bodies[key] = slices.Clone(body)
	k.held += int64(len(body))
	t.talkBytes += int64(len(body))
}

// forget lets a kept body go.
func (t *Table) forget(k *talk, key bodyKey) {
	n := int64(len(k.bodies[key]))
	delete(k.bodies, key)
	k.held -= n
	t.talkBytes -= n
}

// quicDatagram takes a datagram of a flow that speaks QUIC.
func (t *Table) quicDatagram(e *entry, x *talks, dir int, s *decode.Segment) {
	k := t.quicTalk(e, x, s)
	if k == nil {
		return
	}
	k.handshake.number = t.number
	ev := t.quic.Datagram(k.quic, s.Payload, s.Missing, k.side(dir))
	if ev.From == quic.Unknown {
		ev.From = k.side(dir)
	}
	if k.client == noDir && ev.Seen&(quic.SeenInitial|quic.SeenTruncated) != 0 {
		switch ev.From {
		case quic.Client:
			k.client = uint8(dir)
		case quic.Server:
			k.client = uint8(1 - dir)
		}
	}
	if ev.Seen&quic.SeenAnother != 0 && k.bodies[bodyKey{false, tlsparse.TypeClientHello}] != nil {
		t.observeTalk(e, k, t.clock)
		t.resetTalk(k, s)
	}
	k.answered = k.answered || k.client != noDir && int(k.client) != dir
	for {
		m, ok := t.quic.Next(k.quic)
		if !ok {
			break
		}
		t.talkMessage(e, k, m.From == quic.Server, m.Type, m.Body)
	}
	if t.quicCourse(k, dir, &ev) {
		t.finishTalk(e, x, k, t.clock)
	}
}

// quicTalk finds the connection of a datagram, or begins one.
func (t *Table) quicTalk(e *entry, x *talks, s *decode.Segment) *talk {
	t.conns = t.conns[:0]
	t.connTalks = t.connTalks[:0]
	for _, k := range x.list {
		if k.quic != nil {
			t.conns = append(t.conns, k.quic)
			t.connTalks = append(t.connTalks, k)
		}
	}
	if i := t.quic.Pick(t.conns, s.Payload, s.Missing); i >= 0 {
		return t.connTalks[i]
	}
	if sniff(s) != discover.QUIC {
		return nil
	}
	k := t.newTalk(e, x, discover.QUIC, s)
	k.quic = &quic.Conn{}
	return k
}

func (k *talk) side(dir int) quic.Side {
	switch k.client {
	case noDir:
		return quic.Unknown
	case uint8(dir):
		return quic.Client
	}
	return quic.Server
}

// quicCourse notes what a datagram says of the course of a connection, and
// reports whether its visible part has ended: the client's first packet with
// application keys says that it accepts the server.
func (t *Table) quicCourse(k *talk, dir int, ev *quic.Event) bool {
	if ev.Seen&quic.SeenClose != 0 {
		if d, ok := ev.Close.Alert(); ok {
			server := ev.Close.From == quic.Server
			k.addAlert(alert{level: tlsparse.AlertFatal, description: d, server: server})
			k.refused = refusedByClient
			if server {
				k.refused = refusedByServer
			}
		}
		return k.flags&sawHello != 0
	}
	if ev.Seen&quic.SeenNotTLS != 0 {
		return true
	}
	if ev.Seen&quic.SeenOneRTT != 0 && int(k.client) == dir && k.flags&sawServerHello != 0 {
		k.flags |= clientFinished | serverReplied
		return true
	}
	return false
}

// dtlsDatagram takes a datagram of a flow that speaks DTLS.
func (t *Table) dtlsDatagram(e *entry, x *talks, dir int, s *decode.Segment) {
	inner, word := dtls.Strip(s.Payload)
	var k *talk
	for _, o := range x.list {
		if o.dtls != nil {
			k = o
		}
	}
	if k == nil {
		if sniff(s) != discover.DTLS {
			return
		}
		k = t.newTalk(e, x, discover.DTLS, s)
		k.dtls, k.word = &[2]dtls.Assembler{}, word
	}
	k.handshake.number = t.number
	k.dtls[dir].Datagram(inner, func(ev dtls.Event) { t.dtlsEvent(e, k, dir, s, ev) })
	decided, whole := k.decided()
	if decided && whole {
		t.finishTalk(e, x, k, t.clock)
	}
}

func (t *Table) dtlsEvent(e *entry, k *talk, dir int, s *decode.Segment, ev dtls.Event) {
	if ev.Kind == dtls.EventRestart {
		t.observeTalk(e, k, t.clock)
		other := &k.dtls[1-dir]
		t.resetTalk(k, s)
		other.Restart(func(dtls.Event) {})
		return
	}
	if ev.Kind == dtls.EventMessage && k.client == noDir {
		switch ev.Type {
		case tlsparse.TypeClientHello:
			k.client = uint8(dir)
		case tlsparse.TypeServerHello, tlsparse.TypeHelloVerifyRequest, tlsparse.TypeCertificate:
			k.client = uint8(1 - dir)
		}
	}
	client := int(k.client) == dir
	k.answered = k.answered || k.client != noDir && !client
	switch ev.Kind {
	case dtls.EventMessage:
		body := ev.Body
		if ev.Type == tlsparse.TypeClientHello {
			t.parse.hello, _ = dtls.ClientHelloBody(body, t.parse.hello[:0]) // a cut one goes as far as it goes
			body = t.parse.hello
		}
		t.talkMessage(e, k, !client, ev.Type, body)
	case dtls.EventTooLong:
		t.stats.TooLong++
	case dtls.EventGap, dtls.EventPartial:
		k.flags |= cutShort
	case dtls.EventChangeCipherSpec:
		k.flags |= pick(client, clientCCS, serverCCS)
	case dtls.EventAlert:
		t.alerts(&k.handshake, client, ev.Body)
	case dtls.EventProtected:
		k.dtlsProtected(client, ev)
	}
}

// dtlsProtected: in DTLS 1.3 a client that goes on sends its Finished in a
// record of its own size; up to 1.2 application data follows the handshake.
func (k *talk) dtlsProtected(client bool, ev dtls.Event) {
	if k.flags&isTLS13 != 0 {
		if client && ev.N >= finishedRecord {
			k.flags |= clientFinished | serverReplied
		}
		return
	}
	if ev.Type == tlsparse.RecordApplicationData || ev.Type == dtls.RecordCID {
		k.flags |= pick(client, clientData, serverData)
	}
}

// talkMessage notes and keeps a handshake message.
func (t *Table) talkMessage(e *entry, k *talk, server bool, typ uint8, body []byte) {
	switch {
	case !server:
		switch typ {
		case tlsparse.TypeClientHello:
			if k.flags&sawHello == 0 && k.client != noDir {
				k.hello = hashBytes(t.seed, body)
				t.hellos.note(k.hello, e, int(k.client), t.now)
			}
			k.flags |= sawHello
			if k.bodies[bodyKey{true, tlsparse.TypeHelloVerifyRequest}] != nil && k.flags&sawServerHello == 0 {
				t.forget(k, bodyKey{false, typ}) // the hello with the cookie counts, also for the key proof
			}
		case tlsparse.TypeCertificate, tlsparse.TypeClientKeyExchange:
			k.flags |= sawClientFlight
		}
	case typ == tlsparse.TypeServerHello:
		h := &t.parse.server
		if tlsparse.ParseServerHello(body, h) != nil {
			t.stats.UnparsedServer++
		}
		if h.HelloRetryRequest {
			k.flags |= sawHelloRetry
			return
		}
		k.flags |= sawServerHello
		k.version = h.SelectedVersion
		k.answer = hashBytes(t.seed, h.Random)
		t.hellos.answered(k.hello, e, k.answer)
		if v := plainVersion(h.SelectedVersion); v == tlsparse.VersionTLS13 || tlsparse.DraftVersion(v) > 0 {
			k.flags |= isTLS13
		}
	case typ == tlsparse.TypeCertificate:
		k.flags |= sawCertificate
	case typ == tlsparse.TypeServerHelloDone:
		k.flags |= sawServerDone
	}
	t.keep(k, server, typ, body)
}

// plainVersion gives the version of TLS that a version of DTLS is made of.
func plainVersion(v uint16) uint16 {
	switch v {
	case tlsparse.VersionDTLS10:
		return tlsparse.VersionTLS11
	case tlsparse.VersionDTLS12:
		return tlsparse.VersionTLS12
	case tlsparse.VersionDTLS13:
		return tlsparse.VersionTLS13
	}
	return v
}

// observeTalk emits what was seen of a handshake over datagrams.
func (t *Table) observeTalk(e *entry, k *talk, at int64) {
	if k.dtls != nil {
		for dir := range k.dtls {
			k.dtls[dir].Flush(func(ev dtls.Event) { t.dtlsEvent(e, k, dir, &decode.Segment{}, ev) })
		}
	}
	hello := k.bodies[bodyKey{false, tlsparse.TypeClientHello}]
	certificate := k.bodies[bodyKey{true, tlsparse.TypeCertificate}]
	if k.client == noDir || hello == nil && certificate == nil && k.flags&isTLS13 == 0 {
		t.stats.HalfAnswer += oneIf(k.flags&sawServerHello != 0)
		return
	}
	o := t.observation(e, &k.handshake, at, k.transport)
	if k.word != "" {
		o.Tunnel = append(slices.Clone(o.Tunnel), k.word)
	}
	letter := byte('q')
	if k.transport == discover.DTLS {
		letter = 'd'
	}
	h := &t.parse.client
	if hello != nil {
		if tlsparse.ParseClientHello(hello, h) != nil {
			t.stats.UnparsedHello++
		}
		e.random = hashRandom(h.Random)
		t.describeHello(h, o, letter, true)
	}
	t.observeAnswer(k, o)
	o.HopFrom = t.hellos.before(k.hello, e, k.answer, o.Server)
	t.emit(o)
}

// observeAnswer reads the server's side, and how it went.
func (t *Table) observeAnswer(k *talk, o *discover.Observation) {
	h := &t.parse.server
	o.HelloRetry = k.flags&sawHelloRetry != 0
	if body := k.bodies[bodyKey{true, tlsparse.TypeServerHello}]; body != nil {
		tlsparse.ParseServerHello(body, h) // damage was counted when it came
		t.describeServerHello(h, o, k.transport == discover.DTLS)
		h.SelectedVersion = plainVersion(h.SelectedVersion)
	}
	if body := k.bodies[bodyKey{true, tlsparse.TypeCertificate}]; body != nil && k.flags&isTLS13 == 0 {
		o.Chain, o.CertsFrom = t.chain(body, o), discover.FromWire
		if body := k.bodies[bodyKey{true, tlsparse.TypeServerKeyExchange}]; body != nil && o.ServerHello {
			t.keyExchange(body, h, o)
		}
		if body := k.bodies[bodyKey{true, tlsparse.TypeCertificateStatus}]; body != nil {
			t.stapled(body, o)
		}
	}
	if body := k.bodies[bodyKey{false, tlsparse.TypeCertificate}]; body != nil && k.flags&isTLS13 == 0 {
		o.ClientChain = t.chain(body, o)
	}
	k.describeCourse(h, o)
}

func (k *talk) describeCourse(h *tlsparse.ServerHello, o *discover.Observation) {
	cut := k.flags&cutShort != 0
	switch {
	case !o.ServerHello:
	case k.flags&isTLS13 != 0:
		o.Resumed = discover.TriOf(h.PSKSelected)
	case o.CertsFrom != "" || k.flags&sawServerDone != 0:
		o.Resumed = discover.No
	case k.resumed(o) && !cut:
		o.Resumed = discover.Yes
	}
	switch {
	case k.flags&isTLS13 != 0 || !o.ServerHello:
	case k.bodies[bodyKey{true, tlsparse.TypeCertificateRequest}] != nil:
		o.ClientAuthRequested = discover.Yes
	case (k.flags&sawServerDone != 0 || k.resumed(o)) && !cut:
		o.ClientAuthRequested = discover.No
	}
	o.Alerts = k.told()
	o.PacketsLost = int(oneIf(cut))
	server := side{st: &stream{}}
	if k.answered {
		server.st.have = 1
	}
	o.Outcome = k.outcome(server, o)
	if o.Outcome == discover.OutcomeUnknown && !o.ServerHello && k.refused == 0 {
		o.Outcome = discover.Unanswered // a cookie, a Retry or an ACK is no answer to a hello
	}
	if o.CertsFrom != "" {
		return
	}
	o.CertsHidden = k.hidden(server, o)
	if !o.ServerHello && o.CertsHidden == discover.HiddenTruncated {
		o.CertsHidden = discover.HiddenNoAnswer
	}
}

// finishTalk ends one handshake of a flow.
func (t *Table) finishTalk(e *entry, x *talks, k *talk, at int64) {
	t.observeTalk(e, k, at)
	t.dropTalk(k)
	x.list = slices.DeleteFunc(x.list, func(o *talk) bool { return o == k })
}

// resetTalk makes k a handshake of which nothing was seen, on the same
// connection.
func (t *Table) resetTalk(k *talk, s *decode.Segment) {
	t.talkBytes -= k.held
	*k = talk{transport: k.transport, word: k.word, quic: k.quic, dtls: k.dtls, bodies: make(map[bodyKey][]byte, 4)}
	k.client = noDir
	k.first, k.handshake.number = s.Time, t.number
	k.tunnel = t.tunnels.number(&s.Tunnel)
}

func (t *Table) dropTalk(k *talk) {
	t.talkBytes -= k.held
	if k.quic != nil {
		t.quic.Release(k.quic)
	}
}

// finishTalks ends every handshake of a flow.
func (t *Table) finishTalks(n uint32, e *entry, at int64) {
	x := t.talks.get(e.hs)
	for len(x.list) > 0 {
		t.finishTalk(e, x, x.list[0], at)
	}
	t.releaseTalks(n, e)
}

// releaseTalks makes a flow an answered one, and room where too much is held.
func (t *Table) releaseTalks(n uint32, e *entry) {
	x := t.talks.get(e.hs)
	*x = talks{}
	t.talks.give(e.hs)
	e.hs = 0
	t.touch(n, e, listDone)
}

// relieve ends the handshakes that wait longest while datagrams hold too many
// bytes.
func (t *Table) relieve() {
	for t.talkBytes > t.cfg.MaxBuffered/2 {
		n := t.lists[listClosing].head
		if n == 0 {
			n = t.lists[listOpen].head
		}
		if n == 0 {
			return
		}
		t.stats.NoBuffer++
		t.finish(n, t.entry(n), t.clock)
	}
}
