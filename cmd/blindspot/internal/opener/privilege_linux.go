package opener

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// capabilities is a set of Linux capabilities (capabilities(7)).
type capabilities uint64

const (
	capNetRaw  capabilities = 1 << unix.CAP_NET_RAW
	capSetUID  capabilities = 1 << unix.CAP_SETUID
	capSetGID  capabilities = 1 << unix.CAP_SETGID
	capSetPCap capabilities = 1 << unix.CAP_SETPCAP
	capBPF     capabilities = 1 << unix.CAP_BPF
)

// capKernel is for programs in the kernel.
const capKernel = capBPF

func (c capabilities) has(all capabilities) bool { return c&all == all }

// permitted are the capabilities that the calling thread has or can raise.
func permitted() (capabilities, error) {
	_, p, err := capget()
	return p, err
}

func capget() (effective, permitted capabilities, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, 0, fmt.Errorf("read capabilities: %w", err)
	}
	join := func(low, high uint32) capabilities { return capabilities(low) | capabilities(high)<<32 }
	return join(data[0].Effective, data[1].Effective), join(data[0].Permitted, data[1].Permitted), nil
}

// capset gives the calling thread all of c, and leaves c to what it executes.
func capset(c capabilities) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for i := range data {
		word := uint32(c >> (32 * i))
		data[i] = unix.CapUserData{Effective: word, Permitted: word, Inheritable: word}
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("set capabilities: %w", err)
	}
	return nil
}

// become leaves the calling thread with the capabilities in keep, as user, and
// without a way to more; so will be what it executes. The thread must be
// locked to its goroutine and do nothing else afterwards.
func become(user User, keep capabilities) error {
	have, err := permitted()
	if err != nil {
		return err
	}
	if err := capset(have); err != nil { // file capabilities may not be effective
		return err
	}
	if have.has(capSetPCap) {
		if err := bound(keep | ofFile()); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("keep capabilities: %w", err)
	}
	if err := user.become(have); err != nil {
		return err
	}
	if err := capset(keep & have); err != nil {
		return err
	}
	if err := leave(keep & have); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	return nil
}

// bound empties the bounding set but for keep.
func bound(keep capabilities) error {
	for c := range 64 {
		if keep.has(1 << c) {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			return nil // the kernel knows no more
		}
		if err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	return nil
}

// leave makes keep, and nothing else, ambient: what survives execve of a file
// without capabilities.
func leave(keep capabilities) error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	for c := range 64 {
		if !keep.has(1 << c) {
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0); err != nil {
			return fmt.Errorf("pass capability %d on: %w", c, err)
		}
	}
	return nil
}

// become makes the calling thread alone run as u: the functions of package
// syscall change every thread.
func (u User) become(have capabilities) error {
	if u.UID == os.Geteuid() && u.GID == os.Getegid() {
		return nil
	}
	if !have.has(capSetUID | capSetGID) {
		return fmt.Errorf("run as %s: this needs root (CAP_SETUID and CAP_SETGID)", u.Name)
	}
	groups := make([]uint32, len(u.Groups))
	for i, g := range u.Groups {
		groups[i] = uint32(g)
	}
	var first unsafe.Pointer
	if len(groups) > 0 {
		first = unsafe.Pointer(&groups[0])
	}
	uid, gid := uintptr(u.UID), uintptr(u.GID)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(first), 0); errno != 0 {
		return fmt.Errorf("run as %s: groups: %w", u.Name, errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, gid, gid, gid); errno != 0 {
		return fmt.Errorf("run as %s: group %d: %w", u.Name, u.GID, errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
		return fmt.Errorf("run as %s: user %d: %w", u.Name, u.UID, errno)
	}
	return nil
}

// ofFile are the capabilities of this program's file. Where they are effective
// and one of them is not in the bounding set, the kernel refuses to execute it.
func ofFile() capabilities {
	var b [24]byte
	n, err := unix.Getxattr(self, "security.capability", b[:])
	if err != nil {
		return 0
	}
	return parseFile(b[:n])
}

// parseFile reads struct vfs_cap_data, revisions 2 and 3 (linux/capability.h).
func parseFile(b []byte) capabilities {
	if len(b) < 20 {
		return 0
	}
	return capabilities(binary.LittleEndian.Uint32(b[4:])) | capabilities(binary.LittleEndian.Uint32(b[12:]))<<32
}

// mustBePowerless refuses to read packets with privileges.
func mustBePowerless() error {
	effective, permitted, err := capget()
	if err != nil {
		return err
	}
	nnp, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("read no_new_privs: %w", err)
	}
	if effective|permitted != 0 || nnp != 1 {
		return fmt.Errorf("%s is set by blindspot itself, for a process without privileges, and this one has some: unset it", readerVariable)
	}
	return nil
}
