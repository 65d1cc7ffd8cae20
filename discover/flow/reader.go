package flow

import (
	"context"
	"errors"
	"io"
	"time"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/discover"
)

// batchSize is how many packets are asked of a source at once.
const batchSize = 256

// Reader is the line that packets take: source, decoder, table. It belongs to
// one goroutine.
type Reader struct {
	table   *Table
	decoder *decode.Decoder
	source  capture.Stats // sum of the sources that were read to the end
	notes   []string
	current capture.Source
	batch   []capture.Packet
	unknown map[capture.LinkType]bool
	// Progress, where set, is called after every batch.
	Progress func()
}

// NewReader returns a Reader with a table of its own.
func NewReader(cfg Config, dec decode.Config) *Reader {
	return &Reader{
		table: New(cfg), decoder: decode.New(dec),
		batch: make([]capture.Packet, batchSize), unknown: make(map[capture.LinkType]bool),
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
	r.source = addStats(r.source, src.Stats())
	r.current = nil
	if err == nil && len(r.unknown) > 0 {
		err = &LinkError{Links: sortedLinks(r.unknown)}
	}
	return err
}

func (r *Reader) read(ctx context.Context, src capture.Source) error {
	var seg decode.Segment
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
		for i := range r.batch[:n] {
			p := &r.batch[i]
			if r.decoder.Decode(p, &seg) {
				r.table.Segment(&seg, p.Number)
				continue
			}
			if !decode.Supported(p.Link) && len(r.unknown) < 16 {
				r.unknown[p.Link] = true
			}
		}
		if r.Progress != nil {
			r.Progress()
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
		src = addStats(src, r.current.Stats())
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
	return map[string]uint64{
		"table-full":      t.EvictedSYN + t.EvictedOpen + t.NoBuffer,
		"reassembly":      t.OpenHoles,
		"unparsed":        t.UnparsedHello + t.UnparsedServer + t.Broken,
		"too-long":        t.TooLong,
		"half-hello":      t.HalfHello,
		"mid-stream":      t.MidStream,
		"half-answer":     t.HalfAnswer,
		"unknown-link":    d.UnknownLink,
		"truncated-frame": d.TruncatedHeader,
		"fragments":       d.DatagramsTimedOut + d.DatagramsEvicted + d.DatagramsShredded + d.FragmentsCut + d.FragmentsMalformed + d.FragmentsWaiting,
		"too-deep":        d.TooDeep,
		"sealed":          d.Encrypted,
		"unread-frames":   d.FramesUnread,
		"tunnel-ids":      t.TunnelIDs,
		"tunnel-names":    t.TunnelNames,
	}
}

func addStats(a, b capture.Stats) capture.Stats {
	a.Packets += b.Packets
	a.Bytes += b.Bytes
	a.Truncated += b.Truncated
	a.Received += b.Received
	a.InterfaceDrops += b.InterfaceDrops
	a.KernelDrops += b.KernelDrops
	a.BlocksSkipped += b.BlocksSkipped
	a.Oversized += b.Oversized
	a.SecretsLost += b.SecretsLost
	return a
}
