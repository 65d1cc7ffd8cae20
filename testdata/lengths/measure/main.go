//go:build linux

// Measure makes handshakes of TLS 1.3 with real servers and clients, of which
// it knows what they serve, and says how well discover/lengths reads them.
//
//	go run ./testdata/lengths/measure [--only STACK,…] [--boringssl DIR] [--save FILE | --load FILE] [--sample DIR]
//
// --save keeps every handshake, so that --load can judge them again. It prints
// the tables of ARCHITECTURE.md. Servers and clients run in a network
// namespace of their own; what is not installed is left out, and said so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// inside marks the process that runs in the namespace.
const inside = "MEASURE_INSIDE"

func main() {
	if os.Getenv(inside) == "" {
		os.Exit(again())
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// again runs this program in a namespace with nothing but a loopback device.
func again() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...) //nolint:gosec // itself
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		if cmd.ProcessState == nil {
			fmt.Fprintln(os.Stderr, "measure: it needs root, to make a network namespace:", err)
		}
		return 1
	}
	return 0
}

func run() error {
	only := flag.String("only", "", "stacks to measure, by comma")
	save := flag.String("save", "", "file to keep every handshake in")
	load := flag.String("load", "", "judge the handshakes that were kept in a file, make none")
	sample := flag.String("sample", "", "folder to write the handshakes to that tests read")
	flag.StringVar(&boringRoot, "boringssl", boringRoot, "prefix of android-libboringssl and its -dev package")
	flag.Parse()
	all, err := loadTrials(*load)
	if *load == "" {
		all, err = measureAll(*only)
	}
	if err != nil {
		return err
	}
	if err := saveTrials(*save, all); err != nil {
		return err
	}
	if err := saveSample(*sample, sampleOf(all)); err != nil {
		return err
	}
	report(os.Stdout, all)
	return nil
}

func measureAll(only string) ([]*trial, error) {
	if err := exec.Command("ip", "link", "set", "lo", "up").Run(); err != nil {
		return nil, fmt.Errorf("bring up the loopback device: %w", err)
	}
	dir, err := os.MkdirTemp("", "lengths-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	list, err := services(dir)
	if err != nil {
		return nil, err
	}
	var all []*trial
	for _, st := range stacks {
		if only != "" && !slices.Contains(strings.Split(only, ","), st.name) {
			continue
		}
		trials, err := measure(st, dir, list)
		if errors.Is(err, errMissing) {
			fmt.Fprintf(os.Stderr, "measure: %s is not installed: left out\n", st.name)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", st.name, err)
		}
		all = append(all, trials...)
	}
	return all, nil
}

// measure makes a handshake of each client with each service of one stack.
func measure(st stack, dir string, list []*service) ([]*trial, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer func() { cancel(); time.Sleep(300 * time.Millisecond) }() // so that ports are free again
	if err := st.start(ctx, dir, list); err != nil {
		return nil, err
	}
	t, err := newTap()
	if err != nil {
		return nil, err
	}
	if err := await(list[0], time.Minute); err != nil {
		return nil, err
	}
	version, begun, failed := st.version(), time.Now(), 0
	var out []*trial
	for _, s := range list {
		if err := await(s, 5*time.Second); err != nil {
			fmt.Fprintf(os.Stderr, "measure: %s: %v\n", st.name, err)
			continue
		}
		for _, c := range clients {
			x, err := t.handshake(ctx, c, s)
			if err != nil {
				failed++
				continue
			}
			out = append(out, newTrial(st.name, version, c.name, s, x))
		}
	}
	fmt.Fprintf(os.Stderr, "measure: %s: %d handshakes in %s, %d failed\n", st.name, len(out), time.Since(begun).Round(time.Second), failed)
	return out, nil
}

func (t *tap) handshake(ctx context.Context, c client, s *service) (*seen, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.run(ctx, t.port()) }()
	x, err := t.next(s.port)
	cancel()
	<-done
	return x, err
}
