package ring

import (
	"golang.org/x/sys/unix"

	"blindspot/capture"
)

// LinkOf returns the link type of the packets that a ring on an interface will
// have. It needs no privilege.
func LinkOf(name string) (capture.LinkType, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, (Config{Interface: name}).fault("ask for the type of the interface", "", err)
	}
	defer unix.Close(fd)
	s := &socket{cfg: Config{Interface: name}, fd: fd}
	hardware, err := s.lookUp()
	if err != nil {
		return 0, err
	}
	return linkType(hardware, unix.SOCK_RAW), nil
}
