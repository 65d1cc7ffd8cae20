package flow

import (
	"errors"
	"net/netip"

	"blindspot/discover"
	"blindspot/tlsparse"
)

// Observer reads handshakes that a Table has collected, and makes observations
// of them. It belongs to one goroutine, which need not be the table's.
type Observer struct {
	noFingerprints bool // see Config

	seed   uint64
	stats  ObserverStats
	recent recentHandshakes
	told   *discover.Observation // by the last call of Observe; its own

	// What parsing reuses, so that only observations allocate.
	client   tlsparse.ClientHello
	server   tlsparse.ServerHello
	exchange tlsparse.ServerKeyExchange
	status   tlsparse.CertificateStatus
	certs    [][]byte
	chains   chainCache
	pool     pool
	prints   fingerprints
	evidence evidence
}

// ObserverStats counts what an Observer told and what it could not read.
type ObserverStats struct {
	Handshakes uint64 // observations
	Opened     uint64 // of them those that logged secrets opened
	Repeated   uint64 // handshakes that had been observed already
	Hops       uint64 // observations of a handshake on its way through a NAT or load balancer
	HalfAnswer uint64 // a server's answer alone, broken off before its certificate
	HalfHello  uint64 // a hello that broke off before its name, unanswered

	UnparsedHello  uint64 // hellos that keep no rule
	UnparsedServer uint64 // server messages that keep no rule
	OpenHoles      uint64 // handshakes with bytes missing
}

// plus returns the sums.
func (s ObserverStats) plus(o *ObserverStats) ObserverStats {
	return ObserverStats{
		Handshakes: s.Handshakes + o.Handshakes, Opened: s.Opened + o.Opened, Repeated: s.Repeated + o.Repeated, Hops: s.Hops + o.Hops,
		HalfAnswer: s.HalfAnswer + o.HalfAnswer, HalfHello: s.HalfHello + o.HalfHello,
		UnparsedHello: s.UnparsedHello + o.UnparsedHello, UnparsedServer: s.UnparsedServer + o.UnparsedServer, OpenHoles: s.OpenHoles + o.OpenHoles,
	}
}

// NewObserver returns an Observer for what a table with the same Config
// collects; Emit is not called.
func NewObserver(cfg Config) *Observer {
	return &Observer{noFingerprints: cfg.NoFingerprints, seed: newSeed()}
}

// Stats returns the counters so far.
func (v *Observer) Stats() ObserverStats { return v.stats }

// Observe reads a handshake. The observation is valid until the next call; it is
// nil where there was none, or where it was told of before.
func (v *Observer) Observe(c *Collected) *discover.Observation {
	if v.told != nil {
		v.pool.take(v.told)
		v.told = nil
	}
	o := c.ready
	if o == nil {
		o = v.read(c)
		v.told = o
	}
	if o == nil || o.Offer == "" && !v.isNew(o) {
		return nil
	}
	return o
}

// read reads the clear part of a handshake over TCP. It returns nil where that
// is not worth an observation.
func (v *Observer) read(c *Collected) *discover.Observation {
	o := v.pool.observation()
	c.describe(o)
	hello := v.observeClient(c, o)
	if !hello && !c.answerAlone() {
		v.stats.HalfAnswer += oneIf(c.hs.flags&sawServerHello != 0)
		v.pool.take(o)
		return nil
	}
	v.observeServer(c, o)
	v.observeCourse(c, o)
	v.measure(&c.hs, o)
	return o
}

// isNew counts an observation, and reports whether it was not told of before.
func (v *Observer) isNew(o *discover.Observation) bool {
	if v.recent.seen(o, v.seed) {
		v.stats.Repeated++
		return false
	}
	if o.HopFrom.IsValid() {
		v.stats.Hops++
	} else {
		v.stats.Handshakes++
	}
	if o.PacketsLost > 0 {
		v.stats.OpenHoles++
	}
	return true
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
func (c *Collected) answerAlone() bool {
	return c.hs.flags&(isTLS13|sawServerDone|serverCCS) != 0 ||
		c.server.message(tlsparse.TypeCertificate, 0) != nil || c.server.message(typeSSLv2ServerHello, 0) != nil
}

func oneIf(cond bool) uint64 {
	if cond {
		return 1
	}
	return 0
}

// observeClient reads the ClientHello. It reports whether there is one, whole
// or with a name.
func (v *Observer) observeClient(c *Collected, o *discover.Observation) bool {
	kind, err := readHello(&c.client, &v.client)
	if err != nil && kind != helloHalf {
		v.stats.UnparsedHello++
	}
	switch {
	case kind == helloHalf && err != nil:
		v.stats.HalfHello++
		return false
	case kind == helloNone, kind == helloSSLv2 && err != nil:
		return false
	}
	v.describeHello(&v.client, o, 't', kind == helloWhole) // fingerprints are of the extensions, which SSL 2.0 lacks
	return true
}

// helloKind is in which form a client said hello.
type helloKind uint8

const (
	helloNone helloKind = iota
	helloWhole
	helloSSLv2
	helloHalf // it broke off; worth something where its name is whole
)

var errHalfHello = errors.New("hello breaks off before its name")

// readHello reads the first hello of the client's side. A whole one with an
// error is still worth what could be read of it.
func readHello(client *side, h *tlsparse.ClientHello) (kind helloKind, err error) {
	if body := client.message(tlsparse.TypeClientHello, 0); body != nil {
		return helloWhole, tlsparse.ParseClientHello(body, h)
	}
	if body := client.message(typeSSLv2ClientHello, 0); body != nil {
		_, err = tlsparse.ParseSSLv2ClientHello(body, h)
		return helloSSLv2, err
	}
	if client.state != streamTLS {
		return helloNone, nil
	}
	typ, body, _, ok := client.deframe.Partial(client.buf[:client.have])
	if !ok || typ != tlsparse.TypeClientHello {
		return helloHalf, errHalfHello
	}
	tlsparse.ParseClientHello(body, h) // a prefix is malformed by nature
	if !h.HasHostName {
		return helloHalf, errHalfHello
	}
	return helloHalf, nil
}

// describeHello copies what a hello says into o.
func (v *Observer) describeHello(h *tlsparse.ClientHello, o *discover.Observation, transport byte, fingerprint bool) {
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
	o.ALPN = v.pool.protocols(h.ALPN)
	if h.ECH != tlsparse.ECHNone || h.ESNI {
		o.ECH = discover.ECHOffered
	}
	o.ESNI, o.EarlyData = h.ESNI, h.EarlyData
	if fingerprint && !v.noFingerprints {
		v.prints.ofClient(h, transport, o)
	}
}

// observeServer reads the server's flight.
func (v *Observer) observeServer(c *Collected, o *discover.Observation) {
	hs, server, h := &c.hs, &c.server, &v.server
	n := 0
	if hs.flags&sawHelloRetry != 0 {
		o.HelloRetry = true
		n = 1
	}
	if body := server.message(tlsparse.TypeServerHello, n); body != nil {
		tlsparse.ParseServerHello(body, h) // damage was counted when it came
		v.describeServerHello(h, o, false)
	} else if body := server.message(typeSSLv2ServerHello, 0); body != nil {
		v.sslv2ServerHello(body, o)
	}
	if body := server.message(tlsparse.TypeCertificate, 0); body != nil && hs.flags&isTLS13 == 0 {
		v.chain(body, false, o)
		o.CertsFrom = discover.FromWire
		if body := server.message(tlsparse.TypeServerKeyExchange, 0); body != nil && o.ServerHello {
			v.keyExchange(body, h, o)
		}
		if body := server.message(tlsparse.TypeCertificateStatus, 0); body != nil {
			v.stapled(body, o)
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

func (v *Observer) describeServerHello(h *tlsparse.ServerHello, o *discover.Observation, dtls bool) {
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
	if !v.noFingerprints {
		o.JA3S = v.prints.ofServer(h)
	}
}

func (v *Observer) sslv2ServerHello(body []byte, o *discover.Observation) {
	var h tlsparse.SSLv2ServerHello
	if _, err := tlsparse.ParseSSLv2ServerHello(body, &h); err != nil {
		v.stats.UnparsedServer++
		return
	}
	o.ServerHello = true
	o.Version = tlsparse.VersionName(tlsparse.VersionSSL20, false)
	if len(h.Certificate) > 0 {
		o.Show(v.chains.find([][]byte{h.Certificate}), false)
		o.CertsFrom = discover.FromWire
	}
}

// chain reads a side's Certificate message and keeps its certificates. A raw
// public key in their place (RFC 7250 §3) is none.
func (v *Observer) chain(body []byte, client bool, o *discover.Observation) {
	typ := v.server.ServerCertificateType
	if client {
		typ = v.server.ClientCertificateType
	}
	if o.ServerHello && typ == tlsparse.CertificateTypeRawPublicKey {
		return
	}
	certs, err := tlsparse.ParseCertificate(body, v.certs[:0])
	v.certs = certs
	if err != nil {
		v.stats.UnparsedServer++
	}
	o.Show(v.chains.find(certs), client)
}

// keyExchange keeps what the key proof needs.
func (v *Observer) keyExchange(body []byte, h *tlsparse.ServerHello, o *discover.Observation) {
	x := &v.exchange
	if tlsparse.ParseServerKeyExchange(body, h.CipherSuite, h.SelectedVersion, x) != nil {
		v.stats.UnparsedServer++
		return
	}
	if x.Group != 0 {
		o.Group = tlsparse.GroupName(x.Group)
	}
	random := v.client.Random
	if !x.Signed || !o.Hello || len(random) > 32 || len(o.ServerRandom) != 32 {
		return // without the hello there is nothing to check
	}
	var padded [32]byte // a challenge of SSL 2.0 counts as a short random (RFC 5246 §E.2)
	copy(padded[32-len(random):], random)
	p := v.pool.proof()
	p.Scheme = x.Scheme
	p.Signed = tlsparse.KeyExchangeSigned(p.Signed[:0], padded[:], o.ServerRandom, x.Params)
	p.Signature = append(p.Signature[:0], x.Signature...)
	o.Proof = p
}

func (v *Observer) stapled(body []byte, o *discover.Observation) {
	if tlsparse.ParseCertificateStatus(body, &v.status) != nil {
		v.stats.UnparsedServer++
		return
	}
	if r := v.status.Responses; len(r) > 0 {
		o.OCSPResponse = append(o.OCSPResponse, r[0]...)
	}
}
