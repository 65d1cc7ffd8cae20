package store

import (
	"fmt"

	"blindspot/discover"
)

// insertOffer replaces by max, as onKnownSighting does.
const insertOffer = `
INSERT INTO offers (source, part, network, server, target, preface, state, class, first_seen, last_seen, sessions, clients, client_list, client_more, client_sketch)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),
  sessions = max(sessions, excluded.sessions), clients = max(clients, excluded.clients),
  client_list = CASE WHEN excluded.sessions > sessions THEN excluded.client_list
    WHEN excluded.sessions < sessions THEN client_list ELSE max(client_list, excluded.client_list) END,
  client_more = max(client_more, excluded.client_more),
  client_sketch = CASE WHEN excluded.sessions > sessions THEN excluded.client_sketch
    WHEN excluded.sessions < sessions THEN client_sketch ELSE max(client_sketch, excluded.client_sketch) END`

// putOffer merges one offer by max into what the source has for its part.
func putOffer(c *conn, source int64, part uint32, o *discover.OfferCount) error {
	return insertOfferRow(c, source, int64(part), o)
}

const fromOffers = `FROM counted_sources AS o CROSS JOIN offers AS b ON b.source = o.id
WHERE (?1 = '' OR o.sensor = ?1) AND b.last_seen >= ?2 AND b.first_seen < ?3`

// The order within an offer makes folding repeatable.
const selectOffers = `
SELECT b.network, b.server, b.target, b.preface, b.state, b.class, b.first_seen, b.last_seen, b.sessions, b.client_list, b.client_more, b.client_sketch
` + fromOffers + ` ORDER BY b.network, b.server, b.target, b.preface, b.state, b.class, b.source, b.part`

// offers returns the offers of the sources that count, folded over them, with
// sessions in the query's window.
func (q *Query) offers(c *conn, key discover.SketchKey) (list []*discover.OfferCount, err error) {
	err = c.each(selectOffers, func(r *rows) error {
		o, err := offerOf(r)
		if err != nil {
			return err
		}
		if n := len(list); n > 0 && list[n-1].Offer == o.Offer {
			foldOffer(list[n-1], o, key)
			return nil
		}
		list = append(list, o)
		return nil
	}, q.args()...)
	for _, o := range list {
		o.Clients.Sort()
	}
	return list, err
}

func offerOf(r *rows) (o *discover.OfferCount, err error) {
	o = &discover.OfferCount{First: timeOf(r.int(6)), Last: timeOf(r.int(7)), Count: r.uint(8)}
	o.Network, o.Target, o.Preface, o.State, o.Class = r.text(0), r.text(2), r.text(3), r.text(4), r.text(5)
	if o.Server, err = addrOf(r.text(1)); err != nil {
		return nil, err
	}
	if o.Clients.Exact, err = clientsOf(r.blob(9), nil); err != nil {
		return nil, err
	}
	o.Clients.More = r.uint(10)
	if err := o.Clients.SetSketch(r.blob(11)); err != nil {
		return nil, fmt.Errorf("client sketch: %w", err)
	}
	return o, nil
}

// foldOffer adds what another source or part has of the same offer.
func foldOffer(sum, o *discover.OfferCount, key discover.SketchKey) {
	if o.First.Before(sum.First) {
		sum.First = o.First
	}
	if o.Last.After(sum.Last) {
		sum.Last = o.Last
	}
	sum.Count += o.Count
	sum.Clients.Merge(&o.Clients, key)
}
