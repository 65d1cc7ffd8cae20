//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A proc is a program inside a namespace, its output collected.
type proc struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

func (p *proc) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *proc) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// spawn starts a program in a namespace and leaves it running until the lab closes.
func (l *lab) spawn(ns string, env []string, args ...string) (*proc, error) {
	p := &proc{done: make(chan struct{})}
	p.cmd = exec.Command("ip", append([]string{"netns", "exec", ns}, args...)...) //nolint:gosec // our own words
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Dir = l.tmp
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if _, err := p.cmd.StdinPipe(); err != nil { // stays open: s_server ends with its input
		return nil, err
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	l.mu.Lock()
	l.procs = append(l.procs, p)
	l.mu.Unlock()
	return p, nil
}

// serve starts a server and waits until it listens on the addresses.
func (l *lab) serve(addrs []string, args ...string) (*proc, error) {
	return l.serveIn(l.srv, addrs, args...)
}

func (l *lab) serveIn(ns string, addrs []string, args ...string) (*proc, error) {
	p, err := l.spawn(ns, nil, args...)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if listening(p.cmd.Process.Pid, addrs) {
			return p, nil
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("%s ended early:\n%s", args[0], p.output())
		default:
		}
	}
	return nil, fmt.Errorf("%s does not listen on %v:\n%s", args[0], addrs, p.output())
}

// udpAddr begins an address where a program waits for datagrams.
const udpAddr = "udp/"

// listening says whether all addresses are open in the namespace of a process.
// It asks the kernel, so that no connection of ours gets into a server's log.
func listening(pid int, addrs []string) bool {
	open := map[string]bool{}
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, name))
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(b)) {
			switch f := strings.Fields(line); {
			case len(f) > 3 && f[3] == "0A": // listening
				open[f[1]] = true
			case len(f) > 3 && f[3] == "07" && strings.HasPrefix(name, "udp"): // not connected
				open[udpAddr+f[1]] = true
			}
		}
	}
	for _, a := range addrs {
		udp := strings.HasPrefix(a, udpAddr)
		a = kernelAddr(strings.TrimPrefix(a, udpAddr))
		if udp {
			a = udpAddr + a
		}
		if !open[a] {
			return false
		}
	}
	return true
}

// kernelAddr writes an address as /proc/net/tcp does on a little-endian machine.
func kernelAddr(s string) string {
	a := netip.MustParseAddrPort(s)
	ip := a.Addr().AsSlice()
	var b strings.Builder
	for ; len(ip) > 0; ip = ip[4:] {
		fmt.Fprintf(&b, "%02X%02X%02X%02X", ip[3], ip[2], ip[1], ip[0])
	}
	return fmt.Sprintf("%s:%04X", b.String(), a.Port())
}

func (p *proc) waitOutput(text string, limit time.Duration) error {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(p.output(), text) {
			return nil
		}
	}
	return fmt.Errorf("%s: no %q after %s:\n%s", p.cmd.Args[4], text, limit, p.output())
}

func (p *proc) interrupt() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT)
	select {
	case <-p.done:
	case <-time.After(3 * time.Second):
		p.kill()
	}
}

func (p *proc) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// A result is how a client program ended.
type result struct {
	out  string
	code int
}

// run runs a client program to its end, with a limit of time.
func (l *lab) run(stdin string, env []string, args ...string) (result, error) {
	ctx, cancel := context.WithTimeout(l.ctx, 15*time.Second)
	defer cancel()
	out := new(proc)                                                                            // only its output is used
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", l.cli}, args...)...) //nolint:gosec // our own words
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = l.tmp
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &typist{parts: strings.Split(stdin, pause), screen: out.output}, out, out
	err := cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil {
		return result{}, fmt.Errorf("%s does not end:\n%s", strings.Join(args, " "), out.output())
	}
	if err != nil && !errors.As(err, &exit) {
		return result{}, err
	}
	return result{out.output(), cmd.ProcessState.ExitCode()}, nil
}

// pause in a client's input makes it wait.
const pause = "\x00"

// A typist types its parts with pauses between them, the first of which begins
// when the program says that the handshake is over.
type typist struct {
	parts  []string
	screen func() string
	began  bool
}

func (t *typist) Read(b []byte) (int, error) {
	if len(t.parts) == 0 {
		return 0, io.EOF
	}
	if t.began {
		for range 100 {
			if s := t.screen(); strings.Contains(s, "Verify return code") || strings.Contains(s, "Handshake was completed") {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond)
	}
	t.began = true
	n := copy(b, t.parts[0])
	t.parts = t.parts[1:]
	return n, nil
}
