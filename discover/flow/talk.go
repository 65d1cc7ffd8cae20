package flow

import (
	"hash/maphash"
	"slices"

	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse"
	"blindspot/tlsparse/dtls"
	"blindspot/tlsparse/keylog"
	"blindspot/tlsparse/quic"
	"blindspot/tlsparse/starttls"
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
	handshake // its streams are used for OpenVPN only
	transport discover.Transport
	word      string // of the TURN framing around it
	answered  bool   // anything came from the server
	// negotiated: the server wants another version of QUIC, and the client will
	// say hello anew.
	negotiated bool
	bodies     map[bodyKey][]byte
	held       int64 // bytes of bodies
	quic       *quic.Conn
	dtls       *[2]dtls.Assembler
	openvpn    *openvpn
	revealed   *keylog.Hidden // what logged secrets opened
	unseal     [2]*dtls.Unsealer
}

// bodyKey names a handshake message that is kept.
type bodyKey struct {
	server bool
	typ    uint8
}

// datagram takes the next UDP datagram. Only those of QUIC and DTLS get an
// entry: what else is on UDP costs a look-up and a probe.
func (t *Table) datagram(s *decode.Segment, h uint32) {
	t.stats.Datagrams++
	if len(s.Payload) == 0 {
		return
	}
	n, e, dir := t.find(s, h)
	if e == nil {
		if sniff(s) == 0 {
			t.useless(s)
			return
		}
		n, e, dir = t.insert(s, h)
	}
	if e.hs == 0 {
		if e.list == listDone && t.clock-e.last >= int64(touchEvery) {
			t.touch(n, e, listDone)
		}
		if tr := sniff(s); tr == 0 || tr == discover.DTLS && e.flags&flagHello != 0 && !dtlsHello(s.Payload) {
			t.useless(s)
			return // after an answer, only a hello begins anew
		}
		e.hs = t.talks.take()
		t.touch(n, e, listOpen)
	}
	t.quic.KeepHandshake = t.sealing()
	x := t.talks.get(e.hs)
	x.number = t.number
	if e.list == listOpen {
		t.touch(n, e, listOpen)
	}
	switch {
	case x.speaks(discover.TCP) || s.Payload[0]&0x80 == 0 && isOpenVPN(s.Payload):
		t.openvpnDatagram(e, x, dir, s)
	case s.Payload[0]&0x80 != 0 || x.speaks(discover.QUIC) && x.quicFirst(s.Payload):
		t.quicDatagram(e, x, dir, s)
	default:
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
	if isOpenVPN(p) {
		return discover.TCP // records of a stream, though a stream of datagrams
	}
	return 0
}

func isOpenVPN(p []byte) bool {
	_, _, ok := starttls.OpenVPNReset(p)
	return ok
}

func (x *talks) speaks(tr discover.Transport) bool {
	return slices.ContainsFunc(x.list, func(k *talk) bool { return k.transport == tr })
}

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

// talkMessage notes and keeps a handshake message.
func (t *Table) talkMessage(e *entry, k *talk, server bool, typ uint8, body []byte) {
	switch {
	case !server:
		switch typ {
		case tlsparse.TypeClientHello:
			if k.flags&sawHello == 0 && k.client != noDir {
				k.hello = maphash.Bytes(t.messages, body)
				t.hellos.note(k.hello, t.hash(&e.key), e.key.end(1-int(k.client)), t.now)
				if k.quic != nil {
					client, _ := e.key.ends(int(k.client))
					t.conn.note(connKey(t.seed, k), t.hash(&e.key), client.Addr())
				}
			}
			k.flags |= sawHello
			if k.negotiated && k.flags&sawServerHello == 0 {
				t.forget(k, bodyKey{false, typ})
			}
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
		k.answer = hashBytes(t.seed, h.Random)
		t.hellos.answered(k.hello, t.hash(&e.key), k.answer)
		if k.quic != nil {
			t.conn.answer(connKey(t.seed, k), t.hash(&e.key))
		}
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

// finishTalk ends one handshake of a flow.
func (t *Table) finishTalk(e *entry, x *talks, k *talk, at int64) {
	if k.openvpn != nil {
		t.observe(e, &k.handshake, at)
		if k.random != 0 {
			e.flags |= flagHello
		}
	} else {
		t.observeTalk(e, k, at)
	}
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
	if k.openvpn != nil {
		t.giveStreams(&k.handshake)
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
