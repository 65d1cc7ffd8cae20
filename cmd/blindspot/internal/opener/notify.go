package opener

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// What a service can tell its manager (sd_notify(3)).
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// Status is the line that the service manager shows.
func Status(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxState/2 {
		text = strings.ToValidUTF8(text[:maxState/2], "")
	}
	return "STATUS=" + text
}

// told are the assignments that the reader may send, "" standing for digits.
var told = map[string]string{
	"READY": "1", "STOPPING": "1", "WATCHDOG": "1", "RELOADING": "1", "MONOTONIC_USEC": "",
}

// mayTell reports whether state holds nothing but what is told: a reader must
// not be able to name another main process or store descriptors.
func mayTell(state string) bool {
	if state == "" || len(state) > maxState {
		return false
	}
	for line := range strings.SplitSeq(state, "\n") {
		name, value, ok := strings.Cut(line, "=")
		if name == "STATUS" && ok {
			continue
		}
		want, known := told[name]
		if !ok || !known || want != "" && value != want {
			return false
		}
		if _, err := strconv.ParseUint(value, 10, 64); err != nil {
			return false
		}
	}
	return true
}

// tell sends state to the service manager at address: a path, or with @ a name
// in the abstract namespace.
func tell(address, state string) error {
	if address == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}

// watchdog is how long the service manager waits for Alive, 0 where it does not.
func watchdog() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 63)
	if err != nil || us <= 0 || us > int64(time.Duration(1<<62)/time.Microsecond) {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}
