package ingest

import (
	"bufio"
	"fmt"
	"io"

	"blindspot/discover"
)

// Events writes one line for each handshake, and counts them over all captures
// of a run.
type Events struct {
	w    *bufio.Writer
	name string
	seq  uint64
	line []byte
}

// NewEvents writes to w. The name is for messages.
func NewEvents(w io.Writer, name string) *Events {
	return &Events{w: bufio.NewWriterSize(w, 64<<10), name: name}
}

func (e *Events) write(o *discover.Observation) error {
	e.seq++
	e.line = discover.AppendEvent(e.line[:0], e.seq, o)
	if _, err := e.w.Write(e.line); err != nil {
		return e.failed(err)
	}
	return nil
}

func (e *Events) flush() error {
	if err := e.w.Flush(); err != nil {
		return e.failed(err)
	}
	return nil
}

func (e *Events) failed(err error) error {
	return fmt.Errorf("events to %s, after %d lines: %w", e.name, e.seq, err)
}
