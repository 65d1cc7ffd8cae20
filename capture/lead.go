package capture

import "runtime"

const (
	// leadBatches batches of leadPackets packets are found before they are asked
	// for: enough that neither side waits for the other at each turn.
	leadBatches = 16
	leadPackets = 256
)

// Lead yields the packets of a file. It can find where they begin in a goroutine
// of its own, ahead of who works on them, so that their headers come from memory
// there. That takes work off one processor and makes a little more of it: it pays
// where much is done of each packet. Its methods belong to one goroutine.
type Lead struct {
	file    *File
	on      bool
	idle    [][]Packet     // batches that the goroutine does not have
	free    chan []Packet  // those that it is to fill
	full    chan leadBatch // those that it has filled
	done    chan struct{}  // closed where it has ended; nil where it was never begun
	stats   Stats          // of the packets that were yielded
	secrets [][]byte
}

// leadBatch is what one call of File.Next gave.
type leadBatch struct {
	packets []Packet
	stats   Stats
	secrets [][]byte
	err     error
}

// NewLead returns a Lead that finds nothing ahead.
func NewLead(f *File) *Lead { return &Lead{file: f} }

// Ahead says whether packets are to be found ahead from now on. That is possible
// in files that are mapped, where there is a second processor; elsewhere it does
// nothing.
func (l *Lead) Ahead(on bool) {
	l.on = on && l.file.win.mapped != nil && runtime.GOMAXPROCS(0) > 1
	if !l.on || l.done != nil {
		return
	}
	l.free, l.full, l.done = make(chan []Packet, leadBatches), make(chan leadBatch, leadBatches), make(chan struct{})
	for range leadBatches {
		l.idle = append(l.idle, make([]Packet, leadPackets))
	}
	go l.run()
}

// run finds packets for as long as it is given batches for them. It never waits
// to hand one over.
func (l *Lead) run() {
	defer close(l.done)
	for packets := range l.free {
		n, err := l.file.Next(packets)
		l.full <- leadBatch{packets: packets[:n], stats: l.file.Stats(), secrets: l.file.TakeSecrets(), err: err}
	}
}

// out reports whether the goroutine has batches, and with them the file.
func (l *Lead) out() bool { return l.done != nil && len(l.idle) < leadBatches }

// Next implements Source. Packets are found ahead for a batch that has room for
// leadPackets.
func (l *Lead) Next(batch []Packet) (int, error) {
	if l.on && len(batch) >= leadPackets {
		for _, packets := range l.idle {
			l.free <- packets
		}
		l.idle = l.idle[:0]
	}
	if !l.out() {
		n, err := l.file.Next(batch)
		l.stats, l.secrets = l.file.Stats(), append(l.secrets, l.file.TakeSecrets()...)
		return n, err
	}
	b := l.take()
	l.stats, l.secrets = b.stats, append(l.secrets, b.secrets...)
	n := copy(batch, b.packets)
	if b.err != nil {
		l.settle()
	}
	return n, b.err
}

func (l *Lead) take() leadBatch {
	b := <-l.full
	l.idle = append(l.idle, b.packets[:leadPackets])
	return b
}

// settle takes the file back from the goroutine. What that has found is lost.
func (l *Lead) settle() {
	l.on = false
	for l.out() {
		l.take()
	}
}

// Stats implements Source.
func (l *Lead) Stats() Stats { return l.stats }

// TakeSecrets is that of the file, as far as its packets were yielded.
func (l *Lead) TakeSecrets() [][]byte {
	taken := l.secrets
	l.secrets = nil
	return taken
}

// Fault is that of the file.
func (l *Lead) Fault(recovered any) error {
	l.settle()
	return l.file.Fault(recovered)
}

// Close ends the goroutine. The file stays open.
func (l *Lead) Close() error {
	if l.done != nil {
		l.settle()
		close(l.free)
		<-l.done
		l.done = nil
	}
	return nil
}
