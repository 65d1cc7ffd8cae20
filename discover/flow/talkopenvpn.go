package flow

import (
	"slices"

	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse/starttls"
)

// maxAhead is how many packets of an OpenVPN control channel are kept that came
// before their turn: its senders have no more under way.
const maxAhead = 8

// openvpn is the control channel of OpenVPN over UDP: TLS records, numbered
// packet by packet. (Over TCP it is a preface.)
type openvpn struct {
	dirs [2]struct {
		signature int
		opened    bool
		next      uint32
		ahead     []numbered
	}
}

type numbered struct {
	number uint32
	tls    []byte
}

// openvpnDatagram takes a datagram of a flow that has, or opens, a control
// channel.
func (t *Table) openvpnDatagram(e *entry, x *talks, dir int, s *decode.Segment) {
	signature, server, reset := starttls.OpenVPNReset(s.Payload)
	var k *talk
	for _, o := range x.list {
		if o.openvpn != nil {
			k = o
		}
	}
	switch {
	case k == nil && !reset:
		return
	case k == nil:
		k = t.newTalk(e, x, discover.TCP, s)
		k.openvpn = &openvpn{}
		k.client = uint8(dir)
		if server {
			k.client = uint8(1 - dir)
		}
		k.preface = t.prefaces.take()
		*t.prefaces.get(k.preface) = preface{name: "openvpn"}
	}
	k.handshake.number = t.number
	k.flags |= dir0Seen << dir
	d := &k.openvpn.dirs[dir]
	switch {
	case reset && !d.opened:
		d.opened, d.signature, d.next = true, signature, 1
		return
	case reset || !d.opened:
		return
	case s.Missing > 0:
		k.flags |= cutShort
	}
	tls, number := starttls.OpenVPNPayload(s.Payload, d.signature)
	if len(tls) == 0 {
		return
	}
	if number != d.next {
		t.holdOpenVPN(k, dir, number, tls)
		return
	}
	for ok := true; ok; tls, ok = t.dueOpenVPN(k, dir) {
		d.next++
		if !t.openvpnStream(e, k, dir, tls) {
			t.finishTalk(e, x, k, t.clock)
			return
		}
	}
	if decided, whole := k.decided(); decided && whole {
		t.finishTalk(e, x, k, t.clock)
	}
}

// holdOpenVPN keeps a packet until those before it have come.
func (t *Table) holdOpenVPN(k *talk, dir int, number uint32, tls []byte) {
	d := &k.openvpn.dirs[dir]
	if number-d.next > maxAhead || slices.ContainsFunc(d.ahead, func(p numbered) bool { return p.number == number }) {
		return
	}
	d.ahead = append(d.ahead, numbered{number, slices.Clone(tls)})
	k.held += int64(len(tls))
	t.talkBytes += int64(len(tls))
}

// dueOpenVPN returns the packet whose turn it is.
func (t *Table) dueOpenVPN(k *talk, dir int) (tls []byte, ok bool) {
	d := &k.openvpn.dirs[dir]
	i := slices.IndexFunc(d.ahead, func(p numbered) bool { return p.number == d.next })
	if i < 0 {
		return nil, false
	}
	tls = d.ahead[i].tls
	d.ahead = slices.Delete(d.ahead, i, i+1)
	k.held -= int64(len(tls))
	t.talkBytes -= int64(len(tls))
	return tls, true
}

// openvpnStream reads the next bytes of TLS of one side. It reports false
// where there is no room for them.
func (t *Table) openvpnStream(e *entry, k *talk, dir int, tls []byte) bool {
	hs := &k.handshake
	if hs.streams[dir] == 0 {
		if hs.streams[1-dir] == 0 {
			hs.first = t.now
		}
		hs.streams[dir] = t.streams.take()
		t.streams.get(hs.streams[dir]).synced = true
	}
	st := t.streams.get(hs.streams[dir])
	if st.state == streamBroken || st.state == streamClear {
		return true
	}
	switch st.accept(&t.buffers, st.base+st.have, tls) {
	case acceptedNoRoom:
		t.stats.NoBuffer++
		return false
	case acceptedOver:
		t.stats.OverPrefix++
		st.state = streamBroken
		return true
	}
	if st.state == streamNew {
		t.probe(hs, st, dir)
	}
	if st.state == streamTLS && st.have >= st.want {
		t.deframe(e, hs, st, dir)
	}
	return true
}
