package sandbox

import (
	"fmt"
	"os"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// Actions of the filter. What is in no list is refused.
const (
	refuse  = seccomp.ActionErrno                               // as EPERM
	unknown = seccomp.ActionErrno | seccomp.Action(unix.ENOSYS) // makes the C library take the older call
	kill    = seccomp.ActionKillProcess
	allow   = seccomp.ActionAllow
)

// confineCalls applies seccomp.
func confineCalls(p Policy, a *Applied) error {
	if !seccomp.Supported() {
		a.Missing = append(a.Missing, "this kernel has no seccomp filters: system calls are not confined")
		return nil
	}
	known, err := arch.GetInfo("")
	if err != nil {
		a.Missing = append(a.Missing, "seccomp: "+err.Error()+": system calls are not confined")
		return nil
	}
	filter := seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy:     seccomp.Policy{DefaultAction: refuse, Syscalls: calls(p, os.Getpid(), known)},
	}
	if err := seccomp.LoadFilter(filter); err != nil {
		if unsupported(err) {
			a.Missing = append(a.Missing, fmt.Sprintf("system calls are not confined: %v", err))
			return nil
		}
		return err
	}
	a.Seccomp = true
	return nil
}

// calls are the lists, in the order in which they are looked through.
func calls(p Policy, pid int, known *arch.Info) []seccomp.SyscallGroup {
	names := append(present(known, everyday...), connections(p)...)
	return []seccomp.SyscallGroup{
		{Action: allow, Names: names, NamesWithCondtions: conditions(p, pid)},
		{Action: unknown, Names: present(known, newer...)},
		{Action: kill, Names: present(known, deadly...)},
	}
}

// present are the names that this architecture has.
func present(known *arch.Info, names ...string) (list []string) {
	for _, n := range names {
		if _, ok := known.SyscallNames[n]; ok {
			list = append(list, n)
		}
	}
	return list
}
