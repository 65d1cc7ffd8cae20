package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/term"
	"blindspot/store"
)

// maintainEvery is how often the store is folded and kept within its bound.
const maintainEvery = 10 * time.Minute

// parseRetention reads how long a store keeps what: hours=7d,days=400d.
func parseRetention(word string) (p store.Policy, err error) {
	if word == "" {
		return p, nil
	}
	for part := range strings.SplitSeq(word, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		d, err := config.ParseDuration(value)
		if err != nil || d <= 0 {
			return p, fmt.Errorf("%q: want hours=DURATION,days=DURATION, such as hours=7d,days=400d", part)
		}
		switch {
		case name == "hours" && p.Hours != 0, name == "days" && p.Days != 0:
			return p, fmt.Errorf("%q: %s are given twice", word, name)
		case name == "hours":
			p.Hours = d
		case name == "days":
			p.Days = d
		default:
			return p, fmt.Errorf("%q: want hours= and days=, such as hours=7d,days=400d", part)
		}
	}
	return p, p.Validate()
}

// maintenance keeps the store within its retention and its bound, nil where it
// has neither.
func (l *live) maintenance() func(context.Context) {
	policy, bound := l.flags.policy, store.Bound{Bytes: l.flags.storeSize}
	if policy == (store.Policy{}) && bound.Bytes == 0 {
		return nil
	}
	next := time.Now().Add(maintainEvery / 10)
	return func(ctx context.Context) {
		now := time.Now()
		if now.Before(next) {
			return
		}
		next = now.Add(maintainEvery)
		if _, err := l.db.Fold(ctx, policy, now); err != nil && !errors.Is(err, context.Canceled) {
			l.log.Error("old hours are not folded", "error", err)
		}
		if bound.Bytes == 0 {
			return
		}
		done, err := l.db.Shrink(ctx, bound, now)
		switch {
		case errors.Is(err, context.Canceled):
		case err != nil:
			l.log.Error("the store is not kept within --max-store", "error", err)
		case done.Over > 0:
			l.log.Warn("the store is over --max-store: what is left is not to be dropped", "over", term.Bytes(done.Over))
		case done.Dropped > 0:
			l.log.Warn("the oldest days were dropped to keep the store within --max-store", "handshakes", done.Dropped)
		}
	}
}
