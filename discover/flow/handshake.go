package flow

import (
	"hash/maphash"

	"blindspot/capture/decode"
	"blindspot/tlsparse"
)

const (
	// maxMessage bounds a handshake message: more than any chain that is in
	// use, ML-DSA included, and less than maxPrefix.
	maxMessage = 192 << 10
	// maxAlerts bounds the alerts that are kept of a handshake.
	maxAlerts = 4
	// maxFlight bounds the records of a server's flight whose lengths are kept:
	// a list of authorities and a chain of three records each, and the others.
	maxFlight = 10
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
	sealed   uint32 // +1 in the table's sealed, 0 for none
	nalerts  uint8
	nflight  uint8
	flags    flags
	tunnel   uint16 // name in the table's tunnelNames
	random   uint32 // hash of the client random
	alerts   [maxAlerts]alert
	acks     [2]ackRange
	// flight holds the lengths of the server's encrypted records in TLS 1.3, up
	// to the client's answer.
	flight [maxFlight]uint16
}

const (
	refusedByClient = 1
	refusedByServer = 2
)

type flags uint32

const (
	sawHello          flags = 1 << iota // the whole ClientHello
	sawServerHello                      // a ServerHello that is no HelloRetryRequest
	sawHelloRetry                       //
	isTLS13                             //
	sawCertificate                      // the server's Certificate message
	sawServerDone                       // ServerHelloDone
	sawClientFlight                     // key exchange or certificate of the client
	clientCCS                           // ChangeCipherSpec
	serverCCS                           //
	clientData                          // records that only follow a handshake
	serverData                          //
	clientFinished                      // TLS 1.3: a record that can be a Finished
	clientGaveUp                        // TLS 1.3: a record that can only be an alert
	clientLeft                          // TLS 1.3: one of that length after the Finished
	serverReplied                       // TLS 1.3: anything after the client's Finished
	serverGaveUp                        //
	clientSeen                          // any packet of that side; by role once known
	serverSeen                          //
	dir0Seen                            //
	dir1Seen                            //
	dir0FIN                             //
	dir1FIN                             //
	sawRST                              //
	cutShort                            // a snaplen cut bytes off
	tooLong                             // a message was over maxMessage
	serverClear                         // the server answered in something else
	isWrapped                           // TLS travels inside packets of its preface
	dir0Acked                           // acks are known of that direction
	dir1Acked                           //
	clientMayHaveLeft                   // TLS 1.3: a record that is an alert or 0-RTT data
	flightOver                          // TLS 1.3: the client has answered the server's flight
)

// alert is an alert in the clear.
type alert struct {
	level, description uint8
	server             bool
}

// ackRange is what a side has acknowledged, first and last. It proves that the
// other side spoke where its packets were not captured.
type ackRange struct{ first, last uint32 }

func (a *ackRange) see(ack uint32) {
	if int32(ack-a.last) > 0 {
		a.last = ack
	}
}

// spoke reports whether the other side has sent bytes.
func (a *ackRange) spoke() bool { return a.last-a.first > 1 }

// deframe reads the events of a direction that carries TLS.
func (t *Table) deframe(e *entry, hs *handshake, st *stream, dir int) {
	t.seal(hs, st, dir)
	buf := t.buffers.bytes(st.buf)[:st.have]
	for {
		ev := st.deframe.Step(buf, maxMessage)
		client := int(hs.client) == dir
		switch ev.Kind {
		case tlsparse.EventNeed:
			st.want = st.have + uint32(max(ev.N, 1))
			return
		case tlsparse.EventMessage:
			st.note(&t.buffers, ev.Type, st.deframe.Start(), len(ev.Body))
			t.message(e, hs, client, ev)
		case tlsparse.EventSSLv2:
			st.note(&t.buffers, sslv2Type(ev.Type), st.deframe.Consumed(), len(ev.Body))
			if client {
				hs.flags |= sawHello
			}
		case tlsparse.EventTooLong:
			t.stats.TooLong++
			hs.flags |= tooLong
			if !client && ev.Type == tlsparse.TypeCertificate {
				hs.flags |= sawCertificate
			}
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
				hs.hello = maphash.Bytes(t.messages, ev.Body)
				t.hellos.note(hs.hello, t.hash(&e.key), e.key.end(1-int(hs.client)), t.now)
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
	hs.answer = hashBytes(t.seed, h.Random)
	t.hellos.answered(hs.hello, t.hash(&e.key), hs.answer)
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
	switch {
	case client && hs.nflight > 0: // not early data, nor a direction that was delivered first
		hs.flags |= flightOver
	case !client && hs.flags&flightOver == 0 && hs.nflight < maxFlight:
		hs.flight[hs.nflight] = uint16(ev.N)
		hs.nflight++
	}
	hs.flags |= pick(client, clientData, serverData)
	if client {
		t.protectedByClient(hs, int(ev.N))
	} else if hs.flags&isTLS13 != 0 {
		hs.protectedByServer(int(ev.N), t.now)
	}
}

// protectedByClient: a client of TLS 1.3 goes on with a Certificate or a
// Finished, or gives up with an alert.
func (t *Table) protectedByClient(hs *handshake, length int) {
	isAlert := length == alertRecord || length == paddedAlertRecord
	switch {
	case hs.flags&clientGaveUp != 0 || hs.flags&sawServerHello == 0 && t.earlyData(hs):
	case hs.flags&clientFinished == 0 && isAlert && t.earlyData(hs): // more of it may follow the ServerHello
		hs.flags |= clientMayHaveLeft
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
	body := t.body(hs, int(hs.client), tlsparse.TypeClientHello)
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
	case decided && whole && !t.unsealable(hs):
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
	t.rest(n).random = hs.random
	t.giveStreams(hs)
	t.hs.give(e.hs)
	e.hs = 0
	t.touch(n, e, listDone)
}

func (t *Table) giveStream(sn uint32) {
	t.streams.get(sn).release(&t.buffers)
	t.streams.give(sn)
}

// giveStreams gives back the streams of a handshake and what stood before them.
func (t *Table) giveStreams(hs *handshake) {
	for _, sn := range hs.streams {
		if sn != 0 {
			t.giveStream(sn)
		}
	}
	t.unseal(hs)
	if hs.preface != 0 {
		t.unwrapped(t.prefaces.get(hs.preface))
		t.prefaces.give(hs.preface)
	}
}
