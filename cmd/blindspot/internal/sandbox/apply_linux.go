package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// Apply confines every thread of this process to p, as far as the kernel can.
// What it cannot is in Applied.Missing; an error says that nothing is known to
// be in force, and that the process is not to go on.
func Apply(p Policy) (Applied, error) {
	var a Applied
	// What the standard library finds out once, by means that are forbidden
	// afterwards: whether there is IPv6.
	if c, err := net.ListenPacket("udp", "[::1]:0"); err == nil {
		c.Close()
	}
	// The C library would load code to look names up.
	net.DefaultResolver.PreferGo = true
	if err := temporary(p); err != nil {
		return a, err
	}
	if err := confineFiles(p, &a); err != nil {
		return a, fmt.Errorf("sandbox (--no-sandbox goes without): %w", err)
	}
	if err := confineCalls(p, &a); err != nil {
		return a, fmt.Errorf("sandbox (--no-sandbox goes without): %w", err)
	}
	return a, nil
}

// temporary has temporary files, SQLite's too, made where writing is allowed.
func temporary(p Policy) error {
	if len(p.Write) == 0 {
		return nil
	}
	dir, err := filepath.Abs(p.Write[0])
	if err != nil {
		return err
	}
	for _, name := range []string{"TMPDIR", "SQLITE_TMPDIR"} {
		if err := os.Setenv(name, dir); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// unsupported reports whether the kernel has no such thing, or may not be asked
// for it, as in a container that is confined itself.
func unsupported(err error) bool {
	return errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EPERM)
}
