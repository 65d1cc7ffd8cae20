package store

import (
	"database/sql/driver"
	"strings"
)

// bulkRows is how many rows one INSERT takes (measured with BenchmarkWrite:
// 16 rows take a sixth less time than single ones, 32 hardly less than 16).
const bulkRows = 16

// bulk inserts rows through one statement for many of them.
type bulk struct {
	many, single *stmt
	columns      int
	used         int // arguments that wait in many
	next         int // argument that is set next
}

// bulk prepares an insertion: head up to VALUES, tail from ON CONFLICT.
func (c *conn) bulk(head string, columns int, tail string) (*bulk, error) {
	one := "(?" + strings.Repeat(", ?", columns-1) + ")"
	single, err := c.prepare(head + one + tail)
	if err != nil {
		return nil, err
	}
	many, err := c.prepare(head + one + strings.Repeat(", "+one, bulkRows-1) + tail)
	return &bulk{many: many, single: single, columns: columns}, err
}

// The setters set the arguments of a row from left to right. Most values equal
// those of the row bulkRows before; then the old one stays, and nothing is
// allocated to put it into an interface.

func (b *bulk) text(v string) {
	a := &b.many.args[b.next].Value
	if old, ok := (*a).(string); !ok || old != v {
		*a = v
	}
	b.next++
}

func (b *bulk) int(v int64) {
	a := &b.many.args[b.next].Value
	if old, ok := (*a).(int64); !ok || old != v {
		*a = v
	}
	b.next++
}

func (b *bulk) uint(v uint64) { b.int(count(v)) }

// blob sets bytes, which must stay as they are until the row is run.
func (b *bulk) blob(v []byte) {
	a := &b.many.args[b.next].Value
	if len(v) == 0 {
		*a = emptyBlob
	} else {
		*a = v
	}
	b.next++
}

// emptyBlob is X”, where nil would be NULL.
var emptyBlob driver.Value = []byte{}

// done ends a row.
func (b *bulk) done() error {
	if b.used += b.columns; b.next != b.used {
		panic("store: wrong number of columns")
	}
	if b.used < len(b.many.args) {
		return nil
	}
	b.used, b.next = 0, 0
	return b.many.run()
}

// flush runs the rows that wait, and lets go of their values.
func (b *bulk) flush() error {
	for at := 0; at < b.used; at += b.columns {
		for i := range b.columns {
			b.single.args[i].Value = b.many.args[at+i].Value
		}
		if err := b.single.run(); err != nil {
			return err
		}
	}
	b.many.clear()
	b.single.clear()
	return nil
}

func (s *stmt) clear() {
	for i := range s.args {
		s.args[i].Value = nil
	}
}
