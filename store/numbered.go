package store

import (
	"database/sql/driver"
	"errors"
	"strings"
)

// maxNumbered bounds the rows of a numbered table that are kept in memory on
// either side: at about 300 bytes each, 10 MB. Beyond it they are forgotten and
// looked up again.
const maxNumbered = 32 << 10

// valued is a row as the arguments of a statement.
type valued interface {
	comparable
	values() []driver.Value
}

// numbers gives rows of a table their numbers, for a writer. Rows never change
// and never go, so that a number once committed holds.
type numbers[V valued] struct {
	find, insert string
	ids          map[V]int64
}

func newNumbers[V valued](table, columns string) *numbers[V] {
	where := strings.ReplaceAll(columns, ",", " = ? AND") + " = ?"
	marks := "?" + strings.Repeat(", ?", strings.Count(columns, ","))
	return &numbers[V]{
		find:   "SELECT id FROM " + table + " WHERE " + where,
		insert: "INSERT INTO " + table + " (" + columns + ") VALUES (" + marks + ") RETURNING id",
		ids:    make(map[V]int64),
	}
}

// of returns the number of v.
func (n *numbers[V]) of(c *conn, v V) (int64, error) {
	if id, ok := n.ids[v]; ok {
		return id, nil
	}
	id, err := n.look(c, v)
	if err != nil {
		return 0, err
	}
	if len(n.ids) >= maxNumbered {
		clear(n.ids)
	}
	n.ids[v] = id
	return id, nil
}

func (n *numbers[V]) look(c *conn, v V) (id int64, err error) {
	values := v.values()
	scan := func(r *rows) { id = r.int(0) }
	found, err := c.one(n.find, scan, values...)
	if err == nil && !found {
		_, err = c.one(n.insert, scan, values...)
	}
	return id, err
}

// forget is for a transaction that was undone, and numbers with it.
func (n *numbers[V]) forget() { clear(n.ids) }

// numbered reads rows of a table by their numbers, within one walk.
type numbered[V any] struct {
	find string
	scan func(*rows) (V, error)
	held map[int64]V
}

func newNumbered[V any](table, columns string, scan func(*rows) (V, error)) numbered[V] {
	return numbered[V]{find: "SELECT " + columns + " FROM " + table + " WHERE id = ?", scan: scan, held: make(map[int64]V)}
}

// errNoNumber is a damage: such a row is written before what refers to it.
var errNoNumber = errors.New("a row refers to what is not there: the store is damaged")

func (n *numbered[V]) at(c *conn, id int64) (v V, err error) {
	if v, ok := n.held[id]; ok {
		return v, nil
	}
	var bad error
	found, err := c.one(n.find, func(r *rows) { v, bad = n.scan(r) }, id)
	if err == nil && !found {
		err = errNoNumber
	}
	if err = errors.Join(err, bad); err != nil {
		return v, err
	}
	if len(n.held) >= maxNumbered {
		clear(n.held)
	}
	n.held[id] = v
	return v, nil
}
