package monitored

import "strings"

func init() { register(format{kind: "hosts", read: readHosts, detect: detectHosts}) }

// readHosts reads a list of host, host:port, [v6]:port or URL, one a line, with
// # comments. Without a port it is 443.
func readHosts(in *input, r *Result) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	eachEntry(text, func(line int, entry string) {
		c, err := hostCheck("hosts", in.ref(line), entry)
		if err != nil {
			r.warn(in.ref(line), "%s %v", quote(entry), err)
			return
		}
		r.add(c)
	})
	return nil
}

// hostCheck reads an entry of a list of hosts and URLs.
func hostCheck(kind, ref, entry string) (Check, error) {
	if strings.Contains(entry, "://") {
		return urlCheck(kind, ref, entry)
	}
	p, err := parsePlace(entry)
	if err != nil {
		return Check{}, err
	}
	c := newCheck(kind, ref, p.withPort(defaultPort))
	c.setSNI(p, originDerived)
	return c, nil
}

// eachEntry calls f for each line that holds more than a comment. A # begins a
// comment at the line's start and behind a space: URLs may hold one.
func eachEntry(text string, f func(line int, entry string)) {
	line := 0
	for s := range strings.Lines(text) {
		line++
		if entry := trimComment(s); entry != "" {
			f(line, entry)
		}
	}
}

func trimComment(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			s = s[:i]
			break
		}
	}
	return strings.TrimSpace(s)
}

// detectHosts takes a text where most entries are hosts.
func detectHosts(text string) int {
	hosts, others := 0, 0
	eachEntry(text, func(_ int, entry string) {
		if _, err := hostCheck("", "", entry); err == nil || err == errWildcard {
			hosts++
		} else {
			others++
		}
	})
	if hosts <= others {
		return 0
	}
	return scoreLines
}
