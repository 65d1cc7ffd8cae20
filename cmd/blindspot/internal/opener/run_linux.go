package opener

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// readerVariable holds the number of the reader's connection.
	readerVariable = "BLINDSPOT_READER"
	// openerVariable holds the number of the opener's connection, and the
	// reader's process id.
	openerVariable = "BLINDSPOT_OPENER"
	// The names of both processes, of which the kernel keeps 15 bytes.
	openerName = "blindspot"
	readerName = "blindspot-read"
	// self is this program, also where its file was replaced since.
	self = "/proc/self/exe"
)

// Config says what the opener opens, and as whom both processes run.
type Config struct {
	// Interfaces may be asked for, and no others; Workers rings of each.
	Interfaces []string
	Workers    int
	// Kernel keeps CAP_BPF, for programs in the kernel.
	Kernel bool
	// User is a name or number, with :GROUP where wanted. Where it is empty and
	// root starts the program, it runs as the owner of the file Owned, or of
	// the directory that it will be in.
	User  string
	Owned string
	// Make opens a ring: see Rings. It is called by one thread, which has the
	// capabilities, one request at a time, for the interfaces and workers above
	// and no others. What it returns is closed when it has been passed on.
	Make func(iface string, worker int) (Made, error)
}

// Run is the opener. It starts the reader, serves it, and returns its exit code
// when it has ended. It executes this program anew, with the same arguments, in
// this process: what is to be done once is to be done after it, or by the
// reader. The context is for what comes before; then signals go to the reader.
func Run(ctx context.Context, cfg Config) (code int, err error) {
	if word, ok := os.LookupEnv(openerVariable); ok {
		os.Unsetenv(openerVariable)
		return resume(cfg, word)
	}
	return 0, split(ctx, cfg)
}

// Second reports whether this process is the opener after Run has executed the
// program anew. What goes wrong before Run then goes wrong in the reader too,
// which tells it.
func Second() bool {
	_, ok := os.LookupEnv(openerVariable)
	return ok
}

// split makes two processes of this one. It returns only when it fails.
func split(ctx context.Context, cfg Config) error {
	have, err := permitted()
	if err != nil {
		return err
	}
	if !have.has(capNetRaw) {
		return errPrivilege()
	}
	keep := capNetRaw
	if cfg.Kernel {
		keep |= capKernel
	}
	user, err := cfg.runAs()
	if err != nil {
		return err
	}
	mine, theirs, err := pair()
	if err != nil {
		return err
	}
	defer mine.Close()
	// Until either process takes it, a SIGHUP that comes is not to end it; that
	// it is ignored survives execve.
	signal.Ignore(syscall.SIGHUP)
	pid, err := startReader(user, theirs)
	theirs.Close()
	if err != nil {
		return err
	}
	if err = ctx.Err(); err == nil {
		err = again(user, keep, mine, pid)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	_, _ = syscall.Wait4(pid, nil, 0, nil)
	return err
}

// startReader starts the reader from a thread that has laid down everything.
func startReader(user User, conn *os.File) (pid int, err error) {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread() // for ever: the thread is of no more use
		defer close(done)
		if err = become(user, 0); err != nil {
			return
		}
		env := without(os.Environ(), "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
		pid, err = syscall.ForkExec(self, os.Args, &syscall.ProcAttr{
			Env:   append(env, readerVariable+"=3"),
			Files: []uintptr{0, 1, 2, conn.Fd()},
			// A group of its own: what the terminal sends (^C) comes once, from
			// the opener.
			Sys: &syscall.SysProcAttr{Setpgid: true},
		})
		if err != nil {
			err = fmt.Errorf("start the process that reads packets: %w", err)
		}
	}()
	<-done
	return pid, err
}

// again executes this program anew as the opener. It returns only when it fails.
func again(user User, keep capabilities, conn *os.File, reader int) error {
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever, as above
		if err := become(user, keep); err != nil {
			failed <- err
			return
		}
		fd := int(conn.Fd())
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			failed <- fmt.Errorf("keep the connection to the reader: %w", err)
			return
		}
		env := append(os.Environ(), fmt.Sprintf("%s=%d:%d", openerVariable, fd, reader))
		err := syscall.Exec(self, os.Args, env)
		failed <- fmt.Errorf("start the process that opens interfaces: %w", err)
	}()
	return <-failed
}

// name is what ps and top call this process: without it, what was executed
// last, "exe".
func name(n string) { _ = os.WriteFile("/proc/self/comm", []byte(n), 0) }

func without(env []string, names ...string) []string {
	return slices.DeleteFunc(env, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(names, name)
	})
}

// resume goes on as the opener after execve.
func resume(cfg Config, word string) (code int, err error) {
	conn, pid, err := inherited(word)
	if err != nil {
		return 0, fmt.Errorf("%s=%s: that is set by blindspot itself: unset it (%w)", openerVariable, word, err)
	}
	defer conn.Close()
	name(openerName)
	forward := forwardSignals(pid)
	s := newServer(cfg, conn)
	go s.run()
	return forward.wait(pid)
}

// errPrivilege says what to do without the privilege to capture.
func errPrivilege() error {
	path, err := os.Executable()
	if err != nil {
		path = "blindspot"
	}
	return fmt.Errorf("live capture needs the capability CAP_NET_RAW (and CAP_BPF for programs in the kernel), and this process does not have it: "+
		"give it to the program once (sudo setcap cap_net_raw,cap_bpf+ep %s), or start the systemd unit, or run it with sudo", path)
}

// wordInherited takes apart what openerVariable holds.
func wordInherited(word string) (fd, pid int, err error) {
	a, b, ok := strings.Cut(word, ":")
	fd, err1 := strconv.Atoi(a)
	pid, err2 := strconv.Atoi(b)
	if !ok || errors.Join(err1, err2) != nil || fd < 3 || pid < 2 {
		return 0, 0, errors.New("not understood")
	}
	return fd, pid, nil
}
