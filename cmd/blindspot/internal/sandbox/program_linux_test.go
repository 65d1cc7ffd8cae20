package sandbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/store"

	"golang.org/x/sys/unix"
)

// taskVariable makes the test binary a program that confines itself and tries
// things out. It holds a task.
const taskVariable = "BLINDSPOT_TEST_SANDBOX"

// task is what such a program is told.
type task struct {
	Policy  Policy
	Deadly  string // the one thing to try
	Outside string // a directory that no rule names
	Peer    string // address of a listener
	Late    string // address to listen on
	Other   string // address of which the port is not allowed
}

// outcome is what it says.
type outcome struct {
	Applied Applied
	Tried   map[string]string // name to error, "" where it worked
	Packet  int
}

func TestMain(m *testing.M) {
	if word := os.Getenv(taskVariable); word != "" {
		if err := program(word); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(word string) (err error) {
	var t task
	if err := json.Unmarshal([]byte(word), &t); err != nil {
		return err
	}
	o := outcome{Tried: map[string]string{}}
	p := prepare(&t)
	if o.Applied, err = Apply(t.Policy); err != nil {
		return err
	}
	if t.Deadly != "" {
		return fmt.Errorf("survived: %v", deadlyCall(t.Deadly))
	}
	for name, f := range p.tries(&t) {
		o.Tried[name] = ""
		if err := f(); err != nil {
			o.Tried[name] = err.Error()
		}
	}
	return json.NewEncoder(os.Stdout).Encode(o)
}

// prepared is what was open before.
type prepared struct {
	packet   int // an AF_PACKET socket, -1 without the privilege
	listener net.Listener
	threads  []chan func()
}

// prepare opens what may be open before, and starts threads.
func prepare(t *task) *prepared {
	p := &prepared{}
	_ = os.Symlink("/etc/passwd", filepath.Join(t.Policy.Write[0], "link")) // found out below
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	p.packet = fd
	p.listener, _ = net.Listen("tcp", "127.0.0.1:0") // nil is found out below
	for range 4 {
		c := make(chan func())
		p.threads = append(p.threads, c)
		ready := make(chan bool)
		go func() {
			runtime.LockOSThread()
			close(ready)
			for f := range c {
				f()
			}
		}()
		<-ready
	}
	return p
}

func (p *prepared) tries(t *task) map[string]func() error {
	in := func(name string) string { return filepath.Join(t.Policy.Write[0], name) }
	return map[string]func() error{
		// files
		"read shadow":           reading("/etc/shadow"),
		"read passwd":           reading("/etc/passwd"),
		"read outside":          reading(filepath.Join(t.Outside, "file")),
		"read through proc":     reading("/proc/self/root/etc/passwd"),
		"read through a link":   reading(in("link")),
		"list root":             func() error { _, err := os.ReadDir("/"); return err },
		"list outside":          func() error { _, err := os.ReadDir(t.Outside); return err },
		"write outside":         func() error { return os.WriteFile(filepath.Join(t.Outside, "new"), nil, 0o600) },
		"write tmp":             func() error { return os.WriteFile("/tmp/blindspot-sandbox-test", nil, 0o600) },
		"truncate outside":      func() error { return os.Truncate(filepath.Join(t.Outside, "file"), 0) },
		"remove outside":        func() error { return os.Remove(filepath.Join(t.Outside, "file")) },
		"rename out":            func() error { return renameOut(in("mine"), filepath.Join(t.Outside, "mine")) },
		"write what is read":    func() error { return os.WriteFile(filepath.Join(t.Policy.Read[0], "new"), nil, 0o600) },
		"execute":               func() error { return exec.Command("/bin/true").Run() },
		"execute what it wrote": func() error { return executeCopy(in("copy")) },
		// system calls
		"packet socket":   func() error { return newSocket(unix.AF_PACKET, unix.SOCK_RAW) },
		"unix socket":     func() error { return newSocket(unix.AF_UNIX, unix.SOCK_STREAM) },
		"netlink socket":  func() error { return newSocket(unix.AF_NETLINK, unix.SOCK_RAW) },
		"inet socket":     func() error { return newSocket(unix.AF_INET, unix.SOCK_STREAM) },
		"multipath":       multipath,
		"rebind a ring":   func() error { return unix.Bind(p.packet, &unix.SockaddrLinklayer{Ifindex: 1}) },
		"promiscuous":     p.promiscuous,
		"ring's filter":   func() error { return unix.SetsockoptInt(p.packet, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) },
		"load a program":  func() error { return bpf(unix.BPF_PROG_LOAD) },
		"make a map":      func() error { return bpf(unix.BPF_MAP_CREATE) },
		"update a map":    func() error { return bpf(unix.BPF_MAP_UPDATE_ELEM) },
		"signal parent":   func() error { return unix.Kill(os.Getppid(), 0) },
		"signal itself":   signalItself,
		"code in memory":  func() error { return memory(unix.PROT_READ | unix.PROT_EXEC) },
		"data in memory":  func() error { return memory(unix.PROT_READ | unix.PROT_WRITE) },
		"raise a limit":   func() error { return unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}, nil) },
		"io_uring":        func() error { return call(unix.SYS_IO_URING_SETUP, 1, 0) },
		"file in memory":  func() error { _, err := unix.MemfdCreate("x", 0); return err },
		"clone a process": func() error { return call(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0) },
		"new user":        func() error { return call(unix.SYS_CLONE, unix.CLONE_THREAD|unix.CLONE_NEWUSER, 0) },
		// network
		"connect":       func() error { return dial(t.Peer) },
		"look up":       func() error { _, err := net.LookupHost("localhost"); return err },
		"datagram":      func() error { return datagram(t.Peer) },
		"listen":        func() error { return listen(t.Late) },
		"listen other":  func() error { return listen(t.Other) },
		"serve":         p.serve,
		"other threads": p.otherThreads,
		"new threads":   newThreads,
		"read":          reading(filepath.Join(t.Policy.Read[0], "file")),
		// what the program does all day
		"runtime":         everything,
		"new file":        func() error { return replaced(filepath.Join(t.Policy.Read[0], "file"), t.Policy.Write[0]) },
		"store a capture": func() error { return storeCapture(in("store.db"), t.Policy.Read[1]) },
		"sqlite":          func() error { return sqlite(in("other.db")) },
		"write and rename": func() error {
			return errors.Join(os.WriteFile(in("a"), []byte("x"), 0o600), os.Rename(in("a"), in("b")), os.Remove(in("b")))
		},
		"discard": func() error { return os.WriteFile("/dev/null", []byte("x"), 0) },
	}
}

func reading(path string) func() error {
	return func() error { _, err := os.ReadFile(path); return err }
}

func renameOut(from, to string) error {
	if err := os.WriteFile(from, nil, 0o600); err != nil {
		return fmt.Errorf("%w, and should not", errors.New("fails early: "+err.Error()))
	}
	return os.Rename(from, to)
}

func executeCopy(path string) error {
	b := []byte("#!/bin/true\n")
	if err := os.WriteFile(path, b, 0o700); err != nil {
		return nil // so that the test fails
	}
	return syscall.Exec(path, []string{path}, nil)
}

func newSocket(family, kind int) error {
	fd, err := unix.Socket(family, kind, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func multipath() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func (p *prepared) promiscuous() error {
	return unix.SetsockoptPacketMreq(p.packet, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: 1, Type: unix.PACKET_MR_PROMISC})
}

func call(number, a, b uintptr) error {
	if _, _, errno := unix.RawSyscall(number, a, b, 0); errno != 0 {
		return errno
	}
	return nil
}

// bpf calls bpf(2) without attributes, which is refused as EINVAL or EFAULT
// where the command is not refused before.
func bpf(command uintptr) error {
	if _, _, errno := unix.Syscall(unix.SYS_BPF, command, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func signalItself() error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	defer signal.Stop(c)
	if err := unix.Kill(os.Getpid(), unix.SIGHUP); err != nil {
		return err
	}
	<-c
	return nil
}

func memory(protection int) error {
	b, err := unix.Mmap(-1, 0, 4096, protection, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err == nil {
		err = unix.Munmap(b)
	}
	return err
}

func dial(address string) error {
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err == nil {
		c.Close()
	}
	return err
}

// datagram sends one, as to a name server.
func datagram(address string) error {
	c, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("x"))
	return err
}

func listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err == nil {
		l.Close()
	}
	return err
}

// serve answers one request on the listener that was there before. The client
// is the test.
func (p *prepared) serve() error {
	fmt.Fprintln(os.Stderr, "listening on", p.listener.Addr())
	done := make(chan error, 1)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.WriteString(w, "hello")
		done <- err
	})}
	go func() { done <- s.Serve(p.listener) }()
	select {
	case err := <-done:
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return errors.Join(err, s.Shutdown(ctx))
	case <-time.After(20 * time.Second):
		return errors.New("nobody asked")
	}
}

// otherThreads tries what is forbidden in threads that were there before.
func (p *prepared) otherThreads() (err error) {
	var group sync.WaitGroup
	results := make([]error, len(p.threads))
	for i, c := range p.threads {
		group.Add(1)
		c <- func() {
			defer group.Done()
			results[i] = forbidden()
		}
	}
	group.Wait()
	return errors.Join(results...)
}

// newThreads tries the same in threads that come later.
func newThreads() error {
	var group sync.WaitGroup
	results := make([]error, 50)
	for i := range results {
		group.Go(func() {
			runtime.LockOSThread() // and ends with it
			time.Sleep(time.Millisecond)
			results[i] = forbidden()
		})
	}
	group.Wait()
	return errors.Join(results...)
}

// forbidden is an error where something is not.
func forbidden() error {
	if _, err := os.ReadFile("/etc/passwd"); !errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("reading: %v", err)
	}
	if err := newSocket(unix.AF_PACKET, unix.SOCK_RAW); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("socket: %v", err)
	}
	return nil
}

// everything is what the runtime does in the long run.
func everything() error {
	b := make([]byte, 64<<20)
	if _, err := rand.Read(b[:1<<10]); err != nil {
		return err
	}
	debug.FreeOSMemory()
	if _, err := time.LoadLocation("Europe/Berlin"); err != nil {
		return err
	}
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for range 20 {
		<-ticker.C
		runtime.GC()
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	if _, err := os.ReadFile("/proc/self/stat"); err != nil {
		return err
	}
	if _, err := os.ReadDir("/proc/self/fd"); err != nil {
		return err
	}
	if _, err := os.ReadFile("/sys/class/net/lo/statistics/rx_dropped"); err != nil {
		return err
	}
	_, err := os.ReadFile("/proc/net/softnet_stat")
	return err
}

// replaced has another file take the place of one that is read, as editors do.
// The parent did the replacing.
func replaced(path, dir string) error {
	fmt.Fprintln(os.Stderr, "replace")
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if string(b) == "replaced" {
			return nil
		}
	}
	return errors.New("it was not replaced")
}

// storeCapture reads a capture into a new store, twice, and asks the store.
func storeCapture(path, captured string) error {
	for range 2 {
		db, err := store.Open(path, store.Options{})
		if err != nil {
			return err
		}
		run, err := ingest.New(ingest.Config{Store: db})
		if err != nil {
			return err
		}
		res, err := run.Read(context.Background(), captured)
		if err != nil || res.Fault != nil {
			return errors.Join(err, res.Fault)
		}
		if _, err := db.Stat(); err != nil {
			return err
		}
		if err := errors.Join(run.Close(), db.Close()); err != nil {
			return err
		}
	}
	return nil
}

// sqlite has SQLite use a write-ahead log, shared memory, temporary files.
func sqlite(path string) error {
	db, err := sql.Open("sqlite3", path+"?_journal_mode=WAL&_cache_size=-64")
	if err != nil {
		return err
	}
	defer db.Close()
	for _, q := range []string{
		"PRAGMA temp_store = FILE", "PRAGMA temp.cache_size = -16", "CREATE TABLE t (a, b)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 40000) INSERT INTO t SELECT i, hex(randomblob(20)) FROM n",
		"CREATE INDEX i ON t (b)", "CREATE TEMP TABLE u AS SELECT * FROM t ORDER BY b", "DELETE FROM t WHERE a % 2", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode = DELETE",
	} {
		if _, err := db.Exec(q); err != nil {
			return fmt.Errorf("%.40s: %w", q, err)
		}
	}
	return nil
}

// deadlyCall makes a call that is to end the process.
func deadlyCall(name string) error {
	dot := [2]byte{'.', 0}
	path := uintptr(unsafe.Pointer(&dot[0]))
	calls := map[string][4]uintptr{
		"ptrace":            {unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0},
		"mount":             {unix.SYS_MOUNT, path, path, 0},
		"unshare":           {unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0},
		"setns":             {unix.SYS_SETNS, 0, 0, 0},
		"chroot":            {unix.SYS_CHROOT, path, 0, 0},
		"process_vm_readv":  {unix.SYS_PROCESS_VM_READV, 1, 0, 0},
		"init_module":       {unix.SYS_INIT_MODULE, 0, 0, 0},
		"perf_event_open":   {unix.SYS_PERF_EVENT_OPEN, 0, 0, 0},
		"open_by_handle_at": {unix.SYS_OPEN_BY_HANDLE_AT, 0, 0, 0},
		"setresuid":         {unix.SYS_SETRESUID, 0, 0, 0},
		"reboot":            {unix.SYS_REBOOT, 0, 0, 0}, // without its magic numbers, which would be EINVAL
		"keyctl":            {unix.SYS_KEYCTL, 0, 0, 0},
	}
	c, ok := calls[name]
	if !ok {
		return errors.New("no such call")
	}
	_, _, errno := unix.Syscall(c[0], c[1], c[2], c[3])
	runtime.KeepAlive(&dot)
	return errno
}
