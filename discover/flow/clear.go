package flow

import (
	"cmp"
	"time"

	"blindspot/discover"
	"blindspot/tlsparse/starttls"
)

// clearSession tells of a session that stays in the clear although TLS was
// spoken of.
func (t *Table) clearSession(e *entry, hs *handshake, client int, f *starttls.Found) {
	state := ""
	switch f.State {
	case starttls.Refused:
		state = discover.OfferRefused
	case starttls.Declined:
		state = discover.OfferDeclined
	default:
		return
	}
	o := t.observer.pool.observation()
	o.Time, o.Ended, o.Order = time.Unix(0, hs.first).UTC(), time.Unix(0, max(t.clock, hs.first)).UTC(), hs.number
	o.Transport, o.Network, o.Tunnel = discover.TCP, t.network(e), t.tunnels.name(hs.tunnel)
	o.Preface, o.Target, o.ClientOrigin, o.Offer = cmp.Or(f.Name, starttls.Ambiguous), f.Target, f.Origin, state
	o.Client, o.Server = e.key.ends(client)
	t.stats.Cleartext++
	t.deliver(o)
}

// endInClear tells what the end of a plaintext dialogue decides: a client that
// is refused mostly hangs up. A direction is read up to a bound.
func (t *Table) endInClear(e *entry, hs *handshake, dir int, upTo uint32) {
	if hs.looks == 0 || hs.looks > maxLooks || t.midStream(hs) {
		return
	}
	client := t.initiator(e)
	c, s := t.prefix(hs, client), t.prefix(hs, 1-client)
	if dir == client {
		c = c[:min(uint64(len(c)), uint64(upTo))]
	} else {
		s = s[:min(uint64(len(s)), uint64(upTo))]
	}
	if len(c) > maxPreface || len(s) > maxPreface {
		return
	}
	f := starttls.Find(c, s)
	t.clearSession(e, hs, client, &f)
}

// network returns the name of a flow's network.
func (t *Table) network(e *entry) string {
	if n := int(e.key.network); n < len(t.cfg.Networks) {
		return t.cfg.Networks[n]
	}
	return ""
}
