package opener

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Client is the reader's connection to its opener. Its methods may be called
// by several goroutines.
type Client struct {
	conn     *net.UnixConn
	notify   bool
	watchdog time.Duration

	asking  sync.Mutex // held from a request to its answer
	answers chan answer
	done    chan struct{}
	closed  atomic.Bool
}

// answer is what came back, or why nothing did.
type answer struct {
	reply reply
	made  Made
	err   error
}

// errEnded is the answer of an opener that is no more.
var errEnded = errors.New("the process that opens interfaces has ended")

// Inherited returns the connection of a process that Run started. It is nil in
// a process that somebody else started.
func Inherited() (*Client, error) {
	word, ok := os.LookupEnv(readerVariable)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(readerVariable)
	fd, err := strconv.Atoi(word)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%s: that is set by blindspot itself: unset it", readerVariable, word)
	}
	if err := mustBePowerless(); err != nil {
		return nil, err
	}
	conn, err := inherit(fd)
	if err != nil {
		return nil, fmt.Errorf("%s=%s: that is set by blindspot itself: unset it (%w)", readerVariable, word, err)
	}
	name(readerName)
	c := newClient(conn)
	first, err := c.next()
	if err != nil || first.reply.Greeting == nil {
		conn.Close()
		return nil, fmt.Errorf("wait for the opener: %w", errors.Join(errEnded, err))
	}
	c.notify, c.watchdog = first.reply.Greeting.Notify, time.Duration(first.reply.Greeting.Watchdog)
	go c.outlive()
	return c, nil
}

// grace is how long a reader may take to end after its opener has.
const grace = 10 * time.Second

// outlive ends a reader that does not end by itself when the opener has ended.
// (PR_SET_PDEATHSIG would be sent once for each of the opener's threads, and the
// second signal ends the reader at once.)
func (c *Client) outlive() {
	<-c.done
	if c.closed.Load() {
		return
	}
	time.Sleep(grace)
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
}

func newClient(conn *net.UnixConn) *Client {
	c := &Client{conn: conn, answers: make(chan answer), done: make(chan struct{})}
	go c.receive()
	return c
}

// receive takes answers off the connection until it ends.
func (c *Client) receive() {
	defer close(c.done)
	buf := make([]byte, maxMessage+1)
	for {
		a, err := receive(c.conn, buf)
		if err != nil {
			return
		}
		c.answers <- a
	}
}

// next waits for an answer.
func (c *Client) next() (answer, error) {
	select {
	case a := <-c.answers:
		return a, a.err
	case <-c.done:
		return answer{}, errEnded
	}
}

// ask sends r and waits for the answer.
func (c *Client) ask(r request) (Made, error) {
	b, err := encode(r)
	if err != nil {
		return Made{}, err
	}
	c.asking.Lock()
	defer c.asking.Unlock()
	if _, err := c.conn.Write(b); err != nil {
		return Made{}, fmt.Errorf("%w (%v)", errEnded, err)
	}
	a, err := c.next()
	return a.made, err
}

// Ring asks for the ring of a worker on an interface, the first time and when
// it was lost. Of the errors of package ring, those that a caller decides by
// are told apart by errors.Is here too.
func (c *Client) Ring(iface string, worker int) (Made, error) {
	m, err := c.ask(request{Kind: openRing, Interface: iface, Worker: worker})
	if err == nil && len(m.Files) == 0 {
		err = fmt.Errorf("ring of worker %d on %s: the opener's answer lacks it", worker, iface)
	}
	return m, err
}

// Notify tells the service manager, where there is one: Ready, Stopping, Alive,
// a Status. Several states go in one message.
func (c *Client) Notify(states ...string) error {
	if !c.notify || len(states) == 0 {
		return nil
	}
	_, err := c.ask(request{Kind: notify, State: strings.Join(states, "\n")})
	return err
}

// Reloading is the state to tell when the configuration begins to be read
// again; Ready ends it.
func Reloading() string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(now.Nano()/1000, 10)
}

// Watchdog is how long the service manager waits for Alive before it starts the
// service anew, 0 where it does not watch. Tell it every half of that.
func (c *Client) Watchdog() time.Duration { return c.watchdog }

// Done is closed when the opener has ended: the reader is to end too.
func (c *Client) Done() <-chan struct{} { return c.done }

// Close ends the connection, and with it the opener's wait for requests.
func (c *Client) Close() error {
	c.closed.Store(true)
	return c.conn.Close()
}
