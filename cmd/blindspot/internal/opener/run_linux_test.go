package opener

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func is(err, target error) bool { return errors.Is(err, target) }

const (
	nobody   = 65534
	nothing  = "0000000000000000"
	patience = 20 * time.Second

	effective = 1 // flag of a file's capabilities
)

// command runs the test binary as a program.
func command(t *testing.T, scenario string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(self, "live", "--interface", "lo")
	cmd.Args[0] = "blindspot"
	cmd.Env = append(os.Environ(), scenarioVariable+"="+scenario)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// needs skips where a capability is missing.
func needs(t *testing.T, name string, c capabilities) {
	t.Helper()
	effective, _, err := capget()
	if err != nil {
		t.Fatal(err)
	}
	if !effective.has(c) {
		t.Skip("needs " + name)
	}
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	needs(t, "CAP_NET_RAW, CAP_BPF, CAP_SETUID, CAP_SETGID, CAP_SETPCAP", capNetRaw|capKernel|capSetUID|capSetGID|capSetPCap)
}

func run(t *testing.T, cmd *exec.Cmd) (s seen, code int) {
	t.Helper()
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		t.Errorf("the reader said %q: %v", out, err)
	}
	return s, cmd.ProcessState.ExitCode()
}

// What each process has left, however the program was started. The capabilities
// are what /proc says, so they are the kernel's own words.
func TestPrivileges(t *testing.T) {
	needsRoot(t)
	all := hex(capNetRaw | capKernel)
	owned := t.TempDir()
	if err := os.Chown(owned, 4321, 1234); err != nil {
		t.Fatal(err)
	}
	plain, capable := copies(t, effective)
	_, latent := copies(t, 0)
	as := func(uid uint32, ambient ...uintptr) *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}, AmbientCaps: ambient}
	}
	tests := []struct {
		name     string
		path     string
		env      []string
		sys      *syscall.SysProcAttr
		uid, gid int
		bounded  bool // CAP_SETPCAP empties the bounding set
		bounding string
		opener   string
	}{
		{"root", plain, nil, nil, 0, 0, true, nothing, all},
		{"root for a user", plain, []string{"TEST_USER=nobody"}, nil, nobody, nobody, true, nothing, all},
		{"root for numbers", plain, []string{"TEST_USER=4000:4001"}, nil, 4000, 4001, true, nothing, all},
		{"root for the owner", plain, []string{"TEST_OWNED=" + filepath.Join(owned, "new.db")}, nil, 4321, 1234, true, nothing, all},
		{"ambient, as systemd gives them", plain, nil, as(nobody, unix.CAP_NET_RAW, unix.CAP_BPF), nobody, nobody, false, "", all},
		{"ambient, without cut-off", plain, nil, as(nobody, unix.CAP_NET_RAW), nobody, nobody, false, "", hex(capNetRaw)},
		{"of the file", capable, nil, as(nobody), nobody, nobody, false, "", all},
		{"of the file, not effective", latent, nil, as(nobody), nobody, nobody, false, "", all},
		{"of the file, in a container without one", latent, nil, as(nobody), nobody, nobody, false, hex(capNetRaw), hex(capNetRaw)},
		{"root, and of the file", capable, []string{"TEST_USER=nobody"}, nil, nobody, nobody, true, all, all},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := command(t, "look", append(tt.env, "NOTIFY_SOCKET=@nobody-listens", "WATCHDOG_USEC=3000000")...)
			cmd.Path, cmd.SysProcAttr = tt.path, tt.sys
			start := func() (seen, int) { return run(t, cmd) }
			if tt.bounding == hex(capNetRaw) {
				start = func() (seen, int) { return within(t, capNetRaw, cmd) }
			}
			s, code := start()
			if code != 3 {
				t.Errorf("exit code: got %d, want the reader's 3", code)
			}
			for _, set := range []string{"CapEff", "CapPrm", "CapInh", "CapAmb"} {
				if got := s.Reader[set]; got != nothing {
					t.Errorf("reader: %s: got %s, want none", set, got)
				}
			}
			if got := s.Reader["CapBnd"]; tt.bounded && got != tt.bounding {
				t.Errorf("reader: CapBnd: got %s, want %s", got, tt.bounding)
			}
			if s.Reader["NoNewPrivs"] != "1" || s.Opener["NoNewPrivs"] != "1" {
				t.Errorf("NoNewPrivs: got reader %s, opener %s, want 1", s.Reader["NoNewPrivs"], s.Opener["NoNewPrivs"])
			}
			if got := s.Opener["CapPrm"]; got != tt.opener {
				t.Errorf("opener: CapPrm: got %s, want %s", got, tt.opener)
			}
			if got := s.Opener["CapBnd"]; tt.bounded && got != tt.opener {
				t.Errorf("opener: CapBnd: got %s, want %s", got, tt.opener)
			}
			uid := strings.Repeat(strconv.Itoa(tt.uid)+"\t", 4)
			gid := strings.Repeat(strconv.Itoa(tt.gid)+"\t", 4)
			for who, m := range map[string]map[string]string{"reader": s.Reader, "opener": s.Opener} {
				if got := m["Uid"] + "\t"; got != uid {
					t.Errorf("%s: Uid: got %q, want %q", who, got, uid)
				}
				if got := m["Gid"] + "\t"; got != gid {
					t.Errorf("%s: Gid: got %q, want %q", who, got, gid)
				}
			}
			if s.CanOpen || s.CanSetUID {
				t.Errorf("the reader can open packet sockets: %v, change its user: %v", s.CanOpen, s.CanSetUID)
			}
			checkService(t, s)
		})
	}
}

// within runs a command with a bounding set.
func within(t *testing.T, c capabilities, cmd *exec.Cmd) (s seen, code int) {
	t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // for ever: the set belongs to the thread
		if err := bound(c); err != nil {
			t.Error(err)
			return
		}
		s, code = run(t, cmd)
	}()
	<-done
	return s, code
}

// checkService checks what the opener did for the reader.
func checkService(t *testing.T, s seen) {
	t.Helper()
	if s.Socket != "*unix.SockaddrLinklayer *unix.SockaddrLinklayer " || s.Info != "01" {
		t.Errorf("sockets: got %q with %q", s.Socket, s.Info)
	}
	if s.Watchdog != 3*time.Second {
		t.Errorf("watchdog: got %v, want 3s", s.Watchdog)
	}
	if len(s.Variables) > 0 {
		t.Errorf("the reader has the variables %v", s.Variables)
	}
	if want := []string{"blindspot", "live", "--interface", "lo"}; strings.Join(s.Args, " ") != strings.Join(want, " ") {
		t.Errorf("arguments: got %q, want %q", s.Args, want)
	}
	if s.Reader["Name"] != readerName || s.Opener["Name"] != openerName {
		t.Errorf("names: got %q and %q", s.Reader["Name"], s.Opener["Name"])
	}
	if got := s.Reader["SigIgn"]; got == "" || got[len(got)-1] != '1' { // it has no handler yet
		t.Errorf("a SIGHUP would end the reader before it takes it: SigIgn %s", got)
	}
	if !s.IsRefused || !s.Down {
		t.Errorf("errors lose what they are: refused %v, down %v", s.IsRefused, s.Down)
	}
	for i, want := range []string{`interface "eth0"`, "worker 2 of interface lo", "worker -1 of interface lo", "down0: the interface is down — ip link set down0 up"} {
		if !strings.Contains(s.Errors[i], want) {
			t.Errorf("error: got %q, want it to say %q", s.Errors[i], want)
		}
	}
}

func hex(c capabilities) string {
	s := strconv.FormatUint(uint64(c), 16)
	return nothing[len(s):] + s
}

// copies are the test binary where anybody can execute it, once without and
// once with file capabilities, as setcap cap_net_raw,cap_bpf+p sets them, and with
// the flag effective +ep.
func copies(t *testing.T, flags uint32) (plain, capable string) {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	plain, capable = filepath.Join(dir, "plain"), filepath.Join(dir, "capable")
	for _, path := range []string{plain, capable} {
		if err := os.WriteFile(path, b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const revision2 = 0x02000000
	c := capNetRaw | capKernel
	var cap []byte
	for _, v := range []uint32{revision2 | flags, uint32(c), 0, uint32(c >> 32), 0} {
		cap = append(cap, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	if err := unix.Setxattr(capable, "security.capability", cap, 0); err != nil {
		t.Skipf("file capabilities: %v", err)
	}
	if got := parseFile(cap); got != c {
		t.Errorf("capabilities of the file: got %x, want %x", got, c)
	}
	return plain, capable
}

func TestNoPrivilege(t *testing.T) {
	needsRoot(t)
	plain, _ := copies(t, 0)
	cmd := command(t, "look")
	cmd.Path, cmd.Stderr = plain, nil
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("it went on")
	}
	for _, want := range []string{"CAP_NET_RAW", "CAP_BPF", "sudo setcap cap_net_raw,cap_bpf+ep " + plain, "systemd unit", "sudo"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("got %q, want it to say %q", out, want)
		}
	}
}

// What a user may not say in the environment.
func TestForeignVariables(t *testing.T) {
	for _, v := range []string{readerVariable + "=x", readerVariable + "=0", readerVariable + "=7", openerVariable + "=", openerVariable + "=3:1", openerVariable + "=99:4000"} {
		cmd := command(t, "look", v)
		cmd.Stderr = nil
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "unset it") {
			t.Errorf("%s: got %q, %v", v, out, err)
		}
	}
}

func TestSignals(t *testing.T) {
	needsRoot(t)
	cmd := command(t, "signals")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(out)
	next := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("got %q, want %q", lines.Text(), want)
		}
	}
	next("ready")
	if got := status(strconv.Itoa(cmd.Process.Pid))["SigIgn"]; got[len(got)-1] != '0' { // bit 0 is SIGHUP
		t.Errorf("the opener ignores SIGHUP: %s", got)
	}
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM} {
		if s == syscall.SIGTERM {
			time.Sleep(onePress) // before, it counts as one with SIGINT
		}
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if s == syscall.SIGINT { // once more, as timeout(1) does: it comes once
			_ = cmd.Process.Signal(s)
		}
		next(s.String())
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 42 {
		t.Errorf("exit code: got %d, want the reader's 42", got)
	}
}

// An opener that is killed takes its reader along, which still gets to end in
// order, unless it hangs.
func TestOpenerKilled(t *testing.T) {
	needsRoot(t)
	tests := []struct {
		name, scenario, left string
		within               time.Duration
	}{
		{"in order", "orphan", "ended", grace / 2},
		{"hanging", "hang", "", 2 * grace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.scenario == "hang" && testing.Short() {
				t.Skip("takes 10 seconds: left out with -short")
			}
			file := filepath.Join(t.TempDir(), "left")
			cmd := command(t, tt.scenario, "TEST_OWNED="+file, "TEST_USER=root")
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			if !lines.Scan() {
				t.Fatal("the reader did not begin")
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			// The pipe ends when the last process has.
			late := time.AfterFunc(tt.within, func() {
				t.Error("the reader is still there")
				out.Close()
			})
			for lines.Scan() {
			}
			late.Stop()
			_ = cmd.Wait()
			if b, _ := os.ReadFile(file); string(b) != tt.left {
				t.Errorf("the reader left %q, want %q", b, tt.left)
			}
		})
	}
}

func TestReaderCrashes(t *testing.T) {
	needsRoot(t)
	cmd := command(t, "crash")
	cmd.Stderr = nil
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "process that reads packets") && !strings.Contains(string(out), "SIGSEGV") {
		t.Errorf("got %q, %v", out, err)
	}
}

// The service manager hears the opener, whose process it started, and nothing
// that the reader should not say.
func TestNotify(t *testing.T) {
	needsRoot(t)
	address := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	raw, err := manager.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "notify", "NOTIFY_SOCKET="+address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got []string
	buf, oob := make([]byte, 4096), make([]byte, 256)
	for len(got) < 4 {
		_ = manager.SetReadDeadline(time.Now().Add(patience))
		n, oobn, _, _, err := manager.ReadMsgUnix(buf, oob)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(buf[:n]))
		if pid := sender(t, oob[:oobn]); pid != cmd.Process.Pid {
			t.Errorf("sent by process %d, want the main process, %d", pid, cmd.Process.Pid)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	want := []string{"READY=1\nSTATUS=12 packets MAINPID=1", "RELOADING=1\nMONOTONIC_USEC=", "WATCHDOG=1", "STOPPING=1"}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("message %d: got %q, want %q", i, got[i], want[i])
		}
	}
}

func sender(t *testing.T, oob []byte) int {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		t.Fatalf("control messages: %v, %v", messages, err)
	}
	c, err := unix.ParseUnixCredentials(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	return int(c.Pid)
}
