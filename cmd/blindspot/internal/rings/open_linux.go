package rings

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"blindspot/capture"
	"blindspot/capture/filter"
	"blindspot/capture/kernel"
	"blindspot/capture/ring"
)

// Check says what is wrong with a filter.
func Check(expr string) error {
	if expr == "" {
		return nil
	}
	_, err := filter.Compile(expr, capture.LinkEthernet, 0)
	return err
}

// opening is the rings of one interface while they are made.
type opening struct {
	cfg     Config
	iface   string
	link    capture.LinkType
	kernel  kernel.Config
	ring    ring.Config
	cutoffs []*kernel.Cutoff // one for each ring, or none
	missing []string
}

// open makes all rings of an interface.
func (c Config) open(iface string) ([]*Opened, error) {
	link, err := ring.LinkOf(iface)
	if err != nil {
		return nil, err
	}
	o := &opening{cfg: c, iface: iface, link: link, ring: c.ring(iface, 0, false)}
	defer o.release()
	o.kernel = kernel.Config{Link: link, UDPPorts: c.UDPPorts, Entries: kernel.DefaultEntries / c.Workers}
	if c.Filter != "" {
		if o.kernel.Filter, err = filter.Compile(c.Filter, link, 0); err != nil {
			return nil, err
		}
	}
	defer o.share()()
	o.cut()
	fds, err := ring.OpenAll(o.ring, c.Workers)
	if err != nil {
		return nil, err
	}
	return o.opened(fds)
}

// share has the rings share packets by the innermost addresses, or where the
// kernel does not take that, by its own hash. The function that comes back ends
// the use of the program.
func (o *opening) share() func() {
	if o.cfg.Workers == 1 {
		return func() {}
	}
	o.ring.Fanout.Mode = ring.ByHash
	f, err := kernel.LoadFanout(o.kernel)
	if err != nil {
		o.missing = append(o.missing, "workers share packets by the kernel's own hash: both directions of flows in tunnels, and fragments, may reach different workers, and such handshakes are seen from one side: "+err.Error())
		return func() {}
	}
	o.ring.Fanout.Mode, o.ring.Fanout.Program = ring.ByProgram, f.FD()
	return func() { _ = f.Close() }
}

// cut has packets of answered flows left in the kernel, where it can. The filter
// becomes part of that program.
func (o *opening) cut() {
	o.ring.Filter = o.kernel.Filter
	if !o.cfg.CutOff {
		return
	}
	for range o.cfg.Workers {
		c, err := kernel.Load(o.kernel)
		if err != nil {
			o.release()
			o.missing = append(o.missing, "packets of answered connections are not left in the kernel: "+err.Error())
			return
		}
		o.cutoffs = append(o.cutoffs, c)
	}
	fanout := o.ring.Fanout
	o.ring = o.cfg.ring(o.iface, 0, true)
	o.ring.Fanout = fanout
	for _, c := range o.cutoffs {
		o.ring.Programs = append(o.ring.Programs, c.FDs().Program)
	}
}

// release gives up what the rings keep by themselves.
func (o *opening) release() {
	for _, c := range o.cutoffs {
		_ = c.Close()
	}
	o.cutoffs, o.ring.Programs = nil, nil
}

// opened puts the descriptors together.
func (o *opening) opened(fds []int) ([]*Opened, error) {
	var list []*Opened
	for i, fd := range fds {
		x := &Opened{
			Files: []*os.File{os.NewFile(uintptr(fd), fmt.Sprintf("ring %d of %s", i, o.iface))},
			Info:  Info{Link: o.link, Missing: o.missing},
		}
		list = append(list, x)
		if len(o.cutoffs) == 0 {
			continue
		}
		f := o.cutoffs[i].FDs()
		x.Info.CutOff, x.Info.CPUs = true, f.CPUs
		for _, fd := range []int{f.Flows, f.Openers, f.Counters} {
			copied, err := dup(fd)
			if err != nil {
				for _, x := range list {
					x.close()
				}
				return nil, err
			}
			x.Files = append(x.Files, os.NewFile(uintptr(copied), "map of "+o.iface))
		}
	}
	return list, nil
}

func dup(fd int) (int, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return -1, fmt.Errorf("keep a descriptor: %w", err)
	}
	return n, nil
}

// Read is the other half: it reads a ring that a Set has opened, here or in
// another process, and takes its files.
func (c Config) Read(iface string, worker int, o *Opened) (capture.Source, error) {
	defer o.close()
	want := 1
	if o.Info.CutOff {
		want = 4
	}
	if len(o.Files) != want {
		return nil, fmt.Errorf("ring %d of %s: %d descriptors, want %d", worker, iface, len(o.Files), want)
	}
	var fds []int
	for _, f := range o.Files {
		fd, err := dup(int(f.Fd()))
		if err != nil {
			closeFDs(fds)
			return nil, err
		}
		fds = append(fds, fd)
	}
	r, err := ring.New(fds[0], c.ring(iface, worker, o.Info.CutOff))
	if err != nil {
		closeFDs(fds)
		return nil, err
	}
	if !o.Info.CutOff {
		return &source{Source: r, ring: r}, nil
	}
	cut, err := kernel.FromFDs(kernel.FDs{Program: -1, Flows: fds[1], Openers: fds[2], Counters: fds[3], CPUs: o.Info.CPUs})
	if err != nil { // which has closed its own
		_ = r.Close()
		return nil, err
	}
	tap := kernel.NewTap(r, cut, kernel.Config{Link: o.Info.Link, UDPPorts: c.UDPPorts})
	return &source{Source: tap, ring: r, tap: tap, cutoff: cut}, nil
}

func closeFDs(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
