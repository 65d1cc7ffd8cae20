package main

import (
	"context"
	"time"

	"blindspot/cmd/blindspot/internal/opener"
)

// aliveWithin is how old the word of a packet line may be that still is alive.
const aliveWithin = 10 * time.Second

// notify tells the service manager, where there is one. An error is no fault: it
// finds out by itself.
func (l *live) notify(states ...string) {
	if l.client != nil {
		_ = l.client.Notify(states...)
	}
}

// watchdog tells the service manager that the sensor is alive, while all of its
// packet lines are.
func (l *live) watchdog(ctx context.Context) {
	every := l.client.Watchdog() / 2
	if every <= 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if l.alive(now) {
				l.notify(opener.Alive)
			}
		}
	}
}

func (l *live) alive(now time.Time) bool {
	for _, w := range l.sensor.Status().Workers {
		if now.Sub(w.At) > aliveWithin {
			return false
		}
	}
	return true
}
