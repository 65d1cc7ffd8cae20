package store

import (
	"context"
	"errors"
	"fmt"

	"blindspot/discover"

	"github.com/mattn/go-sqlite3"
)

// maxIntegrityLines bounds what SQLite says of a damaged file.
const maxIntegrityLines = 20

// Problem is something that a check found.
type Problem struct {
	What    string `json:"what"`
	Rows    uint64 `json:"rows"`
	Example string `json:"example,omitempty"`
}

// Checked is what Check found.
type Checked struct {
	Problems []Problem // the store is damaged
	Notes    []Problem // worth knowing, and no damage
	// Looked says at how many rows.
	Certificates, Chains, Sightings, Keys uint64
}

// Check looks for damage, in one consistent state of the store: SQLite's own
// check of the file, references to what is not there, figures that cannot be,
// certificates that are not those of their fingerprints. With full it looks at
// every index too, at every list and sketch of clients, and computes the id of
// every key.
func (db *DB) Check(ctx context.Context, full bool) (Checked, error) {
	k := checker{ctx: ctx, db: db, full: full}
	err := db.read("check", func(c *conn) error {
		if err := c.script("BEGIN"); err != nil {
			return err
		}
		defer func() { _ = c.script("ROLLBACK") }()
		k.c = c
		return k.all()
	})
	var e sqlite3.Error
	if errors.As(err, &e) && e.Code == sqlite3.ErrCorrupt {
		k.problem("the database file cannot be read further", 1, e.Error())
		err = nil
	}
	return k.out, err
}

type checker struct {
	ctx  context.Context
	db   *DB
	c    *conn
	full bool
	out  Checked
}

func (k *checker) problem(what string, n uint64, example string) {
	if n > 0 {
		k.out.Problems = append(k.out.Problems, Problem{what, n, example})
	}
}

func (k *checker) note(what string, n uint64, example string) {
	if n > 0 {
		k.out.Notes = append(k.out.Notes, Problem{what, n, example})
	}
}

func (k *checker) all() error {
	steps := []func() error{k.integrity, k.references, k.sums, k.chains, k.certificates}
	if k.full {
		steps = append(steps, k.clients, k.keys)
	}
	for _, step := range steps {
		if err := errors.Join(k.ctx.Err(), step()); err != nil {
			return err
		}
	}
	return nil
}

// integrity runs SQLite's own checks.
func (k *checker) integrity() error {
	pragma := "quick_check"
	if k.full {
		pragma = "integrity_check"
	}
	var bad Problem
	err := k.c.each(fmt.Sprintf("PRAGMA %s(%d)", pragma, maxIntegrityLines), func(r *rows) error {
		if text := r.text(0); text != "ok" {
			bad.Rows++
			bad.Example = first(bad.Example, text)
		}
		return nil
	})
	k.problem("the database file is malformed", bad.Rows, bad.Example)
	if err != nil {
		return err
	}
	bad = Problem{}
	err = k.c.each("PRAGMA foreign_key_check", func(r *rows) error {
		bad.Rows++
		bad.Example = first(bad.Example, r.text(0))
		return nil
	})
	k.problem("rows belong to a source that is not there", bad.Rows, bad.Example)
	return err
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

const sightingText = "'source ' || s.source || ', key ' || lower(hex(s.key))"

// relations are questions for rows that must not be, with an example.
var relations = []struct{ what, text string }{
	{"sightings belong to a source that is not there", "SELECT count(*), min(" + sightingText + ") FROM sightings AS s WHERE s.source NOT IN (SELECT id FROM sources)"},
	{"hops belong to a source that is not there", "SELECT count(*), min(server) FROM hops WHERE source NOT IN (SELECT id FROM sources)"},
	{"offers belong to a source that is not there", "SELECT count(*), min(server) FROM offers WHERE source NOT IN (SELECT id FROM sources)"},
	{"sightings are in a bucket that is not there", "SELECT count(*), min(" + sightingText + ") FROM sightings AS s WHERE NOT EXISTS (SELECT 1 FROM buckets AS b WHERE b.source = s.source AND b.part = s.part AND b.bucket = s.bucket)"},
	{"sightings have a key that is not there", "SELECT count(*), min(" + sightingText + ") FROM sightings AS s WHERE NOT EXISTS (SELECT 1 FROM keys AS k WHERE k.id = s.key)"},
	{"sightings have a choice that is not there", "SELECT count(*), min(" + sightingText + ") FROM sightings AS s WHERE s.choice NOT IN (SELECT id FROM choices)"},
	{"keys have a profile that is not there", "SELECT count(*), min(lower(hex(id))) FROM keys WHERE profile NOT IN (SELECT id FROM profiles)"},
	{"sightings have figures that cannot be", "SELECT count(*), min(" + sightingText + `) FROM sightings AS s
WHERE s.first_seen > s.last_seen OR min(s.handshakes, s.forwarded, s.clients, s.client_more, s.ech, s.client_auth, s.key_proven, s.key_mismatch, s.ocsp_good, s.ocsp_bad, s.hello_retry, s.packets_lost) < 0`},
	{"sightings are outside the time of their bucket", "SELECT count(*), min(" + sightingText + `) FROM sightings AS s JOIN buckets AS b ON b.source = s.source AND b.part = s.part AND b.bucket = s.bucket
WHERE s.first_seen < b.first_seen OR s.last_seen > b.last_seen`},
}

// absences are references that may lead nowhere: beyond a bound, chains and
// certificates are counted and not kept.
var absences = []struct{ what, text string }{
	{"keys have a chain that is not kept (beyond the bound on certificates)", `SELECT count(*), min(lower(hex(id))) FROM keys AS k
WHERE (k.chain <> X'' AND k.chain NOT IN (SELECT id FROM chains)) OR (k.client_chain <> X'' AND k.client_chain NOT IN (SELECT id FROM chains))`},
	{"keys have no sighting ('blindspot db vacuum' removes them)", "SELECT count(*), min(lower(hex(id))) FROM (SELECT id FROM keys EXCEPT SELECT key FROM sightings)"},
	{"sources are the rest of a merge that was broken off (the next one removes them)", "SELECT count(*), min(name) FROM sources WHERE unlisted"},
}

func (k *checker) references() error {
	for _, q := range relations {
		if err := k.ask(q.what, q.text, k.problem); err != nil {
			return err
		}
	}
	for _, q := range absences {
		if err := k.ask(q.what, q.text, k.note); err != nil {
			return err
		}
	}
	_, err := k.c.one("SELECT count(*) FROM sightings", func(r *rows) { k.out.Sightings = r.uint(0) })
	return err
}

func (k *checker) ask(what, text string, tell func(string, uint64, string)) error {
	if err := k.ctx.Err(); err != nil {
		return err
	}
	_, err := k.c.one(text, func(r *rows) { tell(what, r.uint(0), r.text(1)) })
	return err
}

// selectSums compares what a source counted with what its rows hold; our own
// looks are not counted.
const selectSums = `
SELECT o.id, o.name, coalesce((SELECT sum(handshakes) FROM visibility WHERE source = o.id), 0) AS counted,
  coalesce((SELECT sum(json_extract(lost, '$.retention')) FROM visibility WHERE source = o.id), 0) AS dropped,
  coalesce((SELECT sum(s.handshakes) FROM sightings AS s CROSS JOIN keys AS k ON k.id = s.key CROSS JOIN profiles AS p ON p.id = k.profile
    WHERE s.source = o.id AND p.class <> 'verify'), 0) AS held
FROM sources AS o WHERE o.unlisted = 0 AND o.kind <> 'verify'`

// sums compares handshakes with those that the sensor counted. Where rows were
// dropped, sessions in the clear may be among them, so that less is no fault.
func (k *checker) sums() error {
	var bad Problem
	err := k.c.each(selectSums, func(r *rows) error {
		if counted, dropped, held := r.int(2), r.int(3), r.int(4); held > counted || held+dropped < counted {
			bad.Rows++
			bad.Example = first(bad.Example, fmt.Sprintf("source %d, %s: %d handshakes, of %d that were counted", r.int(0), r.text(1), held, counted))
		}
		return nil
	})
	k.note("sources have more or less handshakes than were counted", bad.Rows, bad.Example)
	return err
}

func (k *checker) chains() error {
	var bad, missing Problem
	stored := make(map[discover.Fingerprint]struct{})
	err := k.c.each("SELECT sha256 FROM certificates", func(r *rows) error {
		if b := r.blob(0); len(b) == 32 {
			stored[discover.Fingerprint(b)] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = k.c.each("SELECT id, certificates FROM chains", func(r *rows) error {
		k.out.Chains++
		var list []discover.Fingerprint
		for b := r.blob(1); len(b) >= 32; b = b[32:] {
			f := discover.Fingerprint(b[:32])
			if _, ok := stored[f]; !ok {
				missing.Rows++
				missing.Example = first(missing.Example, f.String())
			}
			list = append(list, f)
		}
		if id := discover.ChainIDOf(list); string(id[:]) != string(r.blob(0)) {
			bad.Rows++
			bad.Example = first(bad.Example, fmt.Sprintf("%x", r.blob(0)))
		}
		return k.ctx.Err()
	})
	k.problem("chains are not those of their ids", bad.Rows, bad.Example)
	k.note("certificates of chains are not kept (beyond the bound, or never seen as a whole)", missing.Rows, missing.Example)
	return err
}

func (k *checker) certificates() error {
	var bad Problem
	err := k.c.each("SELECT sha256, der FROM certificates", func(r *rows) error {
		k.out.Certificates++
		f := discover.FingerprintOf(r.blob(1))
		if der := r.blob(1); len(der) > 0 && string(f[:]) != string(r.blob(0)) {
			bad.Rows++
			bad.Example = first(bad.Example, fmt.Sprintf("%x", r.blob(0)))
		}
		return k.ctx.Err()
	})
	k.problem("certificates are not those of their fingerprints", bad.Rows, bad.Example)
	return err
}

// clients reads every list and sketch of clients.
func (k *checker) clients() error {
	var bad Problem
	for _, text := range []string{
		"SELECT client_list, client_more, client_sketch, handshakes, source FROM sightings",
		"SELECT client_list, client_more, client_sketch, sessions, source FROM offers",
	} {
		err := k.c.each(text, func(r *rows) error {
			c, err := clientsIn(r.blob(0), r.int(1), r.blob(2))
			n := c.More
			for i := range c.Exact {
				n += c.Exact[i].Count
			}
			if err == nil && n > r.uint(3) {
				err = fmt.Errorf("%d handshakes of clients, of %d", n, r.int(3))
			}
			if err != nil {
				bad.Rows++
				bad.Example = first(bad.Example, fmt.Sprintf("source %d: %v", r.int(4), err))
			}
			return k.ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	k.problem("clients of rows cannot be read, or made more handshakes than their row has", bad.Rows, bad.Example)
	return nil
}

// keys computes every key's id.
func (k *checker) keys() error {
	var bad Problem
	scan := newKeyScan(k.c)
	var buf []byte
	err := k.c.each("SELECT id, hostname, target, server, chain, client_chain, profile FROM keys", func(r *rows) error {
		k.out.Keys++
		scan.rows = r
		var key discover.Key
		var id keyID
		err := scan.key(&key)
		if errors.Is(err, errNoNumber) {
			return k.ctx.Err() // told before
		}
		if id, buf = idOf(&key, buf); err == nil && string(id[:]) != string(r.blob(0)) {
			err = fmt.Errorf("%s is %x", key.Hostname, id)
		}
		if err != nil {
			bad.Rows++
			bad.Example = first(bad.Example, fmt.Sprintf("%x: %v", r.blob(0), err))
		}
		return k.ctx.Err()
	})
	k.problem("keys are not those of their ids", bad.Rows, bad.Example)
	return err
}
