package sandbox

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// demo is a capture with handshakes.
const demo = "../../../../testdata/pcaps/demo.pcap"

// What is tried, and how it ends: "" where it works, else a part of the error.
// The words are the kernel's.
var expected = map[string]string{
	"read shadow": "permission denied", "read passwd": "permission denied", "read outside": "permission denied",
	"read through proc": "permission denied", "read through a link": "permission denied",
	"list root": "permission denied", "list outside": "permission denied",
	"write outside": "permission denied", "write tmp": "permission denied", "truncate outside": "permission denied", "remove outside": "permission denied",
	"rename out": "permission denied", "write what is read": "permission denied",
	"execute": "operation not permitted", "execute what it wrote": "operation not permitted",
	"packet socket": "operation not permitted", "unix socket": "operation not permitted", "netlink socket": "operation not permitted", "inet socket": "operation not permitted",
	"multipath": "operation not permitted", "rebind a ring": "operation not permitted", "promiscuous": "operation not permitted", "ring's filter": "operation not permitted",
	"load a program": "operation not permitted", "make a map": "operation not permitted", "update a map": "invalid argument",
	"signal parent": "operation not permitted", "signal itself": "", "code in memory": "operation not permitted", "data in memory": "",
	"raise a limit": "operation not permitted", "io_uring": "function not implemented", "file in memory": "function not implemented",
	"clone a process": "operation not permitted", "new user": "operation not permitted",
	"connect": "operation not permitted", "look up": "lookup localhost", "datagram": "operation not permitted", "listen": "operation not permitted", "listen other": "operation not permitted",
	"serve": "", "other threads": "", "new threads": "", "read": "",
	"runtime": "", "new file": "", "store a capture": "", "sqlite": "", "write and rename": "", "discard": "",
}

func TestSandbox(t *testing.T) {
	needsKernel(t)
	late, other := freePort(t), freePort(t)
	tests := []struct {
		name   string
		adjust func(*Policy)
		differ map[string]string // from expected
	}{
		{"passive", func(*Policy) {}, nil},
		{"listening later", func(p *Policy) { p.Listen = []uint16{late} }, map[string]string{
			"inet socket": "", "listen": "", "listen other": "permission denied", "rebind a ring": "any",
		}},
		{"asking", func(p *Policy) { p.Connect = true }, map[string]string{
			"inet socket": "", "connect": "", "look up": "", "datagram": "",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			job := newTask(t, late, other)
			tt.adjust(&job.Policy)
			o := perform(t, job)
			if o.Applied.Landlock < 1 || !o.Applied.Seccomp {
				t.Fatalf("in force: %+v", o.Applied)
			}
			for name, want := range expected {
				if w, ok := tt.differ[name]; ok {
					want = w
				}
				got, tried := o.Tried[name]
				switch {
				case !tried:
					t.Errorf("%s: was not tried", name)
				case want == "any":
				case want == "" && got != "", want != "" && !strings.Contains(got, want):
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			for name := range o.Tried {
				if _, ok := expected[name]; !ok {
					t.Errorf("%s: nothing is expected of it", name)
				}
			}
		})
	}
}

// needsKernel skips where the kernel cannot confine.
func needsKernel(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile("/sys/kernel/security/lsm")
	if err == nil && !strings.Contains(string(b), "landlock") {
		t.Skip("needs a kernel with Landlock enabled")
	}
	if _, err := os.Stat("/proc/sys/kernel/seccomp/actions_avail"); err != nil {
		t.Skip("needs a kernel with seccomp filters")
	}
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

func newTask(t *testing.T, late, other uint16) *task {
	t.Helper()
	captured, err := filepath.Abs(demo)
	if err != nil {
		t.Fatal(err)
	}
	read, write, outside := t.TempDir(), t.TempDir(), t.TempDir()
	for _, path := range []string{filepath.Join(read, "file"), filepath.Join(outside, "file")} {
		if err := os.WriteFile(path, []byte("first"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	at := func(port uint16) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))) }
	return &task{
		Policy:  Policy{Read: []string{read, captured}, Write: []string{write}},
		Outside: outside, Peer: l.Addr().String(), Late: at(late), Other: at(other),
	}
}

// child runs the test binary with a task.
func child(t *testing.T, job *task) *exec.Cmd {
	t.Helper()
	word, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), taskVariable+"="+string(word))
	return cmd
}

// perform runs a task, and does its part of it.
func perform(t *testing.T, job *task) (o outcome) {
	t.Helper()
	cmd := child(t, job)
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := &strings.Builder{}
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		assist(t, job, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := json.Unmarshal([]byte(out.String()), &o); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	return o
}

// assist does what the program asks its surroundings for.
func assist(t *testing.T, job *task, line string) {
	t.Helper()
	switch address, found := strings.CutPrefix(line, "listening on "); {
	case found:
		res, err := http.Get("http://" + address + "/")
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		if b, _ := io.ReadAll(res.Body); string(b) != "hello" {
			t.Errorf("got %q from the program", b)
		}
	case line == "replace":
		path := filepath.Join(job.Policy.Read[0], "file")
		if err := os.WriteFile(path+".new", []byte("replaced"), 0o644); err != nil {
			t.Error(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Error(err)
		}
	default:
		t.Log(line)
	}
}

// What nobody does by mistake ends the process at once.
func TestDeadly(t *testing.T) {
	needsKernel(t)
	for _, name := range []string{"ptrace", "mount", "unshare", "setns", "chroot", "process_vm_readv", "init_module", "perf_event_open", "open_by_handle_at", "setresuid", "reboot", "keyctl"} {
		job := newTask(t, 1, 1)
		job.Deadly = name
		cmd := child(t, job)
		out, _ := cmd.CombinedOutput()
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !ok || !status.Signaled() || status.Signal() != syscall.SIGSYS {
			t.Errorf("%s: got %v (%s), want the signal SIGSYS", name, cmd.ProcessState, out)
		}
	}
}

// A word that the library does not know would be left out without a sound.
func TestCallNames(t *testing.T) {
	known, err := arch.GetInfo("x86_64")
	if err != nil {
		t.Fatal(err)
	}
	unknownYet := []string{"map_shadow_stack", "cachestat", "mseal"} // newer than the library's table
	seen := map[string]bool{}
	for _, list := range [][]string{everyday, newer, deadly} {
		for _, name := range list {
			if _, ok := known.SyscallNames[name]; !ok && !slices.Contains(unknownYet, name) {
				t.Errorf("%s: no such system call", name)
			}
			if seen[name] {
				t.Errorf("%s: in two lists", name)
			}
			seen[name] = true
		}
	}
	for _, c := range conditions(Policy{Listen: []uint16{1}, Connect: true}, 1) {
		if _, ok := known.SyscallNames[c.Name]; !ok || seen[c.Name] {
			t.Errorf("%s: no such system call, or allowed whatever its arguments", c.Name)
		}
	}
	// That of everybody's memory, processes and sockets nothing is in the list.
	for _, name := range []string{"execve", "execveat", "fork", "vfork", "clone", "clone3", "socket", "connect", "bind", "bpf", "kill", "mmap", "mprotect", "setsockopt", "link", "symlink", "mknod", "chmod", "chown", "setxattr"} {
		if slices.Contains(everyday, name) {
			t.Errorf("%s: always allowed", name)
		}
	}
}

func TestAround(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path   string
		want, pinned []string
	}{
		{"file", file, []string{file, dir}, nil},
		{"directory", dir, []string{dir}, nil},
		{"among others", "/etc/hostname", []string{"/etc/hostname"}, []string{"/etc/hostname"}},
		{"not there yet", filepath.Join(dir, "later"), []string{filepath.Join(dir, "later"), dir}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var a Applied
			if got := around(tt.path, &a); !slices.Equal(got, tt.want) || !slices.Equal(a.Pinned, tt.pinned) {
				t.Errorf("got %q, pinned %q, want %q, %q", got, a.Pinned, tt.want, tt.pinned)
			}
		})
	}
}
