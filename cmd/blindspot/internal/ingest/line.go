package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"blindspot/capture"
	"blindspot/discover"
	"blindspot/discover/flow"
)

const (
	// A batch is handed over when it holds this many handshakes or bytes of them.
	// With queued batches this bounds what is under way.
	batchHandshakes = 64
	batchBytes      = 256 << 10
	queued          = 8
	// batches is how many there are: queued, filled, and being read.
	batches = queued + 2

	// Every so many packets it is looked at whether there was a handshake in so
	// few of them that finding packets ahead pays.
	leadEvery = 1 << 16
	leadBusy  = 40
)

// batch is what crosses from the packet line to the folder.
type batch struct {
	collected []flow.Collected
	packets   uint64 // read so far
	// visibility is what the capture says of itself so far; its figures since
	// the last time belong to the bucket of at. Nil for no news.
	visibility *discover.Visibility
	at         time.Time
}

// line is the packet line of one capture, on the side of the packets.
type line struct {
	owner  *Run
	file   *capture.File
	lead   *capture.Lead
	reader *flow.Reader
	out    chan<- batch
	// back brings handshakes that were folded, to be used again.
	back <-chan []flow.Collected

	eager   bool // a pipe: hand over what there is, for readers that wait for it
	pending batch
	bytes   int       // of handshakes in pending, but for the last
	packets uint64    // read so far
	latest  time.Time // packet time
	placed  uint64    // handshakes, since leadAt was set
	leadAt  uint64    // packets at which that is looked at again

	visibility discover.Visibility // in the end
}

func newLine(r *Run, file *capture.File, out chan<- batch, back <-chan []flow.Collected) *line {
	_, size := file.Progress()
	l := &line{owner: r, file: file, lead: capture.NewLead(file), out: out, back: back, eager: size == 0}
	cfg := r.cfg.Flow
	cfg.Collect = l.place
	l.reader = flow.NewReader(cfg, r.cfg.Decode)
	l.reader.Progress = l.look
	l.pending.collected = l.used()
	return l
}

// run reads the capture to its end or to its damage.
func (l *line) run(ctx context.Context) error {
	defer l.lead.Close()
	err := l.named(l.reader.Read(ctx, l.lead))
	l.look()
	if err != nil && !errors.Is(err, context.Canceled) {
		l.reader.Note(err.Error())
	}
	l.visibility = l.reader.Visibility()
	if l.blind() {
		l.packets = 0
	}
	if l.packets > 0 {
		l.see(&l.visibility, l.latest)
	}
	l.flush()
	return err
}

// named puts the name of the capture before an error that does not have it.
func (l *line) named(err error) error {
	var link *flow.LinkError
	if errors.As(err, &link) {
		return fmt.Errorf("%s: %w", l.file.Name(), err)
	}
	return err
}

// blind reports whether no packet was of a link type that is understood.
func (l *line) blind() bool {
	d := l.reader.Decoder().Stats()
	return d.UnknownLink > 0 && d.UnknownLink == l.packets
}

// place returns where the next handshake goes.
func (l *line) place() *flow.Collected {
	n := len(l.pending.collected)
	if n > 0 {
		l.bytes += l.pending.collected[n-1].Size()
	}
	if n == batchHandshakes || l.bytes >= batchBytes {
		l.flush()
		n = 0
	}
	l.placed++
	l.pending.collected = l.pending.collected[:n+1]
	return &l.pending.collected[n]
}

// look is called after every batch of packets. When a time bucket is over, what
// the capture said of itself in it is handed over.
func (l *line) look() {
	packets := l.lead.Stats().Packets
	if packets == l.packets {
		return
	}
	l.owner.packets.Add(packets - l.packets)
	now := l.reader.Latest()
	if l.packets > 0 && !now.Truncate(discover.BucketWidth).Equal(l.latest.Truncate(discover.BucketWidth)) && !l.blind() {
		v := l.reader.Visibility()
		l.see(&v, l.latest)
	}
	l.packets, l.latest = packets, now
	if packets >= l.leadAt {
		l.lead.Ahead(l.placed > leadEvery/leadBusy)
		l.placed, l.leadAt = 0, packets+leadEvery
	}
	if l.eager {
		l.flush()
	}
}

// see hands over what the capture says of itself.
func (l *line) see(v *discover.Visibility, at time.Time) {
	l.pending.visibility, l.pending.at = v, at
	l.flush()
}

func (l *line) flush() {
	if len(l.pending.collected) == 0 && l.pending.visibility == nil {
		return
	}
	l.pending.packets = l.packets
	l.out <- l.pending
	l.pending, l.bytes = batch{collected: l.used()}, 0
}

// used takes a batch back that was folded. It returns its list, emptied, or a
// new one.
func (l *line) used() []flow.Collected {
	select {
	case list := <-l.back:
		l.reader.Table().Release(list)
		return list[:0]
	default:
		return make([]flow.Collected, 0, batchHandshakes)
	}
}
