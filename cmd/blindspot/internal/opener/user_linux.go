package opener

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// runAs is whom both processes are to run as.
func (c *Config) runAs() (User, error) {
	me := User{Name: strconv.Itoa(os.Geteuid()), UID: os.Geteuid(), GID: os.Getegid()}
	if c.User != "" {
		u, err := lookup(c.User)
		if err != nil {
			return User{}, fmt.Errorf("--user: %w", err)
		}
		if me.UID != 0 && u.UID != me.UID {
			return User{}, fmt.Errorf("--user %s: only root can run it as somebody else", c.User)
		}
		if me.UID != 0 {
			return me, nil
		}
		return u, nil
	}
	if me.UID != 0 || c.Owned == "" {
		return me, nil
	}
	return ownerOf(c.Owned)
}

// ownerOf is who owns path, or where there is none, the directory that it
// would be in.
func ownerOf(path string) (User, error) {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		info, err = os.Stat(filepath.Dir(path))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return User{Name: "root"}, nil // who opens the file says that its directory is missing
	}
	if err != nil {
		return User{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return User{}, fmt.Errorf("%s: its owner is not known", path)
	}
	if st.Uid == 0 {
		return User{Name: "root"}, nil
	}
	id := strconv.Itoa(int(st.Uid))
	if _, err := user.LookupId(id); err != nil { // nobody of this machine, as in a container
		id += ":" + strconv.Itoa(int(st.Gid))
	}
	return lookup(id)
}
