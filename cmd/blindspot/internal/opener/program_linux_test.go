package opener

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"blindspot/capture/ring"

	"golang.org/x/sys/unix"
)

// scenarioVariable makes the test binary a program that calls Run, as live does.
const scenarioVariable = "BLINDSPOT_TEST_OPENER"

func TestMain(m *testing.M) {
	if s := os.Getenv(scenarioVariable); s != "" {
		code, err := program(s)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 2
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// program is what the reader's and the opener's process do.
func program(scenario string) (int, error) {
	c, err := Inherited()
	if err != nil {
		return 0, err
	}
	if c != nil {
		return reader(c, scenario)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return Run(ctx, Config{
		Interfaces: []string{"lo", "down0"}, Workers: 2, Kernel: true,
		User: os.Getenv("TEST_USER"), Owned: os.Getenv("TEST_OWNED"),
		Make: makeSocket,
	})
}

// makeSocket makes a packet socket, for which the kernel wants CAP_NET_RAW.
func makeSocket(iface string, worker int) (Made, error) {
	if iface == "down0" {
		return Made{}, &ring.Error{Interface: iface, Hint: "ip link set down0 up", Err: ring.ErrDown}
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Made{}, err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: 1}); err != nil {
		return Made{}, err
	}
	info, err := json.Marshal(worker)
	return Made{Files: []*os.File{os.NewFile(uintptr(fd), "socket")}, Info: info}, err
}

// seen is what the reader tells the test.
type seen struct {
	Reader, Opener  map[string]string // of /proc/PID/status
	PID, Parent     int
	Args            []string
	Socket          string
	Info            string
	Errors          []string
	Down, IsRefused bool
	Watchdog        time.Duration
	CanOpen         bool // packet sockets itself
	CanSetUID       bool
	Variables       []string // of the service manager
}

func reader(c *Client, scenario string) (int, error) {
	switch scenario {
	case "look":
		return 3, look(c)
	case "signals":
		return signals()
	case "orphan":
		fmt.Println(os.Getpid())
		<-c.Done()
		return 0, os.WriteFile(os.Getenv("TEST_OWNED"), []byte("ended"), 0o600)
	case "hang":
		fmt.Println("ready")
		select {}
	case "crash":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		time.Sleep(time.Minute)
	case "notify":
		return 0, tellAll(c)
	}
	return 0, fmt.Errorf("no such scenario: %s", scenario)
}

// look finds out what the reader can do, and what it gets.
func look(c *Client) error {
	s := seen{PID: os.Getpid(), Parent: os.Getppid(), Args: os.Args, Watchdog: c.Watchdog()}
	s.Reader, s.Opener = status("self"), status(fmt.Sprint(s.Parent))
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", readerVariable, openerVariable} {
		if _, ok := os.LookupEnv(name); ok {
			s.Variables = append(s.Variables, name)
		}
	}
	for worker := range 2 {
		made, err := c.Ring("lo", worker)
		if err != nil {
			return err
		}
		address, err := unix.Getsockname(int(made.Files[0].Fd()))
		if err != nil {
			return err
		}
		s.Socket += fmt.Sprintf("%T ", address)
		s.Info += string(made.Info)
		made.Close()
	}
	for _, r := range []struct {
		iface  string
		worker int
	}{{"eth0", 0}, {"lo", 2}, {"lo", -1}, {"down0", 0}} {
		_, err := c.Ring(r.iface, r.worker)
		s.Errors = append(s.Errors, fmt.Sprint(err))
		s.IsRefused = s.IsRefused || is(err, ErrRefused)
		s.Down = is(err, ring.ErrDown)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if s.CanOpen = err == nil; s.CanOpen {
		unix.Close(fd)
	}
	runtime.LockOSThread()
	_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 12345, 12345, 12345)
	s.CanSetUID = errno == 0
	return json.NewEncoder(os.Stdout).Encode(s)
}

// status reads /proc/PID/status.
func status(pid string) map[string]string {
	b, _ := os.ReadFile("/proc/" + pid + "/status")
	m := map[string]string{}
	for line := range strings.SplitSeq(string(b), "\n") {
		name, value, _ := strings.Cut(line, ":")
		m[name] = strings.TrimSpace(value)
	}
	return m
}

// signals tells which signals come, and ends with the second SIGTERM.
func signals() (int, error) {
	in := make(chan os.Signal, 8)
	signal.Notify(in, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1)
	fmt.Println("ready")
	for s := range in {
		fmt.Println(s)
		if s == syscall.SIGTERM {
			return 42, nil
		}
	}
	return 0, nil
}

func tellAll(c *Client) error {
	for _, s := range [][]string{{Ready, Status("12 packets\nMAINPID=1")}, {Reloading()}, {Alive}, {Stopping}} {
		if err := c.Notify(s...); err != nil {
			return err
		}
	}
	for _, hostile := range []string{"MAINPID=1", "FDSTORE=1", "READY=1\nMAINPID=1", "READY=0", "WATCHDOG=trigger", "EXTEND_TIMEOUT_USEC=1000000000"} {
		if err := c.Notify(hostile); !is(err, ErrRefused) {
			return fmt.Errorf("%q: got %v, want a refusal", hostile, err)
		}
	}
	return nil
}
