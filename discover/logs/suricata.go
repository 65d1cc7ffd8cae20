package logs

import (
	"bytes"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"regexp"

	"blindspot/discover"
)

func init() {
	register(format{kind: "suricata", named: suricataFile, look: lookSuricata, read: readSuricata})
}

// suricataFile knows EVE logs in a directory: eve.json, eve.json.1,
// eve-2026-11-23.json.gz, eve.3.json of a thread, tls.json of an output of its
// own.
func suricataFile(base string) bool { return suricataFiles.MatchString(base) }

var suricataFiles = regexp.MustCompile(`(^|[._-])(eve|tls|quic)([._-].*)?\.json`)

// lookSuricata looks at the first line as bytes: with a chain in it, it may be
// longer than what is looked at.
func lookSuricata(start []byte) (look, bool) {
	first := firstLine(start)
	ok := bytes.HasPrefix(first, []byte("{")) &&
		bytes.Contains(first, []byte(`"event_type"`)) && bytes.Contains(first, []byte(`"timestamp"`))
	return look{"eve", "Suricata's eve.json"}, ok
}

// suricata is what one Read of EVE logs knows.
type suricata struct {
	run   *run
	sums  map[SHA1]discover.Fingerprint // of certificates that events hold
	hello pending
	names bool   // an event has told a server name
	plain uint64 // tls events
}

func readSuricata(r *run) error {
	s := &suricata{run: r, sums: make(map[SHA1]discover.Fingerprint), hello: newPending()}
	for _, f := range r.files {
		if err := f.each(r, func(line []byte) error { return s.line(f, line) }); err != nil {
			return err
		}
	}
	s.hello.flush(r)
	s.advise()
	return nil
}

// wanted finds the events of use without parsing the others, which are most.
// The events of some protocols have an event_type within.
func wanted(line []byte) bool {
	for {
		_, rest, found := bytes.Cut(line, []byte(`"event_type"`))
		if !found {
			return false
		}
		value := bytes.TrimLeft(rest, " :")
		if bytes.HasPrefix(value, []byte(`"tls"`)) || bytes.HasPrefix(value, []byte(`"quic"`)) {
			return true
		}
		line = rest
	}
}

// line reads one event.
func (s *suricata) line(f *file, line []byte) error {
	line = bytes.TrimSpace(line)
	switch {
	case line[0] != '{' || line[len(line)-1] != '}':
		return malformed("no JSON object, or half of one")
	case !wanted(line):
		return skip("other-event")
	}
	var e event
	odd := &json.UnmarshalTypeError{}
	if err := json.Unmarshal(line, &e); errors.As(err, &odd) {
		s.run.res.Gaps["odd-field"]++ // one field of another type does not void the others
	} else if err != nil {
		return malformed("no JSON object: %v", err)
	}
	switch {
	case e.Type == "tls":
		return s.tls(f, &e)
	case e.Type == "quic":
		return s.quic(f, &e)
	}
	return skip("other-event")
}

// tls turns a tls event into an observation. Suricata writes one when the
// server's certificate was seen, or the handshake went on without one.
func (s *suricata) tls(f *file, e *event) error {
	o, err := e.observation()
	if err != nil {
		return err
	}
	t := &e.TLS
	o.Transport = discover.TCP
	if isUDP(e.Proto) {
		o.Transport = discover.DTLS
	} else {
		o.Preface = prefaces[orDefault(t.FromProto, e.OriginalProto)]
	}
	o.Version = suricataVersion(t.Version)
	o.Cipher = discover.Escape([]byte(t.ServerHello.Cipher.String()))
	o.JA3, o.JA3S, o.JA4 = t.JA3.text(), t.JA3S.text(), t.JA4.text()
	o.ALPN = escapeAll(t.ClientALPN)
	if len(t.ServerALPN) > 0 {
		o.ALPNChosen = discover.Escape([]byte(t.ServerALPN[0]))
	}
	if t.SNI != nil {
		setName(o, unescapeHex(*t.SNI))
		s.names = true
	}
	// Basic logging writes subject and issuer alone: whether a name was sent is
	// then as unknown as without the hello.
	o.Hello = o.HasSNI || o.JA3 != "" || o.JA4 != "" || t.Version != ""
	o.ServerHello = o.Version != "" || o.Cipher != "" || o.JA3S != "" || t.SessionResumed || t.certificateSeen()
	s.plain++
	s.certificates(e, o)
	s.run.emit(f, o, nil)
	return nil
}

// certificates keeps what an event says of both sides' certificates.
func (s *suricata) certificates(e *event, o *discover.Observation) {
	t := &e.TLS
	if t.Client.certificateSeen() {
		o.ClientAuthRequested = discover.Yes
		if chain, _, ok := s.chain(&t.Client, o); ok {
			o.ClientChain = chain
		} else {
			s.run.res.Gaps["client-not-logged"]++
		}
	}
	if isTLS13(o.Version) {
		// Suricata takes an echoed session id for a resumption, which TLS 1.3
		// echoes always (RFC 8446 §4.1.3).
		o.CertsHidden = discover.HiddenEncrypted
	} else if t.SessionResumed {
		o.Resumed, o.CertsHidden = discover.Yes, discover.HiddenResumed
	}
	if !t.certificateSeen() {
		if o.CertsHidden == "" {
			o.CertsHidden = noCertificate(o)
		}
		return
	}
	o.Resumed, o.CertsHidden = discover.No, ""
	chain, whole, ok := s.chain(&t.eveCertificate, o)
	switch {
	case ok && whole:
		o.Chain, o.CertsFrom = chain, discover.FromWire
	case ok:
		o.Chain, o.CertsFrom = chain, FromLeaf
		s.run.res.Gaps["leaf-only"]++
	default:
		o.CertsHidden = HiddenNotLogged
		s.run.res.Gaps["not-logged"]++
		s.partial(&t.eveCertificate, o)
	}
}

// noCertificate says why an event without a certificate has none.
func noCertificate(o *discover.Observation) string {
	if o.ServerHello {
		return discover.HiddenTruncated
	}
	return discover.HiddenNoAnswer
}

// chain reads the certificates that an event holds in base64, else finds the
// leaf by its SHA-1. Unless whole, what came with the leaf is not known.
func (s *suricata) chain(c *eveCertificate, o *discover.Observation) (chain []discover.Fingerprint, whole, ok bool) {
	raw, whole := s.decode(c)
	for i := range raw {
		chain = append(chain, raw[i].SHA256)
		s.learn(&raw[i])
	}
	o.DER = append(o.DER, raw...)
	switch {
	case whole:
		return chain, true, true
	case len(chain) > 0:
		return chain[:1], false, true
	}
	leaf, known := s.find(c.Fingerprint)
	if !known {
		return nil, false, false
	}
	return []discover.Fingerprint{leaf}, false, true
}

// decode returns the certificates of an event up to the first that is damaged,
// and whether they are all that the peer sent.
func (s *suricata) decode(c *eveCertificate) (raw []discover.RawCertificate, whole bool) {
	texts := c.Chain
	whole = len(texts) > 0
	if !whole && c.Certificate != "" {
		texts = []string{c.Certificate}
	}
	for _, text := range texts {
		der, err := decodeBase64(text)
		if err != nil || len(der) == 0 {
			s.run.res.Gaps["bad-base64"]++
			return raw, false
		}
		raw = append(raw, discover.RawCertificate{SHA256: discover.FingerprintOf(der), DER: der})
	}
	return raw, whole
}

// find looks for a certificate by the SHA-1 of an event: among those of earlier
// events, then where the caller knows one.
func (s *suricata) find(text string) (discover.Fingerprint, bool) {
	sum, ok := parseSHA1(text)
	if !ok {
		return discover.Fingerprint{}, false
	}
	if leaf, known := s.sums[sum]; known || s.run.cfg.Known == nil {
		return leaf, known
	}
	return s.run.cfg.Known(sum)
}

// learn keeps the SHA-1 of a certificate, for events that hold no more.
func (s *suricata) learn(raw *discover.RawCertificate) {
	if len(s.sums) < maxCertificates {
		s.sums[sha1.Sum(raw.DER)] = raw.SHA256
	}
}

func (s *suricata) partial(c *eveCertificate, o *discover.Observation) {
	p := Partial{Subject: suricataName(c.Subject), Issuer: suricataName(c.Issuer), Serial: serialText(c.Serial)}
	if sum, ok := parseSHA1(c.Fingerprint); ok {
		p.SHA1 = sum.String()
	}
	p.NotBefore, _ = parseTime(orDefault(c.NotBefore, "?"))
	p.NotAfter, _ = parseTime(orDefault(c.NotAfter, "?"))
	if !s.run.partials.seen(p, o.Time) {
		s.run.res.Gaps["partials-beyond-bound"]++
	}
}

// advise says which settings of Suricata would tell more.
func (s *suricata) advise() {
	r := s.run
	if s.plain > 0 && !s.names {
		r.advise("none of %d tls events has a server name: let Suricata log sni (suricata.yaml, outputs, eve-log, types, tls: extended or custom)", s.plain)
	}
	if n := r.res.Gaps["not-logged"]; n > 0 {
		r.advise("%d handshakes show certificates that the events name by SHA-1 or less: let Suricata log chain (suricata.yaml, outputs, eve-log, types, tls, custom)", n)
	}
	if n := r.res.Gaps["leaf-only"]; n > 0 {
		r.advise("%d handshakes tell the leaf and not the chain, so that missing intermediates cannot be found: let Suricata log chain in place of certificate", n)
	}
}
