package store

import (
	"bytes"
	"errors"
	"fmt"

	"blindspot/discover"
)

const selectKeys = `
SELECT id, sensor, network, name_kind, hostname, target, transport, server, chain, client_chain,
  known, length_evidence, version, preface, outcome, alert, class
FROM keys WHERE id >= ? ORDER BY id`

// maxKeySteps is how far a keyScan steps before it seeks, which costs more than
// a step: a search, binding, and a call into C to begin and to end.
const maxKeySteps = 3

// keyScan reads keys whose ids are asked for in ascending order. Where most
// keys are asked for it walks along the table, where few are it seeks.
type keyScan struct {
	c    *conn
	rows *rows
}

// find reads the key id into k.
func (s *keyScan) find(id keyID, k *discover.Key) error {
	for step := 0; s.rows != nil && step < maxKeySteps; step++ {
		ok, err := s.rows.next()
		if err != nil {
			return err
		}
		if !ok {
			return errNoKey
		}
		if c := bytes.Compare(s.rows.blob(0), id[:]); c == 0 {
			return keyOf(s.rows, k)
		} else if c > 0 {
			return errNoKey
		}
	}
	return s.seek(id, k)
}

// errNoKey is a damage: a key is written before its sightings.
var errNoKey = errors.New("a sighting has no key: the store is damaged")

func (s *keyScan) seek(id keyID, k *discover.Key) (err error) {
	s.close()
	if s.rows, err = s.c.query(selectKeys, id[:]); err != nil {
		return err
	}
	ok, err := s.rows.next()
	if err != nil {
		return err
	}
	if !ok || !bytes.Equal(s.rows.blob(0), id[:]) {
		return errNoKey
	}
	return keyOf(s.rows, k)
}

func (s *keyScan) close() {
	if s.rows != nil {
		s.rows.close()
		s.rows = nil
	}
}

func keyOf(r *rows, k *discover.Key) error {
	var ok bool
	if k.Name, ok = discover.ParseNameKind(r.text(3)); !ok {
		return fmt.Errorf("unknown kind of name %q", r.text(3))
	}
	var badServer, badChain, badClientChain error
	k.Sensor, k.Network, k.Hostname, k.Target = r.text(1), r.text(2), r.text(4), r.text(5)
	k.Transport = discover.ParseTransport(r.text(6))
	k.Server, badServer = addrOf(r.text(7))
	k.Chain, badChain = digestOf(r.blob(8))
	k.ClientChain, badClientChain = digestOf(r.blob(9))
	k.Known, k.LengthEvidence, k.Version, k.Preface = r.text(10), r.text(11), r.text(12), r.text(13)
	k.Outcome, k.Alert, k.Class = discover.Outcome(r.text(14)), r.text(15), r.text(16)
	return errors.Join(badServer, badChain, badClientChain)
}
