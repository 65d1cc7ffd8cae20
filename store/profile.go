package store

import (
	"database/sql/driver"
	"fmt"

	"blindspot/discover"
)

// profile is the part of a discover.Key that many keys have in common. It is
// stored once, and keys hold its number in this store.
type profile struct {
	sensor, network string
	name            discover.NameKind
	transport       discover.Transport
	known           string
	lengthEvidence  string
	version         string
	preface         string
	outcome         discover.Outcome
	alert           string
	class           string
}

const profileColumns = "sensor, network, name_kind, transport, known, length_evidence, version, preface, outcome, alert, class"

func profileOf(k *discover.Key) profile {
	return profile{
		sensor: k.Sensor, network: k.Network, name: k.Name, transport: k.Transport, known: k.Known, lengthEvidence: k.LengthEvidence,
		version: k.Version, preface: k.Preface, outcome: k.Outcome, alert: k.Alert, class: k.Class,
	}
}

// fill sets what p holds of k.
func (p *profile) fill(k *discover.Key) {
	k.Sensor, k.Network, k.Name, k.Transport, k.Known, k.LengthEvidence = p.sensor, p.network, p.name, p.transport, p.known, p.lengthEvidence
	k.Version, k.Preface, k.Outcome, k.Alert, k.Class = p.version, p.preface, p.outcome, p.alert, p.class
}

func (p profile) values() []driver.Value {
	return []driver.Value{p.sensor, p.network, p.name.String(), p.transport.String(), p.known, p.lengthEvidence,
		p.version, p.preface, string(p.outcome), p.alert, p.class}
}

func scanProfile(r *rows) (p profile, err error) {
	var ok bool
	if p.name, ok = discover.ParseNameKind(r.text(2)); !ok {
		err = fmt.Errorf("unknown kind of name %q", r.text(2))
	}
	p.sensor, p.network, p.transport, p.known, p.lengthEvidence = r.text(0), r.text(1), discover.ParseTransport(r.text(3)), r.text(4), r.text(5)
	p.version, p.preface, p.outcome, p.alert, p.class = r.text(6), r.text(7), discover.Outcome(r.text(8)), r.text(9), r.text(10)
	return p, err
}

// choice is what clients offered and servers chose, stored once.
type choice struct{ alpn, cipher, group string }

const choiceColumns = "alpn, cipher, tls_group"

func (c choice) values() []driver.Value { return []driver.Value{c.alpn, c.cipher, c.group} }

func scanChoice(r *rows) (choice, error) { return choice{r.text(0), r.text(1), r.text(2)}, nil }
