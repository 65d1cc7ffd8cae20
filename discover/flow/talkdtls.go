package flow

import (
	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse"
	"blindspot/tlsparse/dtls"
)

// dtlsHello reports whether a datagram's first record begins with a ClientHello.
func dtlsHello(p []byte) bool {
	const recordHeader = 13
	inner, _ := dtls.Strip(p)
	return len(inner) > recordHeader && inner[0] == tlsparse.RecordHandshake && inner[recordHeader] == tlsparse.TypeClientHello
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
	event := func(ev dtls.Event) { t.dtlsEvent(e, k, dir, s, ev) }
	if k.revealed == nil {
		k.dtls[dir].Datagram(inner, event)
		t.unlockDTLS(k)
	}
	if k.unseal[dir] != nil { // also the datagram that had the ServerHello
		t.parse.unsealed = k.unseal[dir].Datagram(t.parse.unsealed[:0], inner)
		inner = t.parse.unsealed
	}
	if k.revealed != nil {
		k.dtls[dir].Datagram(inner, event)
	}
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
		if k.revealed != nil && ev.Type != tlsparse.TypeClientHello && ev.Type != tlsparse.TypeServerHello {
			t.revealMessage(k, !client, ev.Type, body)
			return
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
