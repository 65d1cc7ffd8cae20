package flow

import (
	"slices"

	"blindspot/discover"
	"blindspot/tlsparse"
	"blindspot/tlsparse/dtls"
	"blindspot/tlsparse/keylog"
	"blindspot/tlsparse/quic"
)

// unlock gives the reader of QUIC the secrets of a connection, where they were
// logged, and returns what its Handshake packets say of the connection's end.
func (t *Table) unlock(k *talk) (ev quic.Event) {
	if k.quic == nil || k.flags&sawServerHello == 0 || k.quic.Unlocked() || !t.sealing() {
		return ev
	}
	hello, answer := k.bodies[bodyKey{false, tlsparse.TypeClientHello}], k.bodies[bodyKey{true, tlsparse.TypeServerHello}]
	h := &t.parse.server
	if len(hello) < 2+keylog.RandomLen || tlsparse.ParseServerHello(answer, h) != nil {
		return ev
	}
	random := hello[2 : 2+keylog.RandomLen] // behind the version
	secrets, ok := t.lookUp(random)
	if !ok {
		return ev
	}
	defer secrets.Wipe()
	ev, err := t.quic.Unlock(k.quic, h.CipherSuite, secrets.Client(), secrets.Server())
	if err != nil {
		return quic.Event{}
	}
	k.revealed = &keylog.Hidden{Limit: maxMessage}
	if k.flags&sawHelloRetry == 0 {
		k.revealed.Transcript = keylog.NewTranscript(h.CipherSuite)
		k.revealed.Transcript.Message(tlsparse.TypeClientHello, hello)
		k.revealed.Transcript.Message(tlsparse.TypeServerHello, answer)
	}
	return ev
}

// quicMessages takes the messages that have become whole.
func (t *Table) quicMessages(e *entry, k *talk) {
	for {
		m, ok := t.quic.Next(k.quic)
		switch {
		case !ok:
			return
		case !m.Encrypted:
			t.talkMessage(e, k, m.From == quic.Server, m.Type, m.Body)
		default:
			t.revealMessage(k, m.From == quic.Server, m.Type, m.Body)
		}
	}
}

// revealMessage keeps a message that was encrypted.
func (t *Table) revealMessage(k *talk, server bool, typ uint8, body []byte) {
	if k.revealed == nil || k.held >= maxSealed {
		return
	}
	k.held += int64(len(body))
	t.talkBytes += int64(len(body))
	k.revealed.Message(server, typ, slices.Clone(body))
}

// unlockDTLS makes what opens the records of a handshake of DTLS 1.3, where its
// secrets were logged. What its signature covers is not kept.
func (t *Table) unlockDTLS(k *talk) {
	if k.flags&isTLS13 == 0 || k.client == noDir || !t.sealing() {
		return
	}
	hello, answer := k.bodies[bodyKey{false, tlsparse.TypeClientHello}], k.bodies[bodyKey{true, tlsparse.TypeServerHello}]
	h := &t.parse.server
	if len(hello) < 2+keylog.RandomLen || tlsparse.ParseServerHello(answer, h) != nil {
		return
	}
	secrets, ok := t.lookUp(hello[2 : 2+keylog.RandomLen])
	if !ok {
		return
	}
	defer secrets.Wipe()
	for dir, secret := range [...][]byte{secrets.Client(), secrets.Server()} {
		if u, err := dtls.NewUnsealer(h.CipherSuite, secret); err == nil {
			k.unseal[dir^int(k.client)] = u
		}
	}
	k.revealed = &keylog.Hidden{Limit: maxMessage}
}

// quicOpened takes what a connection's secrets open of what has come so far.
func (t *Table) quicOpened(e *entry, k *talk, dir int) {
	if k.client == noDir {
		return
	}
	if ev := t.unlock(k); k.revealed != nil {
		t.quicCourse(k, dir, &quic.Event{Seen: ev.Seen & quic.SeenClose, Close: ev.Close})
		t.quicMessages(e, k)
	}
}

// revealTalk puts what was opened into an observation.
func (t *Table) revealTalk(k *talk, o *discover.Observation) {
	if k.revealed != nil {
		t.observer.reveal(k.revealed, o)
	}
}
