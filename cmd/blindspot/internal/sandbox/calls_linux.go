package sandbox

// The lists of system calls. A name that an architecture lacks is left out.

// everyday is what the Go runtime, the C library, SQLite, reading rings and
// serving HTTP make, whatever their arguments. Those of every second come first.
var everyday = []string{
	// descriptors that are open
	"read", "write", "poll", "ppoll", "futex", "epoll_pwait", "epoll_wait", "recvmsg", "sendmsg", "recvfrom", "sendto", "accept4",
	"pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "lseek", "close", "dup", "dup3",
	"epoll_create1", "epoll_ctl", "eventfd2", "pipe2", "select", "pselect6", "timerfd_create", "timerfd_settime",
	"getsockopt", "getsockname", "getpeername", "shutdown", "recvmmsg", "sendfile", "splice", "copy_file_range",
	// files, as far as Landlock allows
	"open", "openat", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
	"readlink", "readlinkat", "getdents64", "getcwd", "fsync", "fdatasync", "sync_file_range", "ftruncate", "truncate", "fallocate", "fadvise64",
	"fchmod", "fchown", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "utimensat", "flock", "fcntl", "umask",
	// memory
	"munmap", "mremap", "madvise", "mincore", "brk", "msync", "membarrier",
	// time
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "timer_create", "timer_settime", "timer_gettime", "timer_delete", "setitimer", "getitimer",
	// threads and signals
	"sched_yield", "sched_getaffinity", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "restart_syscall",
	"set_robust_list", "get_robust_list", "rseq", "set_tid_address", "exit", "exit_group", "gettid",
	// about itself
	"getpid", "getppid", "getpgrp", "getuid", "geteuid", "getgid", "getegid", "getgroups", "capget", "uname", "sysinfo", "getrusage", "times", "getrlimit", "getcpu", "getrandom", "arch_prctl",
}

// newer are calls for which the C library and Go know an older one, or whose
// arguments lie in memory where a filter cannot look. They are answered as if
// the kernel did not know them.
var newer = []string{
	"clone3", "openat2", "faccessat2", "fchmodat2", "close_range", "epoll_pwait2", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "pidfd_open", "pidfd_send_signal", "process_madvise", "memfd_create", "map_shadow_stack", "cachestat", "mseal",
}

// deadly is what this program never makes and what takes a machine over: the
// process ends.
var deadly = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd",
	"mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "pivot_root", "chroot",
	"setns", "unshare", "init_module", "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
	"perf_event_open", "userfaultfd", "add_key", "request_key", "keyctl", "open_by_handle_at", "name_to_handle_at", "iopl", "ioperm", "modify_ldt", "acct",
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
	"clock_settime", "settimeofday", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "syslog", "vhangup", "personality",
}
