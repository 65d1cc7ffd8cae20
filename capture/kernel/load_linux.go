package kernel

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// license lets the kernel know that the programs call nothing that it keeps for
// free software.
const license = "Proprietary"

// Load makes the program and the maps of a cut-off, one for each ring. It needs
// CAP_BPF, and CAP_NET_ADMIN or root where the kernel is older than 5.8.
func Load(cfg Config) (*Cutoff, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Cutoff{fds: FDs{Program: -1, Flows: -1, Openers: -1, Counters: -1}}
	if err := c.load(cfg); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cutoff) load(cfg Config) (err error) {
	entries := uint32(cmp.Or(cfg.Entries, DefaultEntries))
	for _, m := range []struct {
		fd   *int
		spec ebpf.MapSpec
	}{
		{&c.fds.Flows, ebpf.MapSpec{Name: "answered", Type: ebpf.LRUHash, KeySize: keySize, ValueSize: markSize, MaxEntries: entries}},
		{&c.fds.Openers, ebpf.MapSpec{Name: "openers", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: openerSlots, Flags: unix.BPF_F_MMAPABLE}},
		{&c.fds.Counters, ebpf.MapSpec{Name: "cutoff", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: counterSize, MaxEntries: uint32(countAll)}},
	} {
		if *m.fd, err = newMap(&m.spec); err != nil {
			return err
		}
	}
	if c.fds.CPUs, err = ebpf.PossibleCPU(); err != nil {
		return fmt.Errorf("how many processors there may be: %w", err)
	}
	ins, err := cutoff(cfg, c.fds.Flows, c.fds.Openers, c.fds.Counters)
	if err != nil {
		return err
	}
	c.fds.Program, err = newProgram(&ebpf.ProgramSpec{Name: "cutoff", Type: ebpf.SocketFilter, Instructions: ins, License: license})
	if err != nil {
		return err
	}
	return c.open()
}

func newMap(spec *ebpf.MapSpec) (fd int, err error) {
	m, err := ebpf.NewMap(spec)
	if err != nil {
		return -1, refused(fmt.Sprintf("a map of %d entries in the kernel", spec.MaxEntries), err)
	}
	defer m.Close()
	return own(m.FD())
}

func newProgram(spec *ebpf.ProgramSpec) (fd int, err error) {
	p, err := ebpf.NewProgram(spec)
	if err != nil {
		return -1, refused("a program in the kernel", err)
	}
	defer p.Close()
	return own(p.FD())
}

// own returns a descriptor that lives on when its library object is closed.
func own(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3) }

// refused says what to do about an error of the kernel.
func refused(what string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%s needs CAP_BPF: run it as root, or once 'setcap cap_net_raw,cap_bpf+ep' on the program: %w", what, err)
	case errors.Is(err, unix.ENOMEM):
		return fmt.Errorf("%s: let fewer flows be cut off: %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Fanout is a program that shares packets among rings by their innermost
// addresses.
type Fanout struct{ fd int }

// LoadFanout makes the program, one for each interface; Config.Filter and
// Config.Entries do not matter. It needs what Load needs.
func LoadFanout(cfg Config) (*Fanout, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	pieces, err := newMap(&ebpf.MapSpec{Name: "pieces", Type: ebpf.LRUHash, KeySize: pieceSize, ValueSize: 4, MaxEntries: maxPieces})
	if err != nil {
		return nil, err
	}
	defer unix.Close(pieces) // the program keeps it
	fd, err := newProgram(&ebpf.ProgramSpec{Name: "fanout", Type: ebpf.SocketFilter, Instructions: fanout(cfg, pieces), License: license})
	if err != nil {
		return nil, err
	}
	return &Fanout{fd: fd}, nil
}

// FD returns the program's descriptor, for ring.Fanout.Program. It stays the
// Fanout's.
func (f *Fanout) FD() int { return f.fd }

// Close gives the descriptor back. Rings that use the program keep it.
func (f *Fanout) Close() error { return unix.Close(f.fd) }
