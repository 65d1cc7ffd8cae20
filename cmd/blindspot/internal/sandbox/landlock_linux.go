package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// Rights (https://docs.kernel.org/userspace-api/landlock.html). Executing a
// file is in none of them.
const (
	readFile landlock.AccessFSSet = ll.AccessFSReadFile
	readDir  landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
	writeDir landlock.AccessFSSet = readDir | ll.AccessFSWriteFile | ll.AccessFSTruncate |
		ll.AccessFSMakeReg | ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSRemoveDir
	writeNull landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSWriteFile
)

// Interface versions from which Landlock confines TCP, and UDP.
const (
	abiTCP = 4
	abiUDP = 10
)

// always is what the Go runtime, the standard library and the counters of
// packet reading read at any time. None of it is secret.
var always = []string{
	"/proc/" + strconv.Itoa(os.Getpid()), "/proc/stat", "/proc/meminfo", "/proc/sys/vm/overcommit_memory",
	"/sys/class/net", "/sys/devices", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage",
	"/dev/urandom", "/etc/localtime", "/usr/share/zoneinfo",
	// The system's trust store, as crypto/x509 looks for it.
	"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs", "/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/local/share/certs",
}

// names is what looking names up reads.
var names = []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/run/systemd/resolve"}

// crowded are directories in which everybody's files lie. One file in them is
// no reason to read the others.
var crowded = []string{"/", "/etc", "/etc/ssl", "/home", "/root", "/tmp", "/var", "/var/lib", "/var/tmp", "/var/log", "/run", "/srv", "/opt", "/usr", "/usr/local", "/usr/local/etc", "/mnt", "/media", "/dev", "/dev/shm", "/proc", "/sys"}

// confineFiles applies Landlock.
func confineFiles(p Policy, a *Applied) error {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		a.Missing = append(a.Missing, "this kernel has no Landlock, or it is not enabled (lsm=): which files the process may open is not confined")
		return nil
	}
	rules, err := fileRules(p, a)
	if err != nil {
		return err
	}
	if err := config(p).BestEffort().Restrict(append(rules, portRules(p)...)...); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	a.Landlock, a.Ports = abi, abi >= abiTCP
	if !a.Ports {
		a.Missing = append(a.Missing, fmt.Sprintf("this kernel's Landlock (version %d) cannot confine TCP ports", abi))
	}
	return nil
}

// config is what is forbidden where no rule allows it. A right to connect has
// no wildcard, so where connecting to anywhere is wanted it is not handled.
func config(p Policy) landlock.Config {
	c := landlock.V11
	// Signals are left to seccomp: some kernels take threads of one process
	// for strangers while they are being confined.
	c.Scoped = ll.ScopeAbstractUnixSocket
	if p.Connect {
		c.HandledAccessNet &^= ll.AccessNetConnectTCP | ll.AccessNetConnectSendUDP | ll.AccessNetBindUDP
	}
	return c
}

func portRules(p Policy) (rules []landlock.Rule) {
	for _, port := range p.Listen {
		rules = append(rules, landlock.BindTCP(port))
	}
	return rules
}

func fileRules(p Policy, a *Applied) (rules []landlock.Rule, err error) {
	read := slices.Clone(always)
	if p.Connect {
		read = append(read, names...)
	}
	for _, path := range read {
		if rules, err = allowRead(rules, path); err != nil {
			return nil, err
		}
	}
	rules = append(rules, landlock.PathAccess(writeNull, "/dev/null").IgnoreIfMissing())
	for _, path := range p.Read {
		for _, path := range around(path, a) {
			if rules, err = allowRead(rules, path); err != nil {
				return nil, err
			}
		}
	}
	for _, dir := range p.Write {
		if info, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("%w: it is to be written to", err)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("%s is to be written to and is no directory", dir)
		}
		rules = append(rules, landlock.PathAccess(writeDir, dir))
	}
	return rules, nil
}

// allowRead allows to read path, if it is there.
func allowRead(rules []landlock.Rule, path string) ([]landlock.Rule, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return rules, nil // reading it would fail anyway, and says so then
	case err != nil:
		return nil, err
	case info.IsDir():
		return append(rules, landlock.PathAccess(readDir, path).IgnoreIfMissing()), nil
	}
	return append(rules, landlock.PathAccess(readFile, path).IgnoreIfMissing()), nil
}

// around is what must be readable for path to be, also when another file has
// taken its place: a rule belongs to the file that is there when it is made.
func around(path string, a *Applied) []string {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	paths := []string{path}
	if target, err := filepath.EvalSymlinks(path); err == nil && target != path {
		paths = append(paths, target)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return paths
	}
	for _, p := range slices.Clone(paths) {
		dir := filepath.Dir(p)
		if isCrowded(dir) {
			a.Pinned = append(a.Pinned, p)
			continue
		}
		paths = append(paths, dir)
	}
	return paths
}

// isCrowded reports whether dir holds more than belongs together.
func isCrowded(dir string) bool {
	if home, err := os.UserHomeDir(); err == nil && dir == filepath.Clean(home) {
		return true
	}
	parent := filepath.Dir(dir)
	return slices.Contains(crowded, dir) || parent == "/home" || strings.HasPrefix(dir, "/proc/")
}
