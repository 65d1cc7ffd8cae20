package flow

import (
	"blindspot/discover"
	"blindspot/tlsparse"
)

// observeCourse says how the handshake went, what hid its certificates, and
// who refused.
func (v *Observer) observeCourse(c *Collected, o *discover.Observation) {
	hs, client, server := &c.hs, &c.client, &c.server
	if body := client.message(tlsparse.TypeCertificate, 0); body != nil && hs.flags&isTLS13 == 0 {
		v.chain(body, true, o)
	}
	if hs.flags&(clientMayHaveLeft|clientFinished) == clientMayHaveLeft {
		hs.flags |= clientGaveUp
	}
	o.Alerts = hs.told(o.Alerts)
	switch {
	case !o.ServerHello:
	case hs.flags&isTLS13 != 0:
		o.Resumed = discover.TriOf(v.server.PSKSelected)
	case o.CertsFrom != "" || hs.flags&sawServerDone != 0:
		o.Resumed = discover.No
	case hs.resumed(o):
		o.Resumed = discover.Yes
	}
	o.PacketsLost = c.missing
	o.Outcome = hs.outcome(server, o)
	if o.CertsFrom == "" {
		o.CertsHidden = hs.hidden(server, o)
	}
}

// told appends the alerts, those last that are only known by their length.
func (hs *handshake) told(list []discover.Alert) []discover.Alert {
	for _, a := range hs.alerts[:hs.nalerts] {
		list = append(list, discover.Alert{FromServer: a.server, Level: tlsparse.AlertLevelName(a.level), Description: tlsparse.AlertName(a.description)})
	}
	if hs.flags&isTLS13 != 0 && hs.flags&clientGaveUp != 0 {
		list = append(list, discover.Alert{Protected: true})
	}
	if hs.flags&isTLS13 != 0 && hs.flags&serverGaveUp != 0 {
		list = append(list, discover.Alert{FromServer: true, Protected: true})
	}
	return list
}

// resumed reports a resumption up to TLS 1.2: the server's ChangeCipherSpec
// follows its hello, with no certificate and no key exchange between.
func (hs *handshake) resumed(o *discover.Observation) bool {
	return hs.flags&(serverCCS|sawServerDone|sawCertificate) == serverCCS && o.ServerHello && hs.flags&isTLS13 == 0
}

// outcome decides how the handshake ended.
func (hs *handshake) outcome(server *side, o *discover.Observation) discover.Outcome {
	f := hs.flags
	switch {
	case hs.refused == refusedByClient:
		return discover.RefusedByClient
	case hs.refused == refusedByServer:
		return discover.RefusedByServer
	case f&isTLS13 != 0:
		return hs.outcome13()
	case f&clientCCS != 0 && f&serverCCS != 0,
		f&clientCCS != 0 && f&clientData != 0,
		f&serverCCS != 0 && f&serverData != 0:
		return discover.Established
	case hs.certificateWarning(false):
		return discover.RefusedByClient
	case hs.certificateWarning(true):
		return discover.RefusedByServer
	case o.ServerHello || hs.spokeUnseen(server) || f&(clientCCS|sawClientFlight) != 0 || server.top > 0 && f&serverClear == 0:
		return discover.OutcomeUnknown
	}
	return discover.Unanswered
}

func (hs *handshake) outcome13() discover.Outcome {
	switch f := hs.flags; {
	case f&clientGaveUp != 0:
		return discover.RefusedByClient
	case f&serverGaveUp != 0:
		return discover.RefusedByServer
	case f&clientFinished != 0:
		return discover.Established
	}
	return discover.OutcomeUnknown
}

// certificateWarning reports whether a side complained about a certificate in
// an alert of level warning: some stacks refuse so.
func (hs *handshake) certificateWarning(server bool) bool {
	for _, a := range hs.alerts[:hs.nalerts] {
		if a.server == server &&
			a.description >= tlsparse.AlertBadCertificate && a.description <= tlsparse.AlertUnknownCA {
			return true
		}
	}
	return false
}

// spokeUnseen reports whether the server has sent bytes that were not captured.
func (hs *handshake) spokeUnseen(server *side) bool {
	return server.top == 0 && hs.acks[hs.client].spoke()
}

// hidden says why there is no certificate.
func (hs *handshake) hidden(server *side, o *discover.Observation) string {
	f := hs.flags
	switch {
	case o.Resumed == discover.Yes:
		return discover.HiddenResumed
	case f&isTLS13 != 0:
		return discover.HiddenEncrypted
	case f&sawCertificate != 0:
		return discover.HiddenTruncated // it was over maxMessage
	case f&sawServerDone != 0:
		return "" // anonymous or PSK: there is none
	case o.ServerHello:
		return discover.HiddenTruncated
	case server.top > 0 && server.state != streamClear && hs.refused != refusedByServer:
		return discover.HiddenTruncated
	case server.top == 0 && (f&(clientCCS|sawClientFlight) != 0 || hs.acks[hs.client].spoke()):
		return discover.HiddenOneSided
	}
	return discover.HiddenNoAnswer
}
