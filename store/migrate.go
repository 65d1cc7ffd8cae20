package store

import (
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
)

//go:embed migrations/*.sql
var migrations embed.FS

// steps are the migrations in order; step i makes version i+1.
var steps = readSteps(migrations)

// readSteps reads migrations/NNNN_name.sql, which must be numbered from 1
// without a gap.
func readSteps(fsys fs.FS) []string {
	names, err := fs.Glob(fsys, "migrations/*.sql")
	if err != nil {
		panic(err)
	}
	var out []string
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%04d_", i+1); len(name) < len(want) || name[:len(want)] != want {
			panic("store: migration " + name + " is not number " + strconv.Itoa(i+1))
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			panic(err)
		}
		out = append(out, string(text))
	}
	return out
}

// migrate brings the schema to the last of steps, each in a transaction of its
// own. Several processes may try at once: the version is read again under the
// lock.
func migrate(c *conn, steps []string) error {
	for {
		done := false
		err := c.transact(func() error {
			v, err := pragma(c, "user_version")
			if err != nil || int(v) >= len(steps) {
				done = true
				return err
			}
			return step(c, int(v), steps[v])
		})
		if err != nil || done {
			return err
		}
	}
}

func step(c *conn, from int, text string) error {
	if err := c.script(text); err != nil {
		return fmt.Errorf("migration %d: %w", from+1, err)
	}
	if from == 0 {
		key := make([]byte, 16)
		if _, err := rand.Read(key); err != nil {
			return err
		}
		if err := c.exec("INSERT INTO settings (name, value) VALUES ('sketch_key', ?)", key); err != nil {
			return err
		}
	}
	return c.script("PRAGMA user_version = " + strconv.Itoa(from+1))
}
