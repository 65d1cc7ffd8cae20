// Package evidence keeps the packets of handshakes in a capture of its own, so
// that what a sensor told can be read again: with blindspot pcap, which tells
// the same, or with any other reader of pcapng.
//
// A flow's packets are kept from its first one to the one that answers its
// handshake, where it is a handshake: what other protocols carry is not. Of a
// flow that begins in the clear (STARTTLS, a proxy) that includes what comes
// before TLS.
package evidence

import (
	"container/heap"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"blindspot/capture"
)

const (
	// chunkSize is how much is handed over to the file at a time, and maxChunks
	// how many wait for a disk that is slow. More is left out and counted.
	chunkSize = 64 << 10
	maxChunks = 256
	// reorder is how long a packet waits for earlier ones whose flow turns out to
	// be a handshake later, and maxWaiting how many wait.
	reorder    = 2 * time.Second
	maxWaiting = 1 << 14
)

// frame is a packet that is kept.
type frame struct {
	came   int64 // by the wall clock: what the packet says of its time may be wrong
	number uint64
	time   int64
	length int // on the wire
	from   int // number of its interface
	data   []byte
}

// Writer writes an evidence capture. It may be used by several Keepers.
type Writer struct {
	path string
	max  int64
	log  *slog.Logger

	mu      sync.Mutex
	sources []source
	known   map[source]int
	waiting frames
	chunk   chunk
	closed  bool

	queue chan chunk
	done  chan struct{}
	kept  atomic.Uint64
	lost  atomic.Uint64

	// Of the goroutine that writes.
	file  *os.File
	size  int64
	fault string
}

// chunk is a run of blocks. sources are the interfaces that were described
// before it.
type chunk struct {
	text    []byte
	sources []source
	frames  uint64
}

// Open returns a Writer for a capture at path. There are never more than max
// bytes: where the file has half of them it is renamed to path.1, in place of
// the one before, and another is begun. So is a file that is there already.
func Open(path string, max int64, log *slog.Logger) (*Writer, error) {
	w := &Writer{path: path, max: max, log: log, known: map[source]int{}, queue: make(chan chunk, maxChunks), done: make(chan struct{})}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("--pcap-out: %s is no regular file: name one that may be renamed", path)
	}
	if err := w.next(nil); err != nil {
		return nil, fmt.Errorf("--pcap-out: %w", err)
	}
	go w.run()
	return w, nil
}

// Stats counts packets that were kept, and that the file did not take.
func (w *Writer) Stats() (kept, lost uint64) { return w.kept.Load(), w.lost.Load() }

// add takes packets of one flow. It keeps their bytes.
func (w *Writer) add(iface string, link capture.LinkType, list []frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	from := w.source(source{iface, link})
	for _, f := range list {
		f.from = from
		heap.Push(&w.waiting, f)
	}
	for len(w.waiting) > maxWaiting {
		w.put()
	}
}

// source returns the number of an interface, and describes a new one.
func (w *Writer) source(s source) int {
	n, ok := w.known[s]
	if !ok {
		w.handOver()
		n = len(w.sources)
		w.known[s] = n
		w.chunk.text = appendInterface(w.chunk.text, s)
		w.chunk.sources = w.sources
		w.sources = append(w.sources[:n:n], s)
		w.handOver()
	}
	return n
}

// put writes the earliest packet that waits.
func (w *Writer) put() {
	f := heap.Pop(&w.waiting).(frame)
	w.chunk.text = appendPacket(w.chunk.text, f.from, &f)
	w.chunk.frames++
	if len(w.chunk.text) >= chunkSize {
		w.handOver()
	}
}

func (w *Writer) handOver() {
	if len(w.chunk.text) == 0 {
		return
	}
	if w.chunk.sources == nil {
		w.chunk.sources = w.sources
	}
	select {
	case w.queue <- w.chunk:
	default:
		w.lost.Add(w.chunk.frames)
	}
	w.chunk = chunk{text: make([]byte, 0, chunkSize+4096)}
}

// Flush hands over what has waited long enough.
func (w *Writer) Flush(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) > 0 && w.waiting[0].came < now.Add(-reorder).UnixNano() {
		w.put()
	}
	if !w.closed {
		w.handOver()
	}
}

// Close writes what waits.
func (w *Writer) Close() error {
	w.mu.Lock()
	for len(w.waiting) > 0 {
		w.put()
	}
	w.handOver()
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.done
	if n := w.lost.Load(); n > 0 {
		return fmt.Errorf("--pcap-out %s: %d packets could not be written", w.path, n)
	}
	return nil
}

func (w *Writer) run() {
	defer close(w.done)
	for c := range w.queue {
		w.write(&c)
	}
	if w.file != nil {
		_ = w.file.Close()
	}
}

// write writes a chunk, into a new file where it would go over the bound.
func (w *Writer) write(c *chunk) {
	if w.file == nil || w.size+int64(len(c.text)) > w.max/2 {
		if err := w.next(c.sources); err != nil {
			w.fails(c, err)
			return
		}
	}
	n, err := w.file.Write(c.text)
	if err != nil {
		if n > 0 {
			_ = w.file.Truncate(w.size)
			_, _ = w.file.Seek(w.size, 0)
		}
		w.fails(c, err)
		return
	}
	w.size += int64(n)
	w.kept.Add(c.frames)
	if w.fault != "" {
		w.fault = ""
		w.log.Info("the evidence capture is written again", "left_out", w.lost.Load())
	}
}

func (w *Writer) fails(c *chunk, err error) {
	w.lost.Add(c.frames)
	if text := err.Error(); text != w.fault {
		w.fault = text
		w.log.Error("the evidence capture cannot be written: packets are left out and counted", "error", text)
	}
}

// next begins a file in which sources are described.
func (w *Writer) next(sources []source) error {
	if w.file != nil {
		_ = w.file.Close()
		w.file = nil
	}
	if err := os.Rename(w.path, w.path+".1"); err != nil && !os.IsNotExist(err) {
		return err
	}
	f, err := os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	head := appendSection(nil)
	for _, s := range sources {
		head = appendInterface(head, s)
	}
	n, err := f.Write(head)
	if err != nil {
		_ = f.Close()
		return err
	}
	w.file, w.size = f, int64(n)
	return nil
}

// frames is a heap by arrival.
type frames []frame

func (h frames) Len() int { return len(h) }
func (h frames) Less(i, j int) bool {
	if h[i].came != h[j].came {
		return h[i].came < h[j].came
	}
	return h[i].number < h[j].number
}
func (h frames) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *frames) Push(x any) { *h = append(*h, x.(frame)) }

// Pop implements heap.Interface.
func (h *frames) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = frame{}
	*h = old[:len(old)-1]
	return x
}
