package flow

import (
	"slices"

	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse"
	"blindspot/tlsparse/dtls"
)

// observeTalk emits what was seen of a handshake over datagrams.
func (t *Table) observeTalk(e *entry, k *talk, at int64) {
	if k.dtls != nil {
		for dir := range k.dtls {
			k.dtls[dir].Flush(func(ev dtls.Event) { t.dtlsEvent(e, k, dir, &decode.Segment{}, ev) })
		}
	}
	if k.quic != nil {
		t.quicOpened(e, k, int(k.client)) // the log may have grown
	}
	hello := k.bodies[bodyKey{false, tlsparse.TypeClientHello}]
	certificate := k.bodies[bodyKey{true, tlsparse.TypeCertificate}]
	if k.client == noDir || hello == nil && certificate == nil && k.flags&(isTLS13|sawServerDone|serverCCS) == 0 {
		t.observer.stats.HalfAnswer += oneIf(k.flags&sawServerHello != 0)
		return
	}
	if k.quic != nil && k.flags&sawServerHello == 0 && t.conn.moved(connKey(t.seed, k), t.hash(&e.key)) {
		t.observer.stats.Repeated++
		return
	}
	v := &t.observer
	o := v.pool.observation()
	c := Collected{hs: k.handshake, transport: k.transport, key: e.key, at: at, network: t.network(e), tunnel: t.tunnels.name(k.tunnel)}
	c.describe(o)
	if k.word != "" {
		o.Tunnel = append(slices.Clone(o.Tunnel), k.word)
	}
	letter := byte('q')
	if k.transport == discover.DTLS {
		letter = 'd'
	}
	h := &v.client
	if hello != nil {
		if tlsparse.ParseClientHello(hello, h) != nil {
			v.stats.UnparsedHello++
		}
		e.flags |= flagHello
		v.describeHello(h, o, letter, true)
	}
	t.observeAnswer(k, o)
	o.HopFrom = t.hellos.before(k.hello, t.hash(&e.key), k.answer, o.Server)
	t.deliver(o)
}

// observeAnswer reads the server's side, and how it went.
func (t *Table) observeAnswer(k *talk, o *discover.Observation) {
	v := &t.observer
	h := &v.server
	o.HelloRetry = k.flags&sawHelloRetry != 0
	if body := k.bodies[bodyKey{true, tlsparse.TypeServerHello}]; body != nil {
		tlsparse.ParseServerHello(body, h) // damage was counted when it came
		v.describeServerHello(h, o, k.transport == discover.DTLS)
		h.SelectedVersion = plainVersion(h.SelectedVersion)
	}
	if body := k.bodies[bodyKey{true, tlsparse.TypeCertificate}]; body != nil && k.flags&isTLS13 == 0 {
		v.chain(body, false, o)
		o.CertsFrom = discover.FromWire
		if body := k.bodies[bodyKey{true, tlsparse.TypeServerKeyExchange}]; body != nil && o.ServerHello {
			v.keyExchange(body, h, o)
		}
		if body := k.bodies[bodyKey{true, tlsparse.TypeCertificateStatus}]; body != nil {
			v.stapled(body, o)
		}
	}
	if body := k.bodies[bodyKey{false, tlsparse.TypeCertificate}]; body != nil && k.flags&isTLS13 == 0 {
		v.chain(body, true, o)
	}
	k.describeCourse(h, o)
	t.revealTalk(k, o)
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
	o.Alerts = k.told(o.Alerts)
	o.PacketsLost = int(oneIf(cut))
	server := &side{top: uint32(oneIf(k.answered))}
	o.Outcome = k.outcome(server, o)
	switch alone := !o.ServerHello && k.refused == 0; {
	case alone && k.flags&clientFinished != 0:
		o.Outcome = discover.Established // only an answer gives a client the keys to go on
	case alone && o.Outcome == discover.OutcomeUnknown:
		o.Outcome = discover.Unanswered // a cookie, a Retry or an ACK is no answer to a hello
	}
	if o.CertsFrom != "" {
		return
	}
	o.CertsHidden = k.hidden(server, o)
	switch {
	case o.ServerHello:
	case k.flags&clientFinished != 0:
		o.CertsHidden = discover.HiddenOneSided
	case o.CertsHidden == discover.HiddenTruncated:
		o.CertsHidden = discover.HiddenNoAnswer
	}
}
