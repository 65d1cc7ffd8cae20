package store

import (
	"bytes"
	"database/sql/driver"
	"net/netip"
	"strings"
)

// bulkRows is how many rows one INSERT takes (measured with BenchmarkWriteFrom:
// 64 rows take a fifth less time than 16).
const bulkRows = 64

// bulk inserts rows through one statement for many of them. Its first
// arguments are shared by the rows.
type bulk struct {
	many, single *stmt
	shared       int            // arguments that all rows have in common
	columns      int            // further ones of each row
	blobs        []driver.Value // the last blob of each argument of many that was not empty
	used         int            // arguments that wait in many
	next         int            // argument that is set next
	words        []byte         // scratch
}

// bulk prepares an insertion: head up to VALUES, row the values of one row, with
// ?1, ?2, … for the shared ones and ? for those of its own, tail from ON CONFLICT.
func (c *conn) bulk(head string, shared int, row, tail string) (*bulk, error) {
	single, err := c.prepare(head + row + tail)
	if err != nil {
		return nil, err
	}
	many, err := c.prepare(head + row + strings.Repeat(", "+row, bulkRows-1) + tail)
	if err != nil {
		return nil, err
	}
	b := &bulk{many: many, single: single, shared: shared, columns: len(single.args) - shared, used: shared, next: shared}
	b.blobs = make([]driver.Value, len(many.args))
	return b, nil
}

// share sets the values that the rows to come have in common. The rows before
// must have been flushed.
func (b *bulk) share(values ...driver.Value) {
	for i, v := range values {
		b.many.args[i].Value, b.single.args[i].Value = v, v
	}
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

// addr sets an address as addrText writes it.
func (b *bulk) addr(v netip.AddrPort) {
	b.words = b.words[:0]
	if v.Addr().IsValid() {
		b.words = v.AppendTo(b.words)
	}
	a := &b.many.args[b.next].Value
	if old, ok := (*a).(string); !ok || old != string(b.words) {
		*a = string(b.words)
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

// again sets the value of the argument before.
func (b *bulk) again() {
	b.many.args[b.next].Value = b.many.args[b.next-1].Value
	b.next++
}

func (b *bulk) uint(v uint64) { b.int(count(v)) }

// blob sets a copy of v, in the place of the one before where that is as long.
func (b *bulk) blob(v []byte) {
	a, kept := &b.many.args[b.next].Value, &b.blobs[b.next]
	b.next++
	if len(v) == 0 {
		*a = emptyBlob
		return
	}
	if old, ok := (*kept).([]byte); ok && len(old) == len(v) {
		copy(old, v)
	} else {
		*kept = bytes.Clone(v)
	}
	*a = *kept
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
	b.used, b.next = b.shared, b.shared
	return b.many.run()
}

// flush runs the rows that wait.
func (b *bulk) flush() error {
	for at := b.shared; at < b.used; at += b.columns {
		for i := range b.columns {
			b.single.args[b.shared+i].Value = b.many.args[at+i].Value
		}
		if err := b.single.run(); err != nil {
			return err
		}
	}
	b.used, b.next = b.shared, b.shared
	return nil
}

// close lets go of the values.
func (b *bulk) close() {
	b.many.clear()
	b.single.clear()
}

func (s *stmt) clear() {
	for i := range s.args {
		s.args[i].Value = nil
	}
}
