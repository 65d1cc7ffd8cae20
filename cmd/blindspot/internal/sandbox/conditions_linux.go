package sandbox

import (
	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// Commands of bpf(2) on a map by its descriptor, and the question what a
// descriptor is. To load programs and make maps is the opener's.
var mapCommands = []uint64{
	unix.BPF_MAP_LOOKUP_ELEM, unix.BPF_MAP_UPDATE_ELEM, unix.BPF_MAP_DELETE_ELEM, unix.BPF_MAP_GET_NEXT_KEY,
	unix.BPF_MAP_LOOKUP_AND_DELETE_ELEM, unix.BPF_MAP_LOOKUP_BATCH, unix.BPF_MAP_LOOKUP_AND_DELETE_BATCH,
	unix.BPF_MAP_UPDATE_BATCH, unix.BPF_MAP_DELETE_BATCH, unix.BPF_OBJ_GET_INFO_BY_FD,
}

// prSetVMA names memory (prctl(2)); the Go runtime does.
const prSetVMA = 0x53564d41

// namespaces are the flags of clone(2) that begin one.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// conditions are the calls that depend on their arguments.
func conditions(p Policy, pid int) []seccomp.NameWithConditions {
	is := func(arg uint32, v uint64) seccomp.Condition {
		return seccomp.Condition{Argument: arg, Operation: seccomp.Equal, Value: v}
	}
	without := func(arg uint32, bits uint64) seccomp.Condition {
		return seccomp.Condition{Argument: arg, Operation: seccomp.BitsNotSet, Value: bits}
	}
	list := []seccomp.NameWithConditions{
		// Memory never becomes code.
		when("mmap", without(2, unix.PROT_EXEC)),
		when("mprotect", without(2, unix.PROT_EXEC)),
		// Threads, and no processes.
		when("clone", seccomp.Condition{Argument: 0, Operation: seccomp.BitsSet, Value: unix.CLONE_THREAD}, without(0, namespaces)),
		// Signals to itself.
		when("kill", is(0, uint64(pid))),
		when("tgkill", is(0, uint64(pid))),
		when("tkill", is(0, uint64(pid))),
		// Limits are read.
		when("prlimit64", is(0, 0), is(2, 0)),
		when("prlimit64", is(0, uint64(pid)), is(2, 0)),
	}
	list = append(list, anyOf("ioctl", 1, unix.TCGETS, unix.TIOCGWINSZ, unix.TIOCGPGRP, unix.SIOCGIFNAME, unix.SIOCGIFFLAGS)...)
	list = append(list, anyOf("prctl", 0, prSetVMA, unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_PDEATHSIG, unix.PR_GET_NO_NEW_PRIVS, unix.PR_CAPBSET_READ)...)
	list = append(list, anyOf("bpf", 0, mapCommands...)...)
	list = append(list, options()...)
	return append(list, sockets(p)...)
}

// options are those of connections. Those of packet sockets are the opener's:
// without them the reader cannot take off a ring's filter, or make another
// interface promiscuous.
func options() (list []seccomp.NameWithConditions) {
	list = anyOf("setsockopt", 1, unix.IPPROTO_TCP, unix.IPPROTO_IPV6)
	for _, name := range []uint64{unix.SO_KEEPALIVE, unix.SO_REUSEADDR, unix.SO_BROADCAST, unix.SO_LINGER} {
		list = append(list, when("setsockopt",
			seccomp.Condition{Argument: 1, Operation: seccomp.Equal, Value: unix.SOL_SOCKET},
			seccomp.Condition{Argument: 2, Operation: seccomp.Equal, Value: name}))
	}
	return list
}

// sockets are those that may be made, where the policy wants some. Multipath TCP
// is left out: Landlock does not confine its ports.
func sockets(p Policy) (list []seccomp.NameWithConditions) {
	if !p.Connect && len(p.Listen) == 0 {
		return nil
	}
	for _, family := range []uint64{unix.AF_INET, unix.AF_INET6} {
		for _, protocol := range []uint64{0, unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			list = append(list, when("socket",
				seccomp.Condition{Argument: 0, Operation: seccomp.Equal, Value: family},
				seccomp.Condition{Argument: 2, Operation: seccomp.Equal, Value: protocol}))
		}
	}
	return list
}

// connections are the calls that the sockets are for, whatever their arguments.
func connections(p Policy) (names []string) {
	if p.Connect {
		names = append(names, "connect")
	}
	if len(p.Listen) > 0 {
		names = append(names, "bind", "listen")
	}
	return names
}

// when allows a call where all conditions are met. Given again, the same call
// is allowed in either case.
func when(name string, c ...seccomp.Condition) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{Name: name, Conditions: c}
}

// anyOf allows a call where an argument is one of values.
func anyOf(name string, arg uint32, values ...uint64) (list []seccomp.NameWithConditions) {
	for _, v := range values {
		list = append(list, when(name, seccomp.Condition{Argument: arg, Operation: seccomp.Equal, Value: v}))
	}
	return list
}
