package store

import (
	"bytes"
	"errors"

	"blindspot/discover"
)

const selectKeys = "SELECT id, hostname, target, server, chain, client_chain, profile FROM keys WHERE id >= ? ORDER BY id"

// maxKeySteps is how far a keyScan steps before it seeks, which costs more than
// a step: a search, binding, and a call into C to begin and to end.
const maxKeySteps = 3

// keyScan reads keys whose ids are asked for in ascending order. Where most
// keys are asked for it walks along the table, where few are it seeks.
type keyScan struct {
	c        *conn
	profiles numbered[profile]
	rows     *rows
}

func newKeyScan(c *conn) keyScan {
	return keyScan{c: c, profiles: newNumbered("profiles", profileColumns, scanProfile)}
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
			return s.key(k)
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
	return s.key(k)
}

func (s *keyScan) close() {
	if s.rows != nil {
		s.rows.close()
		s.rows = nil
	}
}

// key reads the row at which s is.
func (s *keyScan) key(k *discover.Key) error {
	r := s.rows
	p, err := s.profiles.at(s.c, r.int(6))
	if err != nil {
		return err
	}
	p.fill(k)
	var badServer, badChain, badClientChain error
	k.Hostname, k.Target = r.text(1), r.text(2)
	k.Server, badServer = addrOf(r.text(3))
	k.Chain, badChain = digestOf(r.blob(4))
	k.ClientChain, badClientChain = digestOf(r.blob(5))
	return errors.Join(badServer, badChain, badClientChain)
}
