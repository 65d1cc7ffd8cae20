package ring_test

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inNamespace moves the test into a network namespace of its own, with a sysfs
// that shows it. The test's goroutine stays on one thread, which ends with it;
// so it must not start subtests.
func inNamespace(t testing.TB) {
	t.Helper()
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS)
	if errors.Is(err, unix.EPERM) {
		t.Skip("this needs CAP_SYS_ADMIN, to make a network namespace")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		t.Logf("without /sys of the namespace: %v", err)
	}
	for _, file := range []string{"all", "default"} { // no packets but ours
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+file+"/disable_ipv6", []byte("1"), 0)
	}
}

// run runs a command in the namespace.
func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip("not installed: ", name)
	}
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

// pair makes the interfaces tx0 and rx0, each of which receives what the other
// sends.
func pair(t testing.TB) {
	t.Helper()
	inNamespace(t)
	run(t, "ip", "link", "add", "tx0", "type", "veth", "peer", "name", "rx0")
	for _, name := range []string{"tx0", "rx0"} {
		run(t, "ip", "link", "set", name, "mtu", "65535", "arp", "off", "up")
	}
	running(t, "tx0")
}

// running waits until an interface sends: the kernel sees to that in its own
// time, and drops what is sent before.
func running(t testing.TB, name string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ifr, _ := unix.NewIfreq(name)
	for range 500 {
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		if ifr.Uint16()&unix.IFF_RUNNING != 0 {
			return
		}
	}
	t.Fatalf("%s has no carrier", name)
}

// sender sends frames from an interface.
type sender struct {
	fd   int
	addr unix.SockaddrLinklayer
}

func newSender(t testing.TB, name string) *sender {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
		t.Fatal(err)
	}
	return &sender{fd: fd, addr: unix.SockaddrLinklayer{Ifindex: int(ifr.Uint32())}}
}

func (s *sender) send(t testing.TB, frame []byte) {
	t.Helper()
	for {
		err := unix.Sendto(s.fd, frame, 0, &s.addr)
		if errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			t.Fatalf("send %d bytes: %v", len(frame), err)
		}
		return
	}
}
