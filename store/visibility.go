package store

import (
	"encoding/json"
	"errors"
	"time"

	"blindspot/discover"
)

const visibilityColumns = "bucket, width, packets, bytes, kernel_drops, handshakes, hidden, lost, notes, kinds"

// putInterval merges one interval by max into what the source has for its part
// and bucket.
func putInterval(c *conn, source int64, part uint32, v *discover.Interval) error {
	next := *v
	var bad error
	found, err := c.one("SELECT "+visibilityColumns+" FROM visibility WHERE source = ? AND part = ? AND bucket = ?", func(r *rows) {
		var old discover.Interval
		old, bad = intervalOf(r)
		next = maxInterval(&old, v)
	}, source, int64(part), nanos(v.Bucket))
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	text := "INSERT INTO visibility (width, packets, bytes, kernel_drops, handshakes, hidden, lost, notes, kinds, source, part, bucket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	if found {
		text = "UPDATE visibility SET width = ?, packets = ?, bytes = ?, kernel_drops = ?, handshakes = ?, hidden = ?, lost = ?, notes = ?, kinds = ? WHERE source = ? AND part = ? AND bucket = ?"
	}
	return c.exec(text, int64(next.Width), count(next.Packets), count(next.Bytes), count(next.KernelDrops), count(next.Handshakes),
		counts(next.Hidden), counts(next.Lost), notes(next.Notes), counts(next.Kinds), source, int64(part), nanos(v.Bucket))
}

func counts(m map[string]uint64) string {
	if len(m) == 0 {
		return "{}"
	}
	return encode(m)
}

func notes(n []string) string {
	if len(n) == 0 {
		return "[]"
	}
	return encode(n)
}

func intervalOf(r *rows) (discover.Interval, error) {
	v := discover.Interval{Bucket: timeOf(r.int(0)), Width: time.Duration(r.int(1))}
	v.Packets, v.Bytes, v.KernelDrops, v.Handshakes = r.uint(2), r.uint(3), r.uint(4), r.uint(5)
	return v, errors.Join(
		json.Unmarshal([]byte(r.text(6)), &v.Hidden), json.Unmarshal([]byte(r.text(7)), &v.Lost), fromList(r.text(8), &v.Notes), json.Unmarshal([]byte(r.text(9)), &v.Kinds))
}

// maxInterval merges two states of the same interval: the larger figure is the
// newer one, and so is the longer list of notes.
func maxInterval(a, b *discover.Interval) discover.Interval {
	out := discover.Interval{Bucket: a.Bucket, Width: max(a.Width, b.Width)}
	out.Packets, out.Bytes = max(a.Packets, b.Packets), max(a.Bytes, b.Bytes)
	out.KernelDrops, out.Handshakes = max(a.KernelDrops, b.KernelDrops), max(a.Handshakes, b.Handshakes)
	out.Hidden, out.Lost = maxCounts(a.Hidden, b.Hidden), maxCounts(a.Lost, b.Lost)
	out.Kinds = maxCounts(a.Kinds, b.Kinds)
	out.Notes = a.Notes
	if len(b.Notes) > len(a.Notes) {
		out.Notes = b.Notes
	}
	return out
}

func maxCounts(a, b map[string]uint64) map[string]uint64 {
	out := make(map[string]uint64, max(len(a), len(b)))
	for k, n := range a {
		out[k] = n
	}
	for k, n := range b {
		out[k] = max(out[k], n)
	}
	return out
}
