package monitored

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"blindspot/discover"
)

// defaultPort is what a host without a port means in a list of TLS hosts.
const defaultPort = 443

// place is a host, by name or by address, and a port: 0 where none is given.
type place struct {
	name string
	addr netip.Addr
	port uint16
}

// host returns the name or the address.
func (p place) host() string {
	if p.name != "" {
		return p.name
	}
	if p.addr.IsValid() {
		return p.addr.String()
	}
	return ""
}

// withPort returns p with port where it has none.
func (p place) withPort(port uint16) place {
	if p.port == 0 {
		p.port = port
	}
	return p
}

var errWildcard = errors.New("is a wildcard: a check asks for one name; list the names that are in use")

// parsePlace reads host, host:port, [v6]:port, [v6] or v6.
func parsePlace(s string) (place, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return place{addr: addr.Unmap()}, nil
	}
	host, port, found := s, "", false
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port, found = s[:i], s[i+1:], true
	}
	p, err := parseHost(host)
	if err != nil {
		return place{}, err
	}
	if found {
		if p.port, err = parsePort(port); err != nil {
			return place{}, err
		}
	}
	return p, nil
}

// parseHost reads a name or an address, bracketed or not.
func parseHost(s string) (place, error) {
	if s == "" {
		return place{}, errors.New("names no host")
	}
	bare := s
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if bare, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(bare, ":") {
			return place{}, errors.New("has brackets that hold no IPv6 address")
		}
	}
	if addr, err := netip.ParseAddr(bare); err == nil {
		return place{addr: addr.Unmap()}, nil
	}
	if strings.HasPrefix(bare, "*.") {
		return place{}, errWildcard
	}
	name, ok := discover.Hostname(bare)
	if !ok {
		return place{}, errors.New("is neither a hostname nor an IP address")
	}
	return place{name: name}, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("has port %q: give a number from 1 to 65535", clip(s))
	}
	return uint16(n), nil
}

// maxQuoted bounds what a message repeats of an entry.
const maxQuoted = 100

var credentials = regexp.MustCompile(`//[^/?#\s]*@`)

// redact takes the user and password out of what looks like a URL.
func redact(s string) string { return credentials.ReplaceAllString(s, "//…@") }

func clip(s string) string {
	if len(s) > maxQuoted {
		return strings.ToValidUTF8(s[:maxQuoted], "") + "…"
	}
	return s
}

// quote repeats an entry in a message: escaped, short, without credentials.
func quote(s string) string { return strconv.Quote(clip(redact(s))) }
