package logs

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"blindspot/discover"
)

// SHA1 is the SHA-1 of a certificate's DER, which some logs know it by.
type SHA1 [sha1.Size]byte

// String returns lower-case hex.
func (s SHA1) String() string { return hex.EncodeToString(s[:]) }

// parseSHA1 reads hex, plain or with colons.
func parseSHA1(s string) (sum SHA1, ok bool) {
	s = strings.ReplaceAll(s, ":", "")
	if len(s) != 2*len(sum) {
		return sum, false
	}
	_, err := hex.Decode(sum[:], []byte(s))
	return sum, err == nil
}

// maxSeconds parts seconds from milliseconds since 1970: no certificate is
// valid after the year 9999 (RFC 5280 §4.1.2.5), and milliseconds below it
// are of 1979 and before.
const maxSeconds = 300_000_000_000

// layouts are the ways in which the logs write a time. Suricata writes its
// certificates' times in UTC, without a zone.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"}

// parseTime reads a time: seconds since 1970 with a fraction, milliseconds, or
// ISO 8601.
func parseTime(s string) (time.Time, error) {
	if strings.IndexByte(s, 'T') < 0 {
		return parseEpoch(s)
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", clip(s))
}

// parseEpoch reads digits without rounding them through a float, which has no
// place for nanoseconds.
func parseEpoch(s string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return epochFloat(s)
	}
	if n > maxSeconds || n < -maxSeconds {
		return time.UnixMilli(n).UTC(), nil
	}
	fraction = (fraction + "000000000")[:9]
	nanos, err := strconv.ParseUint(fraction, 10, 32)
	if err != nil {
		return epochFloat(s)
	}
	if strings.HasPrefix(whole, "-") {
		return time.Unix(n, -int64(nanos)).UTC(), nil
	}
	return time.Unix(n, int64(nanos)).UTC(), nil
}

// epochFloat reads "1.7e9", as JSON may have it.
func epochFloat(s string) (time.Time, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f > maxSeconds || f < -maxSeconds || f != f {
		return time.Time{}, fmt.Errorf("%q is no time", clip(s))
	}
	return time.UnixMicro(int64(f * 1e6)).UTC(), nil
}

// parseAddr reads an address and a port.
func parseAddr(host, port string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", clip(host))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no port", clip(port))
	}
	return netip.AddrPortFrom(addr.Unmap().WithZone(""), uint16(n)), nil
}

// maxClip bounds what a message quotes.
const maxClip = 60

func clip(s string) string {
	if len(s) > maxClip {
		return s[:maxClip] + "…"
	}
	return s
}

// serialText writes a serial number as discover.Certificate does; "" for what
// is none.
func serialText(s string) string {
	digits, negative := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(s, ":", "")), "-")
	if digits == "" || strings.Trim(digits, "0123456789abcdef") != "" {
		return ""
	}
	digits = strings.TrimLeft(digits, "0")
	switch {
	case digits == "":
		return "0"
	case negative:
		return "-" + digits
	}
	return digits
}

// setName puts a server name as it was sent into o.
func setName(o *discover.Observation, sent string) {
	o.HasSNI = true
	name, ok := discover.Hostname(sent)
	if ok {
		o.SNI = name
		return
	}
	o.SNIRaw = discover.Escape([]byte(sent))
}

// versionOf writes a protocol version by its number as events do.
func versionOf(n uint16) string {
	switch {
	case n == 0x0002:
		return "SSL 2.0"
	case n == 0x0300:
		return "SSL 3.0"
	case n >= 0x0301 && n <= 0x0304:
		return "TLS 1." + strconv.Itoa(int(n)-0x0301)
	case n>>8 == 0x7f, n>>8 == 0xfb: // drafts of TLS 1.3 (RFC 8446 §4.2.1 and Facebook's)
		return "TLS 1.3"
	case n == 0xfeff, n == 0x0100:
		return "DTLS 1.0"
	case n == 0xfefd:
		return "DTLS 1.2"
	case n == 0xfefc:
		return "DTLS 1.3"
	}
	return fmt.Sprintf("0x%04x", n)
}

// isTLS13 reports a version that encrypts certificates.
func isTLS13(version string) bool { return version == "TLS 1.3" || version == "DTLS 1.3" }
