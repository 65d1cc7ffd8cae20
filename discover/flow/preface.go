package flow

import (
	"net/netip"
	"slices"

	"blindspot/tlsparse"
	"blindspot/tlsparse/starttls"
)

const (
	// maxPreface bounds the bytes of a plaintext preface in each direction.
	maxPreface = 16 << 10
	// maxLooks bounds how often a flow's preface is looked at: a sender of tiny
	// segments does not make it more work.
	maxLooks = 64
	// maxSaid is how much of a hello is kept to find its preface again by.
	maxSaid = 512
)

// preface is what a handshake had before it.
type preface struct {
	name   string
	target string
	origin netip.AddrPort
	// said holds what the direction that was seen first began with, while the
	// other one has not shown where TLS begins in it.
	said []byte
	wrap wrapped
}

// preface looks for a known protocol in front of TLS, in a flow that began with
// neither. decided is false while more bytes may tell; found says that TLS
// begins, and that the directions that show it are cut to where it does.
func (t *Table) preface(e *entry, hs *handshake) (found, decided bool) {
	if hs.looks++; hs.looks > maxLooks || t.midStream(hs) {
		return false, true
	}
	client := t.initiator(e)
	c, s := t.prefix(hs, client), t.prefix(hs, 1-client)
	if len(c) > maxPreface || len(s) > maxPreface {
		return false, true
	}
	f := starttls.Find(c, s)
	switch {
	case f.Answer == tlsparse.Maybe:
		return false, false
	case f.Answer == tlsparse.No:
		return false, true
	case f.State != starttls.Started:
		t.clearSession(e, hs, client, &f)
		return false, true
	}
	hs.client = uint8(client)
	hs.preface = t.prefaces.take()
	p := t.prefaces.get(hs.preface)
	*p = preface{name: f.Name, target: f.Target, origin: f.Origin}
	switch {
	case f.Client < 0:
		p.said = slices.Clone(s[:min(len(s), f.Server+maxSaid)])
	case f.Server < 0:
		p.said = slices.Clone(c[:min(len(c), f.Client+maxSaid)])
	}
	t.begins(hs, client, f.Client)
	t.begins(hs, 1-client, f.Server)
	if f.Wrapped != starttls.Plain {
		t.wrap(hs, f.Wrapped)
	}
	return true, true
}

// begins cuts a direction to where TLS begins in it, if that is known.
func (t *Table) begins(hs *handshake, dir, at int) {
	if at >= 0 && hs.streams[dir] != 0 {
		t.cut(t.streams.get(hs.streams[dir]), at)
	}
}

// otherSide looks for the start of TLS in the direction that did not show it when
// the other one did. It reports whether more bytes may tell.
func (t *Table) otherSide(hs *handshake, dir int) (found, decided bool) {
	if hs.preface == 0 {
		return false, true
	}
	p := t.prefaces.get(hs.preface)
	b := t.prefix(hs, dir)
	if hs.looks++; p.said == nil || hs.looks > maxLooks || len(b) > maxPreface {
		return false, true
	}
	var f starttls.Found
	var at int
	if dir == int(hs.client) {
		f = starttls.Find(b, p.said)
		at = f.Client
	} else {
		f = starttls.Find(p.said, b)
		at = f.Server
	}
	switch {
	case f.Answer == tlsparse.Maybe:
		return false, false
	case f.Answer == tlsparse.No || f.State != starttls.Started:
		return false, true
	case at < 0:
		return false, false
	}
	p.name, p.said = f.Name, nil
	if f.Target != "" {
		p.target = f.Target
	}
	if f.Origin.IsValid() {
		p.origin = f.Origin
	}
	t.begins(hs, dir, at)
	return true, true
}

// initiator returns the direction that opened the connection: that of the SYN,
// or else of the higher port.
func (t *Table) initiator(e *entry) int {
	switch {
	case e.flags&flagOpened0 != 0:
		return 0
	case e.flags&flagOpened1 != 0:
		return 1
	case e.key.loPort > e.key.hiPort:
		return 0
	}
	return 1
}

// prefix returns the contiguous bytes of a direction.
func (t *Table) prefix(hs *handshake, dir int) []byte {
	if hs.streams[dir] == 0 {
		return nil
	}
	st := t.streams.get(hs.streams[dir])
	return t.buffers.bytes(st.buf)[:st.have]
}

// cut drops the first n bytes of a direction, which may not have come yet.
func (t *Table) cut(st *stream, n int) {
	buf := t.buffers.bytes(st.buf)
	top := int(st.top())
	if n >= top {
		st.restart(&t.buffers, st.base+uint32(n))
		return
	}
	copy(buf, buf[n:top])
	st.base += uint32(n)
	st.have -= min(uint32(n), st.have)
	isles := st.islands(&t.buffers)
	for i := range isles {
		isles[i].lo -= uint32(n)
		isles[i].hi -= uint32(n)
	}
	st.last -= min(uint32(n), st.last)
	st.want = 0
	st.synced = true
}

// resume reads what both directions hold behind a preface. It reports false
// where that ended the handshake.
func (t *Table) resume(n uint32, e *entry, hs *handshake) bool {
	if hs.flags&isWrapped != 0 {
		return t.unwrapBoth(n, e, hs)
	}
	for dir, sn := range hs.streams {
		if sn == 0 {
			continue
		}
		st := t.streams.get(sn)
		if st.state != streamNew || st.have == 0 {
			continue
		}
		if t.probe(hs, st, dir) == tlsparse.Yes {
			t.deframe(e, hs, st, dir)
		}
	}
	return true
}
