package store

import (
	"errors"

	"blindspot/discover"
)

// maxCachedChains bounds the chains kept in memory.
const maxCachedChains = 16384

func putChain(c *conn, ch *discover.Chain) error {
	if ch.ID.IsZero() {
		return nil // no chain
	}
	b := make([]byte, 0, 32*len(ch.Certificates))
	for i := range ch.Certificates {
		b = append(b, ch.Certificates[i][:]...)
	}
	return c.exec("INSERT INTO chains (id, certificates) VALUES (?, ?) ON CONFLICT DO NOTHING", ch.ID[:], b)
}

// Chain returns the fingerprints of a chain as presented, leaf first, nil
// where it is unknown. The slice is shared; do not change it.
func (db *DB) Chain(id discover.ChainID) ([]discover.Fingerprint, error) {
	chain, err := db.chains.get(id, db.loadChain)
	if errors.Is(err, errUnknown) {
		err = nil
	}
	return chain, err
}

func (db *DB) loadChain(id discover.ChainID) (chain []discover.Fingerprint, err error) {
	if id.IsZero() {
		return nil, nil
	}
	err = db.read("read a chain", func(c *conn) error {
		found, err := c.one("SELECT certificates FROM chains WHERE id = ?", func(r *rows) {
			for b := r.blob(0); len(b) >= 32; b = b[32:] {
				chain = append(chain, discover.Fingerprint(b[:32]))
			}
		}, id[:])
		if err == nil && !found {
			err = errUnknown
		}
		return err
	})
	return chain, err
}

// errUnknown keeps what is not there (yet) out of the caches.
var errUnknown = errors.New("unknown")
