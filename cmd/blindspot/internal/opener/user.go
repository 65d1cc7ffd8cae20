package opener

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"
)

// User is whom a process runs as.
type User struct {
	Name     string // for messages
	UID, GID int
	Groups   []int // supplementary
}

// lookup finds a user by name or number; ":" and a group's name or number may
// follow.
func lookup(name string) (User, error) {
	name, group, grouped := strings.Cut(name, ":")
	u, err := user.Lookup(name)
	if err != nil {
		// The C library would take a number modulo 2^32, and with it root.
		if _, nan := strconv.ParseUint(name, 10, 31); nan != nil {
			return User{}, fmt.Errorf("user %s: %w: give a name of this machine, or a number", name, err)
		}
		if u, err = user.LookupId(name); err != nil { // nobody needs an entry to be somebody
			u = &user.User{Uid: name, Gid: name, Username: name}
		}
	}
	out, err := numbered(u)
	if err != nil || !grouped {
		return out, err
	}
	out.Groups = nil
	out.GID, err = lookupGroup(group)
	return out, err
}

func lookupGroup(name string) (int, error) {
	if g, err := user.LookupGroup(name); err == nil {
		name = g.Gid
	}
	gid, err := strconv.ParseUint(name, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("group %s is not known: give a name of this machine, or a number", name)
	}
	return int(gid), nil
}

func numbered(u *user.User) (out User, err error) {
	out.Name = u.Username
	if out.UID, err = strconv.Atoi(u.Uid); err != nil {
		return User{}, fmt.Errorf("user %s: number %s: %w", u.Username, u.Uid, err)
	}
	if out.GID, err = strconv.Atoi(u.Gid); err != nil {
		return User{}, fmt.Errorf("user %s: group %s: %w", u.Username, u.Gid, err)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return out, nil // the first group is enough
	}
	for _, id := range ids {
		if g, err := strconv.Atoi(id); err == nil {
			out.Groups = append(out.Groups, g)
		}
	}
	return out, nil
}
