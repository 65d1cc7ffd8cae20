package sensor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"blindspot/discover"
)

const (
	// eventsChunk is how much of the event log is handed over at a time, and
	// maxChunks how many wait for a file or a reader that is slow. What is more
	// is left out and counted; the numbers of the lines show the gap.
	eventsChunk = 64 << 10
	maxChunks   = 256
	// DefaultEventsKept is how many files are kept beside the one that is being
	// written.
	DefaultEventsKept = 5
)

// EventLog writes one line for each handshake, from a goroutine of its own: who
// reads it must not stop the sensor.
type EventLog struct {
	path string // "" where the destination is no file of ours
	max  int64  // bytes of a file before the next is begun; 0 for no end
	kept int
	log  *slog.Logger

	// Of the goroutine that adds.
	seq   uint64
	chunk []byte
	lines uint64 // in chunk

	queue  chan chunk
	reopen chan struct{}
	done   chan struct{}
	lost   atomic.Uint64 // lines
	// written counts lines too. What is neither waits, or is being written.
	written atomic.Uint64
	once    sync.Once

	// Of the goroutine that writes.
	out   io.Writer
	file  *os.File
	size  int64
	fault string
}

type chunk struct {
	text  []byte
	lines uint64
}

// WriteEvents returns a log that writes to w, such as standard output.
func WriteEvents(w io.Writer, log *slog.Logger) *EventLog {
	l := newEventLog(log)
	l.out = w
	go l.run()
	return l
}

// OpenEvents returns a log that adds to the file at path. Where it has max bytes
// it is renamed to path.1, that one to path.2, and so on, kept at most; 0 does
// not.
func OpenEvents(path string, max int64, kept int, log *slog.Logger) (*EventLog, error) {
	l := newEventLog(log)
	l.path, l.max, l.kept = path, max, kept
	if err := l.openFile(); err != nil {
		return nil, fmt.Errorf("--events: %w", err)
	}
	go l.run()
	return l, nil
}

func newEventLog(log *slog.Logger) *EventLog {
	return &EventLog{log: log, queue: make(chan chunk, maxChunks), reopen: make(chan struct{}, 1), done: make(chan struct{})}
}

// Add adds the line of a handshake.
func (l *EventLog) Add(o *discover.Observation) {
	l.seq++
	l.chunk = discover.AppendEvent(l.chunk, l.seq, o)
	l.lines++
	if len(l.chunk) >= eventsChunk {
		l.HandOver()
	}
}

// HandOver gives to the file what was added.
func (l *EventLog) HandOver() {
	if len(l.chunk) == 0 {
		return
	}
	c := chunk{l.chunk, l.lines}
	l.chunk, l.lines = make([]byte, 0, eventsChunk+4096), 0
	select {
	case l.queue <- c:
	default:
		l.lost.Add(c.lines)
	}
}

// Lost is how many lines were left out, because the file or its reader did not
// take them.
func (l *EventLog) Lost() uint64 { return l.lost.Load() }

// Reopen opens the file again, as those who rotate logs expect.
func (l *EventLog) Reopen() {
	select {
	case l.reopen <- struct{}{}:
	default: // asked for already
	}
}

// End says that nothing is added any more: the last lines are written beside
// whatever the caller does next. It is called by the goroutine that adds, or when
// that has ended.
func (l *EventLog) End() {
	l.once.Do(func() {
		l.HandOver()
		close(l.queue)
	})
}

// Close is End, and waits until everything is written, or until ctx ends. The
// error says how many lines were left out.
func (l *EventLog) Close(ctx context.Context) error {
	l.End()
	select {
	case <-l.done:
	case <-ctx.Done():
		if !closed(l.done) { // it may have ended long before
			return fmt.Errorf("events: the last %d lines were not taken in time, and %d before", l.seq-l.written.Load()-l.lost.Load(), l.lost.Load())
		}
	}
	if n := l.lost.Load(); n > 0 {
		return fmt.Errorf("events: %d lines could not be written: their numbers show where", n)
	}
	return nil
}

func (l *EventLog) run() {
	defer close(l.done)
	for {
		select {
		case c, ok := <-l.queue:
			if !ok {
				if l.file != nil {
					_ = l.file.Close()
				}
				return
			}
			l.write(c)
		case <-l.reopen:
			l.again()
		}
	}
}

// write writes a chunk. Of a line that was cut off by a full disk, the rest of
// the file is cut off too.
func (l *EventLog) write(c chunk) {
	if l.max > 0 && l.size > 0 && l.size+int64(len(c.text)) > l.max {
		l.rotate()
	}
	if l.path != "" && l.file == nil {
		l.again()
	}
	err := os.ErrClosed
	n := 0
	if l.out != nil {
		n, err = l.out.Write(c.text)
	}
	if err == nil {
		l.size += int64(n)
		l.written.Add(c.lines)
		l.works()
		return
	}
	if l.file != nil && n > 0 {
		if l.file.Truncate(l.size) == nil {
			_, _ = l.file.Seek(0, io.SeekEnd)
		}
	}
	l.lost.Add(c.lines)
	l.fails(err)
}

func (l *EventLog) works() {
	if l.fault != "" {
		l.fault = ""
		l.log.Info("events are written again", "left_out", l.lost.Load())
	}
}

func (l *EventLog) fails(err error) {
	if text := err.Error(); text != l.fault {
		l.fault = text
		l.log.Error("events cannot be written: lines are left out and counted", "error", text)
	}
}

// again opens the file anew.
func (l *EventLog) again() {
	if l.path == "" {
		return
	}
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file, l.out = nil, nil
	if err := l.openFile(); err != nil {
		l.fails(err)
	}
}

func (l *EventLog) openFile() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return err
	}
	l.file, l.out, l.size = f, f, info.Size()
	return nil
}

// rotate renames the files that there are, and begins a new one.
func (l *EventLog) rotate() {
	for n := l.kept; n > 0; n-- {
		from := l.path
		if n > 1 {
			from += "." + strconv.Itoa(n-1)
		}
		if err := os.Rename(from, l.path+"."+strconv.Itoa(n)); err != nil && !errors.Is(err, os.ErrNotExist) {
			l.fails(err)
			return // go on in the same file
		}
	}
	if l.kept == 0 {
		if err := os.Remove(l.path); err != nil {
			l.fails(err)
			return
		}
	}
	l.again()
}
