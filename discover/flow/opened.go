package flow

import (
	"slices"

	"blindspot/discover"
	"blindspot/tlsparse"
	"blindspot/tlsparse/keylog"
)

const (
	// maxSealed bounds the bytes of one direction that are kept to be opened
	// with logged secrets: a flight with the longest chain.
	maxSealed = maxMessage + 64<<10
	// maxSpent is how many connections' secrets wait to be forgotten.
	maxSpent = 4096
)

// sealed keeps what both sides of a TLS 1.3 handshake sent, from where TLS
// begins, until its secrets can open it.
type sealed struct{ raw [2][]byte }

// sealing reports whether handshakes are kept to be opened.
func (t *Table) sealing() bool { return t.cfg.AwaitKeys || !t.cfg.Keys.Empty() }

// seal copies the bytes of a direction that have become contiguous, before the
// deframer moves them.
func (t *Table) seal(hs *handshake, st *stream, dir int) {
	if !st.keep {
		if st.sealed > 0 || st.deframe.Consumed() > 0 || !t.sealing() {
			return // it began before there were keys
		}
		st.keep = true
	}
	if hs.sealed == 0 {
		hs.sealed = t.sealed.take()
	}
	s := t.sealed.get(hs.sealed)
	if st.sealed == 0 {
		t.sealedBytes -= int64(len(s.raw[dir]))
		s.raw[dir] = s.raw[dir][:0]
	}
	b := t.buffers.bytes(st.buf)[st.sealed:st.have]
	st.sealed = st.have
	if len(s.raw[dir])+len(b) > maxSealed || t.sealedBytes > t.cfg.MaxBuffered {
		return // what is missing shows when it is opened
	}
	s.raw[dir] = append(s.raw[dir], b...)
	t.sealedBytes += int64(len(b))
}

// unsealable reports whether the client's side breaks off within a record that
// is to be opened.
func (t *Table) unsealable(hs *handshake) bool {
	if hs.sealed == 0 || hs.streams[hs.client] == 0 || hs.flags&(sawRST|dir0FIN|dir1FIN) != 0 {
		return false
	}
	st := t.streams.get(hs.streams[hs.client])
	return st.keep && int(st.have) < st.deframe.Consumed()+st.deframe.Skippable()
}

// unseal gives back what a handshake kept.
func (t *Table) unseal(hs *handshake) {
	if hs.sealed == 0 {
		return
	}
	s := t.sealed.get(hs.sealed)
	for dir := range s.raw {
		t.sealedBytes -= int64(len(s.raw[dir]))
	}
	*s = sealed{}
	t.sealed.give(hs.sealed)
	hs.sealed = 0
}

// open reads the encrypted part of a TLS 1.3 handshake over TCP, where its
// secrets were logged. The clear part of o is there.
func (t *Table) open(c *Collected, o *discover.Observation) {
	hs, client, server, v := &c.hs, &c.client, &c.server, &t.observer
	if hs.sealed == 0 || hs.flags&isTLS13 == 0 || !o.ServerHello {
		return
	}
	for dir, sn := range hs.streams {
		if sn != 0 && t.streams.get(sn).keep {
			t.seal(hs, t.streams.get(sn), dir)
		}
	}
	raw := &t.sealed.get(hs.sealed).raw
	suite := v.server.CipherSuite
	h := keylog.Hidden{Limit: maxMessage}
	secrets, ok := t.lookUp(o.ClientRandom)
	switch {
	case ok:
		h.Transcript = transcript(hs, client, server, suite)
	case o.Hello && o.ECH == "":
		return
	default:
		if secrets, ok = t.tryKeys(suite, raw[1-hs.client]); !ok {
			return
		}
		if o.Hello { // the server took the hello within
			o.ECH = discover.ECHAccepted
		}
	}
	defer secrets.Wipe()
	var openers [2]*keylog.Opener
	for i, secret := range [...][]byte{secrets.Server(), secrets.Client()} {
		dir, fromServer := 1-hs.client, i == 0
		if !fromServer {
			dir = hs.client
		}
		opener, err := keylog.NewOpener(secret, suite, !fromServer && o.Hello && v.client.EarlyData)
		if err != nil {
			continue
		}
		opener.Flight(raw[dir])
		h.Read(fromServer, opener)
		openers[i] = opener
		defer opener.Wipe()
	}
	v.reveal(&h, o)
	for i, opener := range openers {
		if opener != nil {
			revealAlerts(o, i == 0, opener.Alerts())
		}
	}
}

// tryKeys finds the secrets of a handshake where the hello in sight is not the
// one that counts, or none is.
func (t *Table) tryKeys(suite uint16, flight []byte) (keylog.Secrets, bool) {
	random, ok := t.cfg.Keys.Unclaimed(func(s *keylog.Secrets) bool { return keylog.Fits(s.Server(), suite, flight) })
	if !ok {
		return keylog.Secrets{}, false
	}
	return t.lookUp(random[:])
}

// lookUp finds the secrets of a connection by the random of its hello.
func (t *Table) lookUp(random []byte) (keylog.Secrets, bool) {
	s, ok := t.cfg.Keys.Lookup(random)
	if !ok && t.cfg.MissingKeys != nil {
		t.cfg.MissingKeys()
		s, ok = t.cfg.Keys.Lookup(random)
	}
	if ok {
		t.spend(random)
	}
	return s, ok
}

// transcript hashes the messages up to the ServerHello.
func transcript(hs *handshake, client, server *side, suite uint16) *keylog.Transcript {
	first, second := client.message(tlsparse.TypeClientHello, 0), client.message(tlsparse.TypeClientHello, 1)
	hello := server.message(tlsparse.TypeServerHello, 0)
	if first == nil || hello == nil {
		return nil
	}
	t := keylog.NewTranscript(suite)
	t.Message(tlsparse.TypeClientHello, first)
	if hs.flags&sawHelloRetry != 0 {
		t.Retry()
		t.Message(tlsparse.TypeServerHello, hello)
		if hello = server.message(tlsparse.TypeServerHello, 1); second == nil || hello == nil {
			return nil
		}
		t.Message(tlsparse.TypeClientHello, second)
	}
	t.Message(tlsparse.TypeServerHello, hello)
	return t
}

// reveal puts what was opened into an observation.
func (v *Observer) reveal(h *keylog.Hidden, o *discover.Observation) {
	v.stats.UnparsedServer += uint64(h.Malformed)
	if h.EncryptedExtensions {
		v.stats.Opened++
		if h.ALPN != nil {
			o.ALPNChosen = discover.Escape(h.ALPN)
		}
		if h.ECHRejected {
			o.ECH = discover.ECHOffered
		}
	}
	if h.Server.Seen {
		o.CertsFrom, o.CertsHidden = discover.FromDecrypted, ""
		if !h.RawPublicKeys {
			o.Show(v.chains.find(certificates(&h.Server)), false)
		}
	}
	switch {
	case h.ClientAuthRequested:
		o.ClientAuthRequested = discover.Yes
	case h.Server.Seen || h.Server.Finished:
		o.ClientAuthRequested = discover.No
	}
	if h.Client.Seen && !h.ClientRawPublicKeys {
		o.Show(v.chains.find(certificates(&h.Client)), true)
	}
	if list := h.Server.Certificates; len(list) > 0 && list[0].OCSP != nil {
		o.OCSPResponse = append(o.OCSPResponse[:0], list[0].OCSP...)
	}
	if p := &h.Server.Proof; p.Signed != nil && h.Server.Delegated() == nil && !h.RawPublicKeys {
		o.Proof = &discover.KeyProof{Scheme: p.Scheme, Signed: p.Signed, Signature: slices.Clone(p.Signature)}
	}
}

func certificates(i *keylog.Identity) [][]byte {
	list := make([][]byte, len(i.Certificates))
	for n := range list {
		list[n] = i.Certificates[n].Data
	}
	return list
}

// revealAlerts says which alerts the encrypted ones were, and lets a fatal one
// decide who refused.
func revealAlerts(o *discover.Observation, fromServer bool, list []tlsparse.Alert) {
	for _, a := range list {
		known := discover.Alert{FromServer: fromServer, Level: tlsparse.AlertLevelName(a.Level), Description: tlsparse.AlertName(a.Description), Protected: true}
		guessed := slices.IndexFunc(o.Alerts, func(g discover.Alert) bool {
			return g.FromServer == fromServer && g.Protected && g.Description == ""
		})
		if guessed >= 0 {
			o.Alerts[guessed] = known
		} else if len(o.Alerts) < maxAlerts {
			o.Alerts = append(o.Alerts, known)
		}
		if a.Fatal() && o.Outcome != discover.RefusedByServer {
			o.Outcome = discover.RefusedByClient
			if fromServer {
				o.Outcome = discover.RefusedByServer
			}
		}
	}
}

// spent is a connection whose secrets are to be forgotten.
type spent struct {
	random [keylog.RandomLen]byte
	at     int64 // packet time
}

// spend notes that a connection's secrets were used. They are forgotten a
// little later: a mirror may show the same handshake once more, behind a NAT.
// From a log that is complete they are not: another capture may show it.
func (t *Table) spend(random []byte) {
	if !t.cfg.AwaitKeys {
		return
	}
	if len(t.spent) >= maxSpent {
		t.forgetSpent(t.spent[0].at)
	}
	t.forgetSpent(t.clock - int64(2*closeGrace))
	if len(random) == keylog.RandomLen {
		t.spent = append(t.spent, spent{[keylog.RandomLen]byte(random), t.clock})
	}
}

func (t *Table) forgetSpent(until int64) {
	n := 0
	for n < len(t.spent) && t.spent[n].at <= until {
		t.cfg.Keys.Forget(t.spent[n].random[:])
		n++
	}
	t.spent = slices.Delete(t.spent, 0, n)
}
