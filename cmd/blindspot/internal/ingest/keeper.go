package ingest

import (
	"time"

	"blindspot/discover"
	"blindspot/store"
)

// maxTransaction is how long the store stays locked for other writers while
// batches are under way. They wait for longer (store.Options).
const maxTransaction = 4 * time.Second

// smallOrders is how many batches without sightings may wait. Of those with
// sightings, which are large, none may.
const smallOrders = 16

// keeper is the side that stores, while the next observations are folded. What
// it is given must not change any more.
type keeper struct {
	store  *store.DB
	source discover.Source
	writer *store.Writer // nil until there is something to write

	work   chan order
	large  chan struct{} // has a place for the order with sightings that is not stored yet
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
	k := &keeper{store: db, source: source, work: make(chan order, smallOrders), large: make(chan struct{}, 1), failed: make(chan struct{}), ended: make(chan struct{})}
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
	if o.batch.Len() > 0 {
		select {
		case k.large <- struct{}{}:
		case <-k.failed:
			return k.err
		}
	}
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
			stored := yield(next.batch)
			if next.batch.Len() > 0 {
				<-k.large
			}
			if !stored || next.done != nil {
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
