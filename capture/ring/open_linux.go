package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"blindspot/capture"
)

// Open makes a socket that collects the packets of an interface. It needs
// CAP_NET_RAW. The descriptor is for New, in this process or another.
func Open(cfg Config) (fd int, err error) {
	if cfg.Fanout.Mode != Alone && cfg.Fanout.Group == 0 {
		fds, err := OpenAll(cfg, 1)
		if err != nil {
			return -1, err
		}
		return fds[0], nil
	}
	s, err := open(cfg)
	if err != nil {
		return -1, err
	}
	if err := s.begin(); err != nil {
		_ = unix.Close(s.fd)
		return -1, err
	}
	return s.fd, nil
}

// OpenAll makes the sockets of a fan-out over several workers. None takes a
// packet before all are there.
func OpenAll(cfg Config, workers int) (fds []int, err error) {
	var all []*socket
	defer func() {
		if err != nil {
			for _, s := range all {
				_ = unix.Close(s.fd)
			}
		}
	}()
	if workers > 1 && cfg.Fanout.Mode == Alone {
		return nil, cfg.fault("several workers without a fan-out", "share the packets by hash or by program", nil)
	}
	for i := range workers {
		if i < len(cfg.Programs) {
			cfg.Program = cfg.Programs[i]
		}
		s, err := open(cfg)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		cfg.Fanout.Group = s.cfg.Fanout.Group
	}
	for _, s := range all {
		if err := s.begin(); err != nil {
			return nil, err
		}
		fds = append(fds, s.fd)
	}
	return fds, nil
}

// Group returns the fan-out that a socket is part of, 0 for none.
func Group(fd int) (uint16, error) {
	v, err := unix.GetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	return uint16(v), err
}

// socket is one that is being made.
type socket struct {
	cfg   Config
	fd    int
	index int
	loop  bool // the loopback interface
}

// open makes a socket that is bound, and drops everything until begin.
func open(cfg Config) (*socket, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &socket{cfg: cfg, fd: -1}
	for _, step := range []func() error{s.create, s.options, s.ring, s.deaf, s.bind, s.promiscuous, s.join} {
		if err := step(); err != nil {
			if s.fd >= 0 {
				_ = unix.Close(s.fd)
			}
			return nil, err
		}
	}
	return s, nil
}

// create makes a socket of the type that the interface needs. Without a
// protocol it gets nothing before it is bound.
func (s *socket) create() (err error) {
	if s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		s.fd = -1
		return s.cfg.fault("open a packet socket", socketHint(err), err)
	}
	hardware, err := s.lookUp()
	if err != nil {
		return err
	}
	if _, ok := rawLinks[hardware]; ok {
		return nil
	}
	_ = unix.Close(s.fd)
	if s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		s.fd = -1
		return s.cfg.fault("open a packet socket", socketHint(err), err)
	}
	return nil
}

func socketHint(err error) string {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return "this needs CAP_NET_RAW: run it as root, or once 'setcap cap_net_raw,cap_bpf+ep' on the program"
	case errors.Is(err, unix.EAFNOSUPPORT):
		return "this kernel was built without packet sockets (CONFIG_PACKET)"
	}
	return ""
}

// Link returns what packets of an interface will begin with, for programs that
// are made before Open. It needs no privilege.
func Link(name string) (capture.LinkType, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, Config{Interface: name}.fault("open a socket", "", err)
	}
	defer unix.Close(fd)
	s := &socket{cfg: Config{Interface: name}, fd: fd}
	hardware, err := s.lookUp()
	if err != nil {
		return 0, err
	}
	return linkType(hardware, unix.SOCK_RAW), nil
}

// lookUp finds the interface and its hardware type.
func (s *socket) lookUp() (hardware uint16, err error) {
	ifr, err := unix.NewIfreq(s.cfg.Interface)
	if err != nil {
		return 0, s.cfg.fault("", interfaces(), ErrNoInterface)
	}
	if err := unix.IoctlIfreq(s.fd, unix.SIOCGIFINDEX, ifr); err != nil {
		if errors.Is(err, unix.ENODEV) {
			return 0, s.cfg.fault("", interfaces(), ErrNoInterface)
		}
		return 0, s.cfg.fault("look up the interface", "", err)
	}
	s.index = int(int32(ifr.Uint32()))
	if err := unix.IoctlIfreq(s.fd, unix.SIOCGIFHWADDR, ifr); err != nil {
		return 0, s.cfg.fault("ask for the type of the interface", "", err)
	}
	hardware = ifr.Uint16()
	s.loop = hardware == unix.ARPHRD_LOOPBACK
	return hardware, nil
}

// maxListed bounds the interfaces that an error names.
const maxListed = 20

func interfaces() string {
	all, err := net.Interfaces()
	if err != nil || len(all) == 0 {
		return "see 'ip link'"
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	if len(names) > maxListed {
		names = append(names[:maxListed], "and others")
	}
	return "there is " + strings.Join(names, ", ")
}

// reserve is room in front of each frame, in which the tag is put back.
const reserve = 16

func (s *socket) options() error {
	if err := s.set(unix.PACKET_VERSION, unix.TPACKET_V3, "ask for TPACKET_V3", "this needs Linux 3.2"); err != nil {
		return err
	}
	if err := s.set(unix.PACKET_RESERVE, reserve, "reserve room for tags", ""); err != nil {
		return err
	}
	if s.cfg.HardwareTime {
		if err := s.set(unix.PACKET_TIMESTAMP, unix.SOF_TIMESTAMPING_RAW_HARDWARE, "ask for hardware time stamps", ""); err != nil {
			return err
		}
	}
	if s.ignoreOutgoing() {
		return s.set(unix.PACKET_IGNORE_OUTGOING, 1, "leave outgoing packets out", "this needs Linux 4.20")
	}
	return nil
}

// ignoreOutgoing holds on loopback as well, where all that is sent arrives too.
func (s *socket) ignoreOutgoing() bool { return s.cfg.IgnoreOutgoing || s.loop }

func (s *socket) set(option, value int, what, hint string) error {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, option, value); err != nil {
		return s.cfg.fault(what, hint, err)
	}
	return nil
}

// frameSize means nothing to TPACKET_V3, whose frames lie as close as they
// fit, but must be a divisor of the block.
const frameSize = 2048

func (s *socket) ring() error {
	frames := s.cfg.BlockSize / frameSize * s.cfg.Blocks
	req := &unix.TpacketReq3{
		Block_size: uint32(s.cfg.BlockSize), Block_nr: uint32(s.cfg.Blocks),
		Frame_size: frameSize, Frame_nr: uint32(frames),
		Retire_blk_tov: uint32(max(1, s.cfg.Retire.Milliseconds())),
	}
	if err := unix.SetsockoptTpacketReq3(s.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, req); err != nil {
		what := fmt.Sprintf("make a ring of %d MiB", s.cfg.BlockSize*s.cfg.Blocks>>20)
		hint := ""
		if errors.Is(err, unix.ENOMEM) {
			hint = "the kernel has not that much memory: make the ring smaller, or use fewer workers"
		}
		return s.cfg.fault(what, hint, err)
	}
	return nil
}

// deaf has the socket drop everything.
func (s *socket) deaf() error { return s.attach([]bpf.RawInstruction{{Op: opReturn}}) }

const opReturn = unix.BPF_RET | unix.BPF_K

func (s *socket) attach(program []bpf.RawInstruction) error {
	filter := make([]unix.SockFilter, len(program))
	for i, in := range program {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	if err != nil {
		return s.cfg.fault(fmt.Sprintf("attach a filter of %d instructions", len(filter)), filterHint(err), err)
	}
	return nil
}

func filterHint(err error) string {
	switch {
	case errors.Is(err, unix.ENOMEM):
		return "raise net.core.optmem_max, or write a shorter filter"
	case errors.Is(err, unix.EINVAL):
		return "it is too long, or no program for a socket"
	}
	return ""
}

func (s *socket) bind() error {
	up, err := isUp(s.fd, s.index)
	if err != nil {
		return s.cfg.fault("ask whether the interface is up", "", err)
	}
	if !up {
		return s.cfg.fault("", "ip link set "+s.cfg.Interface+" up", ErrDown)
	}
	if err := unix.Bind(s.fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: s.index}); err != nil {
		return s.cfg.fault("bind to the interface", "", bindError(err))
	}
	return nil
}

func bindError(err error) error {
	switch {
	case errors.Is(err, unix.ENETDOWN):
		return ErrDown
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return ErrGone
	}
	return err
}

func networkOrder(v uint16) uint16 {
	b := [2]byte{byte(v >> 8), byte(v)}
	return binary.NativeEndian.Uint16(b[:])
}

func (s *socket) promiscuous() error {
	if s.cfg.NoPromiscuous || s.loop {
		return nil
	}
	mreq := &unix.PacketMreq{Ifindex: int32(s.index), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(s.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, mreq); err != nil {
		return s.cfg.fault("make the interface promiscuous", "", err)
	}
	return nil
}

// join makes the socket part of its fan-out.
func (s *socket) join() error {
	f := &s.cfg.Fanout
	mode := unix.PACKET_FANOUT_HASH
	switch f.Mode {
	case Alone:
		return nil
	case ByProgram:
		mode = unix.PACKET_FANOUT_EBPF
	}
	if f.Group == 0 {
		mode |= unix.PACKET_FANOUT_FLAG_UNIQUEID
	}
	if s.ignoreOutgoing() { // what the socket asked for does not count in a fan-out
		mode |= unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING
	}
	if err := s.set(unix.PACKET_FANOUT, int(f.Group)|mode<<16, "share packets among workers", "all must have the same settings"); err != nil {
		return err
	}
	if f.Mode == ByProgram {
		if err := s.set(unix.PACKET_FANOUT_DATA, f.Program, "attach the program that shares packets", "without it, share by hash"); err != nil {
			return err
		}
	}
	var err error
	if f.Group, err = Group(s.fd); err != nil {
		return s.cfg.fault("ask for the number of the fan-out", "", err)
	}
	return nil
}

// begin lets packets in. The filter cannot be changed after that.
func (s *socket) begin() error {
	if err := s.filter(); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_LOCK_FILTER, 1); err != nil {
		return s.cfg.fault("lock the filter", "", err)
	}
	return nil
}

func (s *socket) filter() error {
	switch {
	case s.cfg.Program > 0:
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, s.cfg.Program); err != nil {
			return s.cfg.fault("attach the program", "", err)
		}
		return nil
	case len(s.cfg.Filter) > 0:
		return s.attach(s.cfg.Filter)
	case s.cfg.Snaplen > 0:
		return s.attach([]bpf.RawInstruction{{Op: opReturn, K: uint32(s.cfg.Snaplen)}})
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err != nil {
		return s.cfg.fault("take the filter off", "", err)
	}
	return nil
}
