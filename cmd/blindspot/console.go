package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/cmd/blindspot/internal/term"

	"github.com/spf13/cobra"
)

const (
	barAfter  = time.Second // shorter readings show no progress
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second // where standard error is no terminal
	clearLine = "\r\x1b[K"
)

// console is standard error: messages, and the progress bar between them.
type console struct {
	quiet bool

	mu    sync.Mutex
	drawn bool // a bar stands in the last line
}

func (c *console) add(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&c.quiet, "quiet", "q", false, "no progress and no summaries; errors only")
}

// info says something that --quiet silences.
func (c *console) info(format string, args ...any) {
	if !c.quiet {
		c.tell(fmt.Sprintf(format, args...))
	}
}

// fail says what went wrong.
func (c *console) fail(err error) { c.tell("blindspot: " + err.Error()) }

func (c *console) tell(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	fmt.Fprintln(os.Stderr, term.Printable(text))
}

func (c *console) clear() {
	if c.drawn {
		fmt.Fprint(os.Stderr, clearLine)
		c.drawn = false
	}
}

// watch shows the progress of r until the returned function is called.
func (c *console) watch(r *ingest.Run) (stop func()) {
	if c.quiet {
		return func() {}
	}
	bar := term.Is(os.Stderr) && os.Getenv("TERM") != "dumb"
	every := lineEvery
	if bar {
		every = barEvery
	}
	return c.every(every, func() { c.show(r, bar) })
}

// every calls draw again and again until the returned function is called, which
// takes away what is drawn.
func (c *console) every(interval time.Duration, draw func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				draw()
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		c.mu.Lock()
		defer c.mu.Unlock()
		c.clear()
	}
}

func (c *console) show(r *ingest.Run, bar bool) {
	p, ok := r.Progress()
	if !ok || p.Elapsed < barAfter {
		return
	}
	if !bar {
		c.tell(p.Line())
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprint(os.Stderr, "\r"+term.Printable(p.Bar(term.Width(os.Stderr)-1))+"\x1b[K")
	c.drawn = true
}
