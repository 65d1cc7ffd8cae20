package flow

import (
	"net/netip"
	"slices"
	"time"

	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse"
)

// scratch is what parsing reuses, so that only observations allocate.
type scratch struct {
	client   tlsparse.ClientHello
	server   tlsparse.ServerHello
	exchange tlsparse.ServerKeyExchange
	status   tlsparse.CertificateStatus
	certs    [][]byte
	alerts   []tlsparse.Alert
	hello    []byte
	// unwrapped is TLS taken out of packets.
	unwrapped []byte
	// unsealed is a datagram with what logged secrets opened of it.
	unsealed []byte
	chains   chainCache
	pool     pool
	prints   fingerprints
	evidence evidence
}

// side is one direction as observe reads it.
type side struct {
	st       *stream
	buf      []byte
	messages []message
}

func (t *Table) side(hs *handshake, dir int) side {
	if dir > 1 || hs.streams[dir] == 0 {
		return side{st: &stream{}}
	}
	st := t.streams.get(hs.streams[dir])
	return side{st: st, buf: t.buffers.bytes(st.buf), messages: st.messages(&t.buffers)}
}

// message returns the body of the n-th message of a type, nil where it was not
// seen whole.
func (s side) message(typ uint8, n int) []byte {
	m, ok := find(s.messages, typ, n)
	if !ok {
		return nil
	}
	return s.buf[m.at:m.end():m.end()]
}

// observe emits what was seen of a handshake, if it was one.
func (t *Table) observe(e *entry, hs *handshake, at int64) {
	if hs.client == noDir {
		t.endInClear(e, hs, 0, maxPreface)
		t.countForeign(e, hs)
		return
	}
	client, server := t.side(hs, int(hs.client)), t.side(hs, int(1-hs.client))
	o := t.observation(e, hs, at, discover.TCP)
	hello := t.observeClient(hs, client, o)
	if !hello && !hs.answerAlone(server) {
		t.stats.HalfAnswer += oneIf(hs.flags&sawServerHello != 0)
		return
	}
	t.observeServer(hs, server, o)
	t.observeCourse(hs, client, server, o)
	t.measure(hs, o)
	t.open(hs, client, server, o)
	o.HopFrom = t.hellos.before(hs.hello, t.hash(&e.key), hs.answer, o.Server)
	t.emit(o)
}

// observation returns what is known of any handshake.
func (t *Table) observation(e *entry, hs *handshake, at int64, transport discover.Transport) *discover.Observation {
	o := t.parse.pool.observation()
	o.Time, o.Ended, o.Order = time.Unix(0, hs.first).UTC(), time.Unix(0, max(at, hs.first)).UTC(), hs.number
	o.Transport, o.Network, o.Tunnel = transport, t.network(e), t.tunnels.name(hs.tunnel)
	if transport == discover.TCP && e.key.proto == decode.UDP {
		o.Tunnel = append(slices.Clone(o.Tunnel), "udp") // records of TLS in datagrams
	}
	o.Client, o.Server = e.key.ends(int(hs.client))
	if hs.preface != 0 {
		p := t.prefaces.get(hs.preface)
		o.Preface, o.Target, o.ClientOrigin = p.name, p.target, p.origin
	}
	return o
}

// emit tells of an observation, unless it was told of before.
func (t *Table) emit(o *discover.Observation) {
	if t.recent.seen(o, t.seed) {
		t.stats.Repeated++
		return
	}
	if o.HopFrom.IsValid() {
		t.stats.Hops++
	} else {
		t.stats.Handshakes++
	}
	if o.PacketsLost > 0 {
		t.stats.OpenHoles++
	}
	t.cfg.Emit(o)
}

// ends returns the client's and the server's address.
func (k *key) ends(client int) (c, s netip.AddrPort) {
	lo, hi := k.end(0).addrPort(), k.end(1).addrPort()
	if client == 0 {
		return lo, hi
	}
	return hi, lo
}

// end is an address and a port.
type end struct {
	addr [16]byte
	port uint16
}

// end returns who sends in a direction.
func (k *key) end(dir int) end {
	if dir == 0 {
		return end{k.lo, k.loPort}
	}
	return end{k.hi, k.hiPort}
}

func (e end) addrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(e.addr).Unmap(), e.port)
}

// answerAlone reports whether the server's side alone is worth an observation:
// it has the certificate, or is whole without one.
func (hs *handshake) answerAlone(server side) bool {
	return hs.flags&(isTLS13|sawServerDone|serverCCS) != 0 ||
		server.message(tlsparse.TypeCertificate, 0) != nil || server.message(typeSSLv2ServerHello, 0) != nil
}

func oneIf(cond bool) uint64 {
	if cond {
		return 1
	}
	return 0
}

// observeClient reads the ClientHello. It reports whether there is one, whole
// or with a name.
func (t *Table) observeClient(hs *handshake, client side, o *discover.Observation) bool {
	h := &t.parse.client
	fingerprint := true
	switch body := client.message(tlsparse.TypeClientHello, 0); {
	case body != nil:
		if tlsparse.ParseClientHello(body, h) != nil {
			t.stats.UnparsedHello++
		}
	case client.message(typeSSLv2ClientHello, 0) != nil:
		if _, err := tlsparse.ParseSSLv2ClientHello(client.message(typeSSLv2ClientHello, 0), h); err != nil {
			t.stats.UnparsedHello++
			return false
		}
		fingerprint = false // they are of the extensions, which this form lacks
	default:
		if !t.halfHello(client, h) {
			return false
		}
		fingerprint = false
	}
	hs.random = hashRandom(h.Random)
	t.describeHello(h, o, 't', fingerprint)
	return true
}

// halfHello reads a hello that broke off. It is worth an observation where its
// name is whole.
func (t *Table) halfHello(client side, h *tlsparse.ClientHello) bool {
	if client.st.state != streamTLS {
		return false
	}
	typ, body, _, ok := client.st.deframe.Partial(client.buf[:client.st.have])
	if !ok || typ != tlsparse.TypeClientHello {
		t.stats.HalfHello++
		return false
	}
	tlsparse.ParseClientHello(body, h) // a prefix is malformed by nature
	if !h.HasHostName {
		t.stats.HalfHello++
		return false
	}
	return true
}

// describeHello copies what a hello says into o.
func (t *Table) describeHello(h *tlsparse.ClientHello, o *discover.Observation, transport byte, fingerprint bool) {
	o.Hello = true
	if !h.SSLv2 { // whose challenge is no random
		o.ClientRandom = append(o.ClientRandom, h.Random...)
	}
	if h.HasHostName {
		o.HasSNI = true
		name, ok := discover.Hostname(string(h.ServerName))
		if ok {
			o.SNI = name
		} else {
			o.SNIRaw = discover.Escape(h.ServerName)
		}
	}
	o.ALPN = t.parse.pool.protocols(h.ALPN)
	if h.ECH != tlsparse.ECHNone || h.ESNI {
		o.ECH = discover.ECHOffered
	}
	o.ESNI, o.EarlyData = h.ESNI, h.EarlyData
	if fingerprint && !t.cfg.NoFingerprints {
		t.parse.prints.ofClient(h, transport, o)
	}
}

// observeServer reads the server's flight.
func (t *Table) observeServer(hs *handshake, server side, o *discover.Observation) {
	h := &t.parse.server
	n := 0
	if hs.flags&sawHelloRetry != 0 {
		o.HelloRetry = true
		n = 1
	}
	if body := server.message(tlsparse.TypeServerHello, n); body != nil {
		tlsparse.ParseServerHello(body, h) // damage was counted when it came
		t.describeServerHello(h, o, false)
	} else if body := server.message(typeSSLv2ServerHello, 0); body != nil {
		t.sslv2ServerHello(body, o)
	}
	if body := server.message(tlsparse.TypeCertificate, 0); body != nil && hs.flags&isTLS13 == 0 {
		t.chain(body, false, o)
		o.CertsFrom = discover.FromWire
		if body := server.message(tlsparse.TypeServerKeyExchange, 0); body != nil && o.ServerHello {
			t.keyExchange(body, h, o)
		}
		if body := server.message(tlsparse.TypeCertificateStatus, 0); body != nil {
			t.stapled(body, o)
		}
	}
	switch {
	case hs.flags&isTLS13 != 0 || !o.ServerHello:
	case server.message(tlsparse.TypeCertificateRequest, 0) != nil:
		o.ClientAuthRequested = discover.Yes
	case hs.flags&sawServerDone != 0 || hs.resumed(o):
		o.ClientAuthRequested = discover.No
	}
}

func (t *Table) describeServerHello(h *tlsparse.ServerHello, o *discover.Observation, dtls bool) {
	o.ServerHello = true
	o.ServerRandom = append(o.ServerRandom, h.Random...)
	o.Version = tlsparse.VersionName(h.SelectedVersion, dtls)
	o.Cipher = tlsparse.CipherSuiteName(h.CipherSuite)
	if h.KeyShareGroup != 0 {
		o.Group = tlsparse.GroupName(h.KeyShareGroup)
	}
	if len(h.ALPN) > 0 {
		o.ALPNChosen = discover.Escape(h.ALPN[0])
	}
	if !t.cfg.NoFingerprints {
		o.JA3S = t.parse.prints.ofServer(h)
	}
}

func (t *Table) sslv2ServerHello(body []byte, o *discover.Observation) {
	var h tlsparse.SSLv2ServerHello
	if _, err := tlsparse.ParseSSLv2ServerHello(body, &h); err != nil {
		t.stats.UnparsedServer++
		return
	}
	o.ServerHello = true
	o.Version = tlsparse.VersionName(tlsparse.VersionSSL20, false)
	if len(h.Certificate) > 0 {
		o.Show(t.parse.chains.find([][]byte{h.Certificate}), false)
		o.CertsFrom = discover.FromWire
	}
}

// chain reads a side's Certificate message and keeps its certificates. A raw
// public key in their place (RFC 7250 §3) is none.
func (t *Table) chain(body []byte, client bool, o *discover.Observation) {
	typ := t.parse.server.ServerCertificateType
	if client {
		typ = t.parse.server.ClientCertificateType
	}
	if o.ServerHello && typ == tlsparse.CertificateTypeRawPublicKey {
		return
	}
	certs, err := tlsparse.ParseCertificate(body, t.parse.certs[:0])
	t.parse.certs = certs
	if err != nil {
		t.stats.UnparsedServer++
	}
	o.Show(t.parse.chains.find(certs), client)
}

// keyExchange keeps what the key proof needs.
func (t *Table) keyExchange(body []byte, h *tlsparse.ServerHello, o *discover.Observation) {
	x := &t.parse.exchange
	if tlsparse.ParseServerKeyExchange(body, h.CipherSuite, h.SelectedVersion, x) != nil {
		t.stats.UnparsedServer++
		return
	}
	if x.Group != 0 {
		o.Group = tlsparse.GroupName(x.Group)
	}
	random := t.parse.client.Random
	if !x.Signed || !o.Hello || len(random) > 32 || len(o.ServerRandom) != 32 {
		return // without the hello there is nothing to check
	}
	var padded [32]byte // a challenge of SSL 2.0 counts as a short random (RFC 5246 §E.2)
	copy(padded[32-len(random):], random)
	p := t.parse.pool.proof()
	p.Scheme = x.Scheme
	p.Signed = tlsparse.KeyExchangeSigned(p.Signed[:0], padded[:], o.ServerRandom, x.Params)
	p.Signature = append(p.Signature[:0], x.Signature...)
	o.Proof = p
}

func (t *Table) stapled(body []byte, o *discover.Observation) {
	if tlsparse.ParseCertificateStatus(body, &t.parse.status) != nil {
		t.stats.UnparsedServer++
		return
	}
	if r := t.parse.status.Responses; len(r) > 0 {
		o.OCSPResponse = append(o.OCSPResponse, r[0]...)
	}
}
