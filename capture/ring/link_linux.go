package ring

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"blindspot/capture"
)

// describe asks a socket what it is bound to.
func describe(fd int, cfg Config) (Info, error) {
	version, err := unix.GetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION)
	if err != nil || version != unix.TPACKET_V3 {
		return Info{}, cfg.fault("use the descriptor as a ring", "it must come from Open", err)
	}
	typ, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return Info{}, cfg.fault("ask the socket for its type", "", err)
	}
	addr, err := boundTo(fd)
	if err != nil {
		return Info{}, cfg.fault("ask the socket for its interface", "", err)
	}
	return Info{
		Interface: cfg.Interface, Index: addr.Ifindex, Link: linkType(addr.Hatype, typ),
		BlockSize: cfg.BlockSize, Blocks: cfg.Blocks,
	}, nil
}

func boundTo(fd int) (*unix.SockaddrLinklayer, error) {
	addr, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	link, ok := addr.(*unix.SockaddrLinklayer)
	if !ok {
		return nil, unix.EAFNOSUPPORT
	}
	return link, nil
}

// rawLinks are the hardware types whose frames are read from their beginning.
// All others are read from the network layer on (SOCK_DGRAM): tunnels, PPP
// and tun devices have nothing useful in front of it, or nothing at all.
var rawLinks = map[uint16]capture.LinkType{
	unix.ARPHRD_ETHER:              capture.LinkEthernet,
	unix.ARPHRD_LOOPBACK:           capture.LinkEthernet,
	unix.ARPHRD_IEEE80211:          capture.LinkWiFi,
	unix.ARPHRD_IEEE80211_PRISM:    capture.LinkPrism,
	unix.ARPHRD_IEEE80211_RADIOTAP: capture.LinkRadiotap,
}

func linkType(hardware uint16, socket int) capture.LinkType {
	if link, ok := rawLinks[hardware]; ok && socket == unix.SOCK_RAW {
		return link
	}
	return capture.LinkRaw
}

// failed finds out why the socket has an error.
func (r *Ring) failed() error {
	errno, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return r.fault(err)
	case errno == 0:
		return nil
	case unix.Errno(errno) == unix.ENETDOWN:
		r.state = down
		return nil
	}
	return r.fault(unix.Errno(errno))
}

// look follows what has become of an interface that was down.
func (r *Ring) look() error {
	switch r.state {
	case down:
		return r.lookDown()
	case leaving:
		if time.Now().Before(r.end) {
			return nil
		}
		r.state = gone
		return r.fault(ErrGone)
	}
	return nil
}

func (r *Ring) lookDown() error {
	addr, err := boundTo(r.fd)
	switch {
	case err != nil:
		return r.fault(err)
	case addr.Ifindex <= 0:
		r.state, r.end = leaving, time.Now().Add(2*r.cfg.Retire)
		return nil
	}
	isUp, err := isUp(r.fd, addr.Ifindex)
	switch {
	case errors.Is(err, unix.ENODEV):
		return nil // it is just being removed
	case err != nil:
		return r.fault(err)
	case !isUp:
		return r.fault(ErrDown)
	}
	r.state = up
	return nil
}

// isUp asks by index, because interfaces are renamed.
func isUp(fd, index int) (bool, error) {
	name, err := nameOf(fd, index)
	if err != nil {
		return false, err
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return false, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return false, err
	}
	return ifr.Uint16()&unix.IFF_UP != 0, nil
}

func nameOf(fd, index int) (string, error) {
	ifr, err := unix.NewIfreq("?")
	if err != nil {
		return "", err
	}
	ifr.SetUint32(uint32(index))
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFNAME, ifr); err != nil {
		return "", err
	}
	return ifr.Name(), nil
}
