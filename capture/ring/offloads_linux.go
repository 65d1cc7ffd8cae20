package ring

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offloads returns which of "gro" and "lro" an interface does: it then merges
// TCP segments, and packet counts and sizes are not those of the wire. What
// the interface does not tell counts as off.
func Offloads(name string) []string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var on []string
	if v, err := ethtool(fd, name, unix.ETHTOOL_GGRO); err == nil && v != 0 {
		on = append(on, "gro")
	}
	if v, err := ethtool(fd, name, unix.ETHTOOL_GFLAGS); err == nil && v&ethFlagLRO != 0 {
		on = append(on, "lro")
	}
	return on
}

const ethFlagLRO = 1 << 15 // linux/ethtool.h

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct{ cmd, data uint32 }

// ethtoolRequest is struct ifreq with a pointer for its union.
type ethtoolRequest struct {
	name [unix.IFNAMSIZ]byte
	data *ethtoolValue
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

func ethtool(fd int, name string, cmd uint32) (uint32, error) {
	value := &ethtoolValue{cmd: cmd}
	req := ethtoolRequest{data: value}
	if len(name) >= len(req.name) {
		return 0, unix.ENODEV
	}
	copy(req.name[:], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return 0, errno
	}
	return value.data, nil
}
