package flow

import (
	"net/netip"

	"blindspot/tlsparse"
	"blindspot/tlsparse/starttls"
)

const (
	// maxPreface bounds the bytes of a plaintext preface in each direction.
	maxPreface = 16 << 10
	// maxLooks bounds how often a flow's preface is looked at: a sender of tiny
	// segments does not make it more work.
	maxLooks = 64
)

// preface is what a handshake had before it.
type preface struct {
	name   string
	target string
	origin netip.AddrPort
}

// preface looks for a known protocol in front of TLS, in a flow that began with
// neither. decided is false while more bytes may tell; found says that TLS
// begins, and that both directions are cut to where it does.
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
	case f.Answer == tlsparse.No || f.State != starttls.Started || f.Wrapped != starttls.Plain || f.Client < 0:
		return false, true
	}
	t.cut(hs, client, f.Client)
	if f.Server >= 0 {
		t.cut(hs, 1-client, f.Server)
	}
	hs.client = uint8(client)
	hs.preface = t.prefaces.take()
	*t.prefaces.get(hs.preface) = preface{name: f.Name, target: f.Target, origin: f.Origin}
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
func (t *Table) cut(hs *handshake, dir, n int) {
	if hs.streams[dir] == 0 {
		return
	}
	st := t.streams.get(hs.streams[dir])
	buf := t.buffers.bytes(st.buf)
	top := int(st.top())
	if n >= top {
		st.restart(&t.buffers, st.base+uint32(n))
		return
	}
	copy(buf, buf[n:top])
	st.base += uint32(n)
	st.have -= min(uint32(n), st.have)
	for i := range st.islands[:st.holes] {
		st.islands[i].lo -= uint32(n)
		st.islands[i].hi -= uint32(n)
	}
	st.want = 0
	st.synced = true
}

// resume reads what both directions hold behind a preface.
func (t *Table) resume(e *entry, hs *handshake) {
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
}
