package store

import (
	"errors"
	"iter"
)

// Table is the rows of a question, for programs.
type Table struct {
	Columns []string
	// Rows yields values: nil, int64, string. A row is valid until the next one.
	Rows iter.Seq2[[]any, error]
}

// handshakeColumns are those of the view handshakes, which is the public form of
// the store (migrations).
var handshakeColumns = []string{"bucket", "first_seen", "last_seen", "sensor", "network", "hostname", "name_kind", "transport", "server", "target",
	"starttls", "version", "certificate", "client_certificate", "known", "length_evidence", "outcome", "alert", "class",
	"handshakes", "clients", "ech", "client_auth", "key_proven", "key_mismatch", "ocsp_good", "ocsp_bad", "hello_retry", "packets_lost",
	"alpn", "cipher", "tls_group", "source_kind", "source_name"}

// exported is the condition on the traffic of a query, by the view's texts.
const exported = " WHERE (?1 = '' OR sensor = ?1) AND (?2 = '' OR last_seen >= ?2) AND (?3 = '' OR first_seen < ?3)"

// Handshakes is one row for each key in each bucket of each source that counts,
// as the view of that name has them, a consistent state of the store.
func (db *DB) Handshakes(q Query) Table {
	text := "SELECT "
	for i, name := range handshakeColumns {
		if i > 0 {
			text += ", "
		}
		text += name
	}
	text += " FROM handshakes" + exported
	t := Table{Columns: handshakeColumns}
	t.Rows = func(yield func([]any, error) bool) {
		err := db.read("export", func(c *conn) error {
			list := make([]any, len(t.Columns))
			return c.each(text, func(r *rows) error {
				for i, v := range r.v {
					if b, ok := v.([]byte); ok {
						v = string(b)
					}
					list[i] = v
				}
				if !yield(list, nil) {
					return errStop
				}
				return nil
			}, q.Sensor, q.since(), q.until())
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
	return t
}

const viewTime = "2006-01-02T15:04:05Z"

func (q *Query) since() string {
	if q.Since.IsZero() {
		return ""
	}
	return q.Since.UTC().Format(viewTime)
}

func (q *Query) until() string {
	if q.Until.IsZero() {
		return ""
	}
	return q.Until.UTC().Format(viewTime)
}
