package logs

import "blindspot/discover"

// maxPending bounds the QUIC hellos that wait for their server's answer. The
// one that waited longest goes without.
const maxPending = 1 << 16

// quic takes a quic event. Suricata writes one for each side's hello, and tells
// that they belong together by the flow.
func (s *suricata) quic(f *file, e *event) error {
	q := &e.QUIC
	switch {
	case q.SNI != nil || q.JA3 != "" || q.JA4 != "":
	case (q.JA3S != "" || len(q.Extensions) > 0) && s.hello.answer(e.Flow.String(), q.JA3S.text()):
		return skip("quic-answer")
	default:
		return skip("quic-without-hello")
	}
	o, err := e.observation()
	if err != nil {
		return err
	}
	// Whether a server answered is told by another event, and only where that
	// has its extensions or JA3S: without it, it is not known.
	o.Transport, o.Hello, o.CertsHidden = discover.QUIC, true, discover.HiddenEncrypted
	o.JA3, o.JA4 = q.JA3.text(), q.JA4.text()
	if q.SNI != nil {
		setName(o, unescapeHex(*q.SNI))
	}
	if !s.hello.add(s.run, f, e.Flow.String(), o) {
		return skip("quic-repeated")
	}
	if q.JA3S != "" {
		s.hello.answer(e.Flow.String(), q.JA3S.text())
	}
	return nil
}

// pending holds QUIC hellos in the order in which they came.
type pending struct {
	at    map[string]*waiting // by flow
	queue []*waiting
}

type waiting struct {
	flow string
	file *file
	o    *discover.Observation
}

func newPending() pending { return pending{at: make(map[string]*waiting)} }

// add keeps a hello until its answer was seen. It reports false for a second
// hello of a flow, after a Retry: that is the same handshake.
func (p *pending) add(r *run, f *file, flow string, o *discover.Observation) bool {
	if first := p.at[flow]; first != nil && first.o.SNI == o.SNI && !first.o.ServerHello {
		return false
	}
	w := &waiting{flow, f, o}
	p.queue = append(p.queue, w)
	if flow != "" {
		p.at[flow] = w
	}
	if len(p.queue) >= 2*maxPending {
		p.release(r, maxPending)
	}
	return true
}

// answer marks the hello of a flow as answered.
func (p *pending) answer(flow, ja3s string) bool {
	w := p.at[flow]
	if w == nil {
		return false
	}
	// A QUIC server that says hello speaks TLS 1.3 (RFC 9001 §4.2).
	w.o.ServerHello, w.o.Version, w.o.JA3S = true, "TLS 1.3", ja3s
	return true
}

// release emits the n hellos that waited longest.
func (p *pending) release(r *run, n int) {
	for _, w := range p.queue[:n] {
		if p.at[w.flow] == w {
			delete(p.at, w.flow)
		}
		r.emit(w.file, w.o, nil)
	}
	p.queue = append(p.queue[:0:0], p.queue[n:]...)
}

func (p *pending) flush(r *run) { p.release(r, len(p.queue)) }
