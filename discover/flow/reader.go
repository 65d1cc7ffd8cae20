package flow

import (
	"context"
	"errors"
	"io"
	"maps"
	"time"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/discover"
)

const (
	// batchSize is how many packets are asked of a source at once.
	batchSize = 256
	// maxUnknownLinks bounds the link types that are told of.
	maxUnknownLinks = 16
)

// Reader is the line that packets take: source, decoder, table. It belongs to
// one goroutine.
type Reader struct {
	table    *Table
	decoder  *decode.Decoder
	source   capture.Stats // sum of the sources that were read to the end
	notes    []string
	current  capture.Source
	batch    []capture.Packet
	taken    int // packets in batch
	segments []decode.Segment
	unknown  map[capture.LinkType]bool
	// Progress, where set, is called after every batch.
	Progress func()
	// Taken, where set, is called with segments that the table has worked on.
	Taken func(list []decode.Segment)
}

// NewReader returns a Reader with a table of its own.
func NewReader(cfg Config, dec decode.Config) *Reader {
	return &Reader{
		table: New(cfg), decoder: decode.New(dec),
		batch: make([]capture.Packet, batchSize), segments: make([]decode.Segment, segmentBatch), unknown: make(map[capture.LinkType]bool),
	}
}

// Read reads src to its end and closes every flow. The error is the source's,
// where it broke off: what came before it counts. Packets of a link type that
// cannot be decoded are an error too, a *LinkError, after everything else was
// read.
func (r *Reader) Read(ctx context.Context, src capture.Source) error {
	r.current = src
	err := r.read(ctx, src)
	r.table.Close()
	r.source = r.source.Plus(src.Stats())
	r.current = nil
	if err == nil && len(r.unknown) > 0 {
		err = &LinkError{Links: sortedLinks(r.unknown)}
	}
	return err
}

func (r *Reader) read(ctx context.Context, src capture.Source) (err error) {
	defer capture.Guard()()
	defer func() {
		if v := recover(); v != nil {
			err = faultOf(src, v)
		}
	}()
	secrets, _ := src.(interface{ TakeSecrets() [][]byte })
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := src.Next(r.batch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if secrets != nil {
			r.take(secrets.TakeSecrets())
		}
		r.taken = n
		r.packets(r.batch[:n])
		if r.Progress != nil {
			r.Progress()
		}
	}
}

// faultOf returns the error for a panic that was an access to packets of src
// that are gone, and panics again for any other.
func faultOf(src capture.Source, recovered any) error {
	if f, ok := src.(interface{ Fault(recovered any) error }); ok {
		if err := f.Fault(recovered); err != nil {
			return err
		}
	}
	panic(recovered)
}

// packets decodes packets and has the table take their segments, some at a
// time: the table looks up the flows of all before it takes the first.
func (r *Reader) packets(batch []capture.Packet) {
	for len(batch) > 0 {
		taken, n := r.decoder.Batch(batch, r.segments)
		r.table.Segments(r.segments[:n])
		if r.Taken != nil {
			r.Taken(r.segments[:n])
		}
		if n < taken {
			r.noteUnknown(batch[:taken])
		}
		batch = batch[taken:]
	}
}

// noteUnknown notes the link types that cannot be decoded.
func (r *Reader) noteUnknown(batch []capture.Packet) {
	for i := range batch {
		if l := batch[i].Link; !decode.Supported(l) && len(r.unknown) < maxUnknownLinks {
			r.unknown[l] = true
		}
	}
}

// take keeps the key logs that a capture carries itself.
func (r *Reader) take(texts [][]byte) {
	for _, text := range texts {
		if r.table.cfg.Keys != nil {
			r.table.cfg.Keys.Add("decryption secrets of the capture", text)
		}
		clear(text)
	}
}

// Table returns the flow table, for its counters.
func (r *Reader) Table() *Table { return r.table }

// Decoder returns the decoder, for its counters.
func (r *Reader) Decoder() *decode.Decoder { return r.decoder }

// Latest returns the packet time that was reached.
func (r *Reader) Latest() time.Time { return time.Unix(0, r.table.Clock()).UTC() }

// Note adds a sentence to Visibility.
func (r *Reader) Note(text string) { r.notes = append(r.notes, text) }

// Visibility returns what was seen and what could not be, so far.
func (r *Reader) Visibility() discover.Visibility {
	src := r.source
	if r.current != nil {
		src = src.Plus(r.current.Stats())
	}
	d, t := r.decoder.Stats(), r.table.Stats()
	return discover.Visibility{
		Packets: src.Packets, Bytes: src.Bytes,
		KernelDrops: src.KernelDrops + src.InterfaceDrops,
		Handshakes:  t.Handshakes,
		Hidden:      map[string]uint64{},
		Lost:        lost(&d, &t),
		Notes:       r.notes,
	}
}

// lost names what was given up, by cause. The first three are the contract's.
func lost(d *decode.Stats, t *Stats) map[string]uint64 {
	list := t.ObserverStats.lost()
	list["unparsed"] += t.Broken
	maps.Copy(list, map[string]uint64{
		"table-full":      t.EvictedSYN + t.EvictedOpen + t.NoBuffer,
		"too-long":        t.TooLong,
		"mid-stream":      t.MidStream,
		"unknown-link":    d.UnknownLink,
		"truncated-frame": d.TruncatedHeader,
		"fragments":       d.DatagramsTimedOut + d.DatagramsEvicted + d.DatagramsShredded + d.FragmentsCut + d.FragmentsMalformed + d.FragmentsWaiting,
		"too-deep":        d.TooDeep,
		"sealed":          d.Encrypted,
		"unread-frames":   d.FramesUnread,
		"tunnel-ids":      t.TunnelIDs,
		"tunnel-names":    t.TunnelNames,
	})
	return list
}

// Visibility returns what was observed and what could not be, so far: that is to
// be added to what the Reader says.
func (v *Observer) Visibility() discover.Visibility {
	return discover.Visibility{Handshakes: v.stats.Handshakes, Lost: v.stats.lost()}
}

func (s *ObserverStats) lost() map[string]uint64 {
	return map[string]uint64{
		"reassembly":  s.OpenHoles,
		"unparsed":    s.UnparsedHello + s.UnparsedServer,
		"half-hello":  s.HalfHello,
		"half-answer": s.HalfAnswer,
	}
}
