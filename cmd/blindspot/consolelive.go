package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"blindspot/cmd/blindspot/internal/term"
)

// liveEvery is how often the line of a sensor is drawn anew.
const liveEvery = 500 * time.Millisecond

// Write writes log lines, around the line that renews itself.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	return os.Stderr.Write(b)
}

// logger logs to the console. On a terminal the time is left out: who watches
// knows it.
func (c *console) logger() *slog.Logger {
	level := slog.LevelInfo
	if c.quiet {
		level = slog.LevelWarn
	}
	opts := &slog.HandlerOptions{Level: level}
	if term.Is(os.Stderr) {
		opts.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(c, opts))
}

// line shows what text returns until the returned function is called, where
// standard error is a terminal.
func (c *console) line(text func(width int) string) (stop func()) {
	if c.quiet || !term.Is(os.Stderr) || os.Getenv("TERM") == "dumb" {
		return func() {}
	}
	return c.every(liveEvery, func() { c.draw(text(term.Width(os.Stderr) - 1)) })
}

func (c *console) draw(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprint(os.Stderr, "\r"+term.Printable(text)+"\x1b[K")
	c.drawn = true
}
