package store

import (
	"errors"

	"blindspot/discover"
)

// putHop merges one hop by max into what the source has for its part.
func putHop(c *conn, source int64, part uint32, h *discover.HopCount) error {
	return c.exec(`
INSERT INTO hops (source, part, network, server, behind, first_seen, last_seen, handshakes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),
  handshakes = max(handshakes, excluded.handshakes)`,
		source, int64(part), h.Network, addrText(h.From), addrText(h.To), nanos(h.First), nanos(h.Last), count(h.Count))
}

// hops returns the hops of the sources that count, folded over them, that were
// taken in the query's window.
func (q *Query) hops(c *conn) (list []discover.HopCount, err error) {
	err = c.each(`
SELECT h.network, h.server, h.behind, min(h.first_seen), max(h.last_seen), sum(h.handshakes)
FROM counted_sources AS o JOIN hops AS h ON h.source = o.id
WHERE (?1 = '' OR o.sensor = ?1) AND h.last_seen >= ?2 AND h.first_seen < ?3
GROUP BY h.network, h.server, h.behind ORDER BY h.network, h.server, h.behind`, func(r *rows) error {
		h := discover.HopCount{First: timeOf(r.int(3)), Last: timeOf(r.int(4)), Count: r.uint(5)}
		h.Network = r.text(0)
		var from, to error
		h.From, from = addrOf(r.text(1))
		h.To, to = addrOf(r.text(2))
		list = append(list, h)
		return errors.Join(from, to)
	}, q.args()...)
	return list, err
}
