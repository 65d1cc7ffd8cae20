package store

import (
	"container/list"
	"sync"
)

// lru keeps the values used last, at most limit of them.
type lru[K comparable, V any] struct {
	mu    sync.Mutex
	limit int
	order list.List // of entry[K, V], the last used one first
	at    map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](limit int) *lru[K, V] {
	return &lru[K, V]{limit: limit, at: make(map[K]*list.Element)}
}

// get returns the value of key, from load where it is not held. What load
// could not read is not held.
func (l *lru[K, V]) get(key K, load func(K) (V, error)) (V, error) {
	l.mu.Lock()
	if e := l.at[key]; e != nil {
		l.order.MoveToFront(e)
		l.mu.Unlock()
		return e.Value.(entry[K, V]).value, nil
	}
	l.mu.Unlock()
	v, err := load(key)
	if err == nil {
		l.put(key, v)
	}
	return v, err
}

func (l *lru[K, V]) put(key K, v V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at[key] != nil {
		return
	}
	l.at[key] = l.order.PushFront(entry[K, V]{key, v})
	if l.order.Len() > l.limit {
		last := l.order.Back()
		delete(l.at, last.Value.(entry[K, V]).key)
		l.order.Remove(last)
	}
}
