package opener

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// pair makes the two ends of a connection that keeps messages apart.
func pair() (opener, reader *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("connect opener and reader: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "opener"), os.NewFile(uintptr(fds[1]), "reader"), nil
}

// inherit takes over an end of a connection that was left open by execve.
func inherit(fd int) (*net.UnixConn, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_SEQPACKET {
		return nil, fmt.Errorf("descriptor %d is no connection to an opener", fd)
	}
	unix.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), "opener")
	defer f.Close() // FileConn has its own
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("descriptor %d is no connection to an opener", fd)
	}
	return u, nil
}

// receive takes one answer off conn. An error ends the connection; what is
// wrong with one answer alone is in it.
func receive(conn *net.UnixConn, buf []byte) (answer, error) {
	oob := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, oobn, flags, _, err := conn.ReadMsgUnix(buf, oob)
	if err != nil {
		return answer{}, err
	}
	if n == 0 {
		return answer{}, net.ErrClosed
	}
	files, err := received(oob[:oobn])
	a := answer{made: Made{Files: files}, err: err}
	if flags&unix.MSG_TRUNC != 0 || n > maxMessage {
		a.err = errors.Join(a.err, errors.New("the opener's answer was cut"))
	}
	if a.err == nil {
		a.err = decode(buf[:n], &a.reply)
	}
	if a.err == nil && a.reply.Files != len(files) {
		a.err = fmt.Errorf("the opener passed %d descriptors, and %d came: raise the limit of open files (ulimit -n)", a.reply.Files, len(files))
	}
	if a.err == nil {
		a.err = a.reply.err()
	}
	a.made.Info = a.reply.Info
	if a.err != nil {
		a.made.Close()
	}
	return a, nil
}

// received are the descriptors in oob.
func received(oob []byte) (files []*os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("descriptors from the opener: %w", err)
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue // no descriptors in it
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "descriptor from the opener"))
		}
	}
	return files, nil
}

// send answers with r and the files of m, which stay the sender's.
func send(conn *net.UnixConn, r reply, m Made) error {
	if len(m.Files) > maxFiles {
		return fmt.Errorf("%d descriptors are over the bound of %d", len(m.Files), maxFiles)
	}
	r.Files, r.Info = len(m.Files), m.Info
	b, err := encode(r)
	if err != nil {
		return err
	}
	var oob []byte
	if len(m.Files) > 0 {
		fds := make([]int, len(m.Files))
		for i, f := range m.Files {
			fds[i] = int(f.Fd())
		}
		oob = unix.UnixRights(fds...)
	}
	_, _, err = conn.WriteMsgUnix(b, oob, nil)
	return err
}
