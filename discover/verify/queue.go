package verify

import (
	"cmp"
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// Defaults of a Queue.
const (
	defaultMaxWaiting = 10_000
	defaultMaxAsked   = 200_000
	defaultInterval   = 24 * time.Hour
	// changedAfter is how soon a place is asked again that seems to present
	// another chain: lengths that go up and down must not make it a load.
	changedAfter = 10 * time.Minute
)

// QueueConfig configures a Queue; the zero value works.
type QueueConfig struct {
	MaxWaiting int           // targets that wait; further ones are counted and left out
	MaxAsked   int           // places that are remembered; the oldest are forgotten first
	Interval   time.Duration // after which a place is asked again
}

// Queue holds what is to be asked while traffic goes on: each place once, and
// again when it is due for a new look or its chain seems to have changed. Its
// methods may be called concurrently.
type Queue struct {
	cfg  QueueConfig
	more chan struct{}

	mu      sync.Mutex
	waiting *list.List // of *Target
	pending map[Place]*list.Element
	asked   map[Place]*list.Element
	order   *list.List // of askedAt, the oldest first
	stats   QueueStats
}

// QueueStats counts what became of targets.
type QueueStats struct {
	Added     uint64
	Repeated  uint64 // they waited already, or were asked not long ago
	Beyond    uint64 // there was no room for them
	Forgotten uint64 // places asked that are not remembered any more
	Waiting   int
	Asked     int // places remembered
}

type askedAt struct {
	place Place
	at    time.Time
}

// NewQueue returns an empty queue.
func NewQueue(cfg QueueConfig) *Queue {
	cfg.MaxWaiting = cmp.Or(cfg.MaxWaiting, defaultMaxWaiting)
	cfg.MaxAsked = cmp.Or(cfg.MaxAsked, defaultMaxAsked)
	cfg.Interval = cmp.Or(cfg.Interval, defaultInterval)
	return &Queue{
		cfg: cfg, more: make(chan struct{}, 1), waiting: list.New(), order: list.New(),
		pending: map[Place]*list.Element{}, asked: map[Place]*list.Element{},
	}
}

// Add puts t into the queue and returns true, or returns false where its place
// waits already, was asked not long before now, or there is no room. Whether t
// is in scope is the caller's to know.
func (q *Queue) Add(t Target, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, waits := q.pending[t.Place]; waits || q.fresh(&t, now) {
		q.stats.Repeated++
		return false
	}
	if q.waiting.Len() >= q.cfg.MaxWaiting {
		q.stats.Beyond++
		return false
	}
	q.stats.Added++
	q.pending[t.Place] = q.waiting.PushBack(&t)
	select {
	case q.more <- struct{}{}:
	default:
	}
	return true
}

// fresh reports whether the place of t was asked not long ago.
func (q *Queue) fresh(t *Target, now time.Time) bool {
	e := q.asked[t.Place]
	if e == nil {
		return false
	}
	after := q.cfg.Interval
	if t.Why == Changed {
		after = min(after, changedAfter)
	}
	return now.Sub(e.Value.(askedAt).at) < after
}

// next takes out the target that has waited longest among those whose endpoint
// is free, nil for none. From then on its place counts as asked.
func (q *Queue) next(free func(netip.AddrPort) bool) *Target {
	q.mu.Lock()
	defer q.mu.Unlock()
	for e := q.waiting.Front(); e != nil; e = e.Next() {
		t := e.Value.(*Target)
		if free(t.Server) {
			q.waiting.Remove(e)
			delete(q.pending, t.Place)
			q.remember(&t.Place, time.Now())
			return t
		}
	}
	return nil
}

// done notes when a look at a place ended.
func (q *Queue) done(p *Place, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.remember(p, now)
}

func (q *Queue) remember(p *Place, now time.Time) {
	if e := q.asked[*p]; e != nil {
		q.order.Remove(e)
	}
	q.asked[*p] = q.order.PushBack(askedAt{*p, now})
	for q.order.Len() > q.cfg.MaxAsked {
		oldest := q.order.Remove(q.order.Front()).(askedAt)
		delete(q.asked, oldest.place)
		q.stats.Forgotten++
	}
}

// Stats returns the counters.
func (q *Queue) Stats() QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Waiting, s.Asked = q.waiting.Len(), len(q.asked)
	return s
}
