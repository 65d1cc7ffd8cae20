package store

import (
	"database/sql/driver"
	"slices"
)

// batches hands rows of the other store to put, many in a transaction.
func (m *merge) batches(source int64, text string, put func(c *conn, row []driver.Value) error, args ...driver.Value) error {
	var held [][]driver.Value
	write := func() error {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		err := m.db.write("merge", func(c *conn) error {
			there, err := c.one("SELECT 1 FROM sources WHERE id = ?", func(*rows) {}, source)
			if err == nil && !there && source != 0 {
				err = errMerging
			}
			for i := 0; err == nil && i < len(held); i++ {
				err = put(c, held[i])
			}
			return err
		})
		held = held[:0]
		return err
	}
	err := m.from.each(text, func(r *rows) error {
		if held = append(held, slices.Clone(r.v)); len(held) < mergeRows {
			return nil
		}
		return write()
	}, args...)
	if err == nil && len(held) > 0 {
		err = write()
	}
	return err
}

// copyFacts copies what belongs to no source.
func (m *merge) copyFacts() error {
	err := m.batches(0, "SELECT "+certificateColumns+" FROM certificates ORDER BY id", func(c *conn, row []driver.Value) error {
		return c.exec(insertCertificate, row...)
	})
	if err != nil {
		return err
	}
	return m.batches(0, "SELECT id, certificates FROM chains ORDER BY id", func(c *conn, row []driver.Value) error {
		return c.exec("INSERT INTO chains (id, certificates) VALUES (?, ?) ON CONFLICT DO NOTHING", row...)
	})
}

// plainTables are copied as they are, but for the source's number.
var plainTables = []struct{ name, columns string }{
	{"buckets", "part, bucket, width, first_seen, last_seen"},
	{"visibility", "part, " + visibilityColumns},
	{"hops", "part, network, server, behind, first_seen, last_seen, handshakes"},
	{"offers", "part, network, server, target, preface, state, class, first_seen, last_seen, sessions, clients, client_list, client_more, client_sketch"},
}

func (m *merge) copy(s *incoming, id int64, done *MergedSource) error {
	for _, t := range plainTables {
		insert := "INSERT OR REPLACE INTO " + t.name + " (" + t.columns + ", source) VALUES (?" + marks(t.columns) + ", ?)"
		err := m.batches(id, "SELECT "+t.columns+" FROM "+t.name+" WHERE source = ?", func(c *conn, row []driver.Value) error {
			return c.exec(insert, append(row, id)...)
		}, s.id)
		if err != nil {
			return err
		}
	}
	return m.batches(id, "SELECT part, bucket, key, "+figureColumns+" FROM sightings WHERE source = ? ORDER BY part, bucket, key", func(c *conn, row []driver.Value) error {
		done.Sightings++
		return m.sighting(c, id, row)
	}, s.id)
}

// marks is a further question mark for each comma.
func marks(columns string) string {
	b := []byte{}
	for _, r := range columns {
		if r == ',' {
			b = append(b, ", ?"...)
		}
	}
	return string(b)
}

const choiceAt = 3 + 2 // of a row that is copied

// sighting writes a row with the key that it refers to, under this store's
// numbers.
func (m *merge) sighting(c *conn, id int64, row []driver.Value) error {
	key, _ := row[2].([]byte)
	if err := m.key(c, key); err != nil {
		return err
	}
	number, _ := row[choiceAt].(int64)
	chosen, err := m.choices.at(m.from, number)
	if err != nil {
		return err
	}
	if row[choiceAt], err = m.db.choices.of(c, chosen); err != nil {
		return err
	}
	return c.exec(replaceFigures, append([]driver.Value{id}, row...)...)
}

func (m *merge) key(c *conn, key []byte) error {
	there, err := c.one("SELECT 1 FROM keys WHERE id = ?", func(*rows) {}, key)
	if err != nil || there {
		return err
	}
	var row []driver.Value
	found, err := m.from.one("SELECT id, hostname, target, server, chain, client_chain, profile FROM keys WHERE id = ?", func(r *rows) { row = slices.Clone(r.v) }, key)
	if err != nil {
		return err
	}
	if !found {
		return errNoKey
	}
	number, _ := row[6].(int64)
	p, err := m.profiles.at(m.from, number)
	if err != nil {
		return err
	}
	if row[6], err = m.db.profiles.of(c, p); err != nil {
		return err
	}
	return c.exec(insertKey+keyRow+onKnownKey, row...)
}
