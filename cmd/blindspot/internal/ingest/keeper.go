package ingest

import (
	"time"

	"blindspot/discover"
	"blindspot/store"
)

// maxTransaction is how long the store stays locked for other writers while
// batches are under way. They wait for longer (store.Options).
const maxTransaction = 4 * time.Second

// keeper is the side that stores, while the next observations are folded. What
// it is given must not change any more.
type keeper struct {
	store  *store.DB
	source discover.Source
	writer *store.Writer // nil until there is something to write

	work   chan order
	failed chan struct{} // closed when err is set
	ended  chan struct{}
	err    error
}

// order is a batch to be stored. Where done is there, the transaction ends with
// it, and done is told.
type order struct {
	batch *discover.Batch
	done  chan<- struct{}
}

func newKeeper(db *store.DB, source discover.Source) *keeper {
	k := &keeper{store: db, source: source, work: make(chan order), failed: make(chan struct{}), ended: make(chan struct{})}
	go k.run()
	return k
}

// give hands a batch over. The error may be that of a batch before.
func (k *keeper) give(b *discover.Batch) error { return k.order(order{batch: b}) }

// keep hands a batch over, and waits until that and all before it are stored.
func (k *keeper) keep(b *discover.Batch) error {
	done := make(chan struct{})
	if err := k.order(order{b, done}); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-k.failed:
		return k.err
	}
}

func (k *keeper) order(o order) error {
	select {
	case k.work <- o:
		return nil
	case <-k.failed:
		return k.err
	}
}

// close ends the keeper; what it was given is stored then, or the error says
// why not. Afterwards its writer is the caller's.
func (k *keeper) close() error {
	close(k.work)
	<-k.ended
	return k.err
}

// run stores what comes until an error, or until there is no more.
func (k *keeper) run() {
	defer close(k.ended)
	for first := range k.work {
		if k.err = k.transaction(first); k.err != nil {
			close(k.failed)
			return
		}
	}
}

// transaction stores batches until one asks for its end, or for as long as
// others may be kept waiting. The first one begins the source.
func (k *keeper) transaction(first order) (err error) {
	if k.writer == nil {
		if k.writer, err = k.store.Start(k.source); err != nil {
			return err
		}
	}
	next, over := first, time.NewTimer(maxTransaction)
	defer over.Stop()
	err = k.writer.WriteAll(func(yield func(*discover.Batch) bool) {
		for more := true; more; {
			if !yield(next.batch) || next.done != nil {
				return
			}
			select {
			case next, more = <-k.work:
			case <-over.C:
				more = false
			}
		}
	})
	if err == nil && next.done != nil {
		close(next.done)
	}
	return err
}
