package report

import (
	"strconv"
	"strings"
	"time"

	"blindspot/discover"
	"blindspot/discover/coverage"
)

// line is a sentence under a label, in the head of a report.
type line struct{ label, text string }

// causeWords say for people what hid or lost something. What is not here is
// shown by its own word.
var causeWords = map[string]string{
	"encrypted":        "encrypted (TLS 1.3, QUIC)",
	"no-server-answer": "without a server's answer",
	"not-logged":       "not named by the log",
	"table-full":       "flows given up for want of room",
	"reassembly":       "flows with missing segments",
	"unparsed":         "unparsed",
	"names":            "handshakes beyond the bound on names",
	"asked-names":      "handshakes beyond the bound on names only asked for",
	"certificates":     "certificates beyond their bound",
	"sightings":        "handshakes beyond the bound on sightings",
	"offers":           "sessions in the clear beyond their bound",
	"too-long":         "handshake messages over the limit",
	"half-hello":       "hellos that break off before their name",
	"half-answer":      "answers without hello that break off before their certificate",
	"mid-stream":       "TLS connections that began before the capture",
	"unknown-link":     "packets of an unknown link type",
	"truncated-frame":  "packets cut within their headers",
	"fragments":        "datagrams with missing fragments",
	"too-deep":         "packets in too many tunnels",
	"sealed":           "packets in encrypted tunnels",
	"unread-frames":    "aggregated frames not read",
	"tunnel-ids":       "handshakes without their tunnel's number",
	"tunnel-names":     "handshakes without their tunnel",
	"interface-drops":  "packets dropped by the interface",
	"softnet-drops":    "packets dropped by the machine before capture",
	"interface-away":   "seconds of an interface that was down or gone",
	"retention":        "handshakes and sessions that retention dropped",
	"ending":           "handshakes under way that the end of the sensor left no time for",
	"events":           "lines of the event log that could not be written",
	"evidence":         "packets of handshakes that the evidence capture did not take",
}

// nothing is what is said of losses where there are none.
const nothing = "nothing"

// causes lists the figures that are not zero, largest first.
func causes(c Counts) string {
	var list []string
	for _, e := range c.most() {
		if e.N == 0 || !discover.HidesCertificate(e.Cause) {
			continue
		}
		word := causeWords[e.Cause]
		if word == "" {
			word = visible(e.Cause)
		}
		list = append(list, number(e.N)+" "+word)
	}
	return strings.Join(list, ", ")
}

func (c Counts) of(cause string) uint64 {
	for _, e := range c {
		if e.Cause == cause {
			return e.N
		}
	}
	return 0
}

// hiddenCertificates counts handshakes without a visible certificate.
func (s *Sensor) hiddenCertificates() (n uint64) {
	for _, e := range s.Hidden {
		if discover.HidesCertificate(e.Cause) {
			n += e.N
		}
	}
	return n
}

// sight says what was seen and what could not be seen. It is at the top of
// every report, because what is not seen is never fine.
func (s *Sensor) sight(first, last *time.Time) []line {
	lines := append(make([]line, 0, 6), line{"traffic", s.traffic(first, last)})
	if n := s.hiddenCertificates(); n > 0 {
		lines = append(lines, line{"not seen", "certificates of " + quantity(n, "handshake") +
			" (" + part(n, s.Handshakes) + "): " + causes(s.Hidden)})
	} else if s.Handshakes > 0 {
		lines = append(lines, line{"not seen", nothing + ": no certificate was hidden"})
	}
	if text := s.alsoHidden(); text != "" {
		lines = append(lines, line{"", text})
	}
	lines = append(lines, line{"lost", s.losses()})
	for _, note := range s.Notes {
		lines = append(lines, line{"note", visible(note)})
	}
	return lines
}

// alsoHidden says what handshakes hid beside their certificate, "" for nothing.
func (s *Sensor) alsoHidden() string {
	var list []string
	if n := s.Hidden.of(discover.CountECH); n > 0 {
		list = append(list, quantity(n, "handshake")+" offered ECH"+s.offered()+": the name seen may not be the one asked for")
	}
	if n := s.Hidden.of(discover.CountEarlyData); n > 0 {
		list = append(list, quantity(n, "handshake")+" offered 0-RTT data")
	}
	return strings.Join(list, "; ")
}

// offered says more of the handshakes that offered ECH.
func (s *Sensor) offered() string {
	var list []string
	if n := s.Hidden.of(discover.CountECHPublic); n > 0 {
		list = append(list, number(n)+" under a provider's public name")
	}
	if n := s.Hidden.of(discover.CountESNI); n > 0 {
		list = append(list, number(n)+" as ESNI")
	}
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

func (s *Sensor) traffic(first, last *time.Time) string {
	text := quantity(s.Handshakes, "handshake")
	if s.Packets > 0 {
		text += " in " + quantity(s.Packets, "packet")
	}
	if s.CutOff > 0 {
		text += " (" + number(s.CutOff) + " more, of answered connections, were left in the kernel)"
	}
	if first == nil || last == nil {
		return text
	}
	return period(*first, *last) + ", " + text
}

func (s *Sensor) losses() string {
	var list []string
	if s.KernelDrops > 0 {
		list = append(list, quantity(s.KernelDrops, "packet")+" dropped by the kernel")
	}
	if c := causes(s.Lost); c != "" {
		list = append(list, c)
	}
	if len(list) == 0 {
		return nothing
	}
	return strings.Join(list, ", ")
}

// nothingFound says plainly that there is no finding, and how far that carries.
func (r *Report) nothingFound() string {
	s := &r.Sensor
	switch n := s.hiddenCertificates(); {
	case s.Handshakes == 0:
		return "No findings, because no TLS handshake was seen: look at where the sensor listens."
	case r.Summary.Handshakes == 0:
		return "No findings, because no client used anything in scope: see what is out of scope below, and the scope of the configuration."
	case n > 0:
		return "No findings in what could be seen. The certificates of " + quantity(n, "handshake") +
			" (" + part(n, s.Handshakes) + ") were hidden" + r.askedFor() + "." + r.lossSentence()
	}
	if l := r.lossSentence(); l != "" {
		return "No findings in what could be seen." + l
	}
	return "No findings."
}

// askedFor says of how many handshakes our own looks made up for what was
// hidden.
func (r *Report) askedFor() string {
	n := r.Summary.VerifiedHandshakes
	if n == 0 {
		return ""
	}
	return ", and those of " + number(n) + " in scope were asked for"
}

func (r *Report) lossSentence() string {
	if l := r.Sensor.losses(); l != nothing {
		return " Lost: " + l + "."
	}
	return ""
}

// head is what stands above the findings.
func (r *Report) head() []line {
	lines := r.Sensor.sight(r.Window.First, r.Window.Last)
	if n := r.Summary.VerifiedHandshakes; n > 0 {
		lines = append(lines, line{"asked", "for the certificates that " + quantity(n, "handshake") + " in scope did not show, by 'blindspot verify'"})
	}
	lines = append(lines, line{"in use", r.Summary.inUse()})
	if text := inTheClear(&r.Summary.Cleartext); text != "" {
		lines = append(lines, line{"cleartext", text})
	}
	return append(lines,
		line{"checks", r.checked()},
		line{"findings", r.Summary.Findings.text()})
}

func (s *Summary) inUse() string {
	text := quantity(uint64(s.Hostnames), "hostname") + " (" + number(uint64(s.Monitored)) + " monitored, "
	if s.WeaklyMonitored > 0 {
		text += number(uint64(s.WeaklyMonitored)) + " only weakly, "
	}
	text += number(uint64(s.Unmonitored)) + " unmonitored"
	if s.Unmonitored > 0 {
		text += " with " + percent(s.UnmonitoredShare) + " of traffic"
	}
	return text + "), " + quantity(uint64(s.Endpoints), "endpoint") + ", " + quantity(uint64(s.Certificates), "certificate") +
		", " + quantity(s.Handshakes, "handshake")
}

// inTheClear counts the sessions that stayed so after TLS was spoken of, ""
// where there are none.
func inTheClear(c *coverage.Cleartext) string {
	if c.Refused+c.Declined == 0 {
		return ""
	}
	var list []string
	if c.Declined > 0 {
		list = append(list, number(c.Declined)+" where the client went on without it")
	}
	if c.Refused > 0 {
		list = append(list, number(c.Refused)+" where the server refused it")
	}
	return quantity(c.Refused+c.Declined, "session") + " stayed in the clear after TLS was spoken of, at " +
		quantity(uint64(c.Endpoints), "endpoint") + ": " + strings.Join(list, ", ")
}

// checked says what monitoring checks.
func (r *Report) checked() string {
	var off, witnessed, used uint64
	for i := range r.Checks {
		c := &r.Checks[i]
		switch {
		case !c.Enabled:
			off++
			continue
		case c.Used:
			used++
		}
		if len(c.Witnessed) > 0 {
			witnessed++
		}
	}
	text := quantity(uint64(len(r.Checks)), "check") + ": " + number(used) + " of what clients use, " + number(witnessed) + " seen at work"
	if off > 0 {
		text += ", " + number(off) + " disabled"
	}
	if n := len(r.Warnings); n > 0 {
		text += "; " + quantity(uint64(n), "warning") + " below"
	}
	return text
}

func (n *Severities) text() string {
	if n.Critical+n.Warning+n.Notice == 0 {
		return "none"
	}
	var list []string
	if n.Critical > 0 {
		list = append(list, number(uint64(n.Critical))+" critical")
	}
	if n.Warning > 0 {
		list = append(list, quantity(uint64(n.Warning), "warning"))
	}
	if n.Notice > 0 {
		list = append(list, quantity(uint64(n.Notice), "notice"))
	}
	return strings.Join(list, ", ")
}

// maxLargestShown bounds the names out of scope that people are shown.
const maxLargestShown = 5

// aside is what is no finding and still belongs into the picture.
func (r *Report) aside() []line {
	var lines []line
	if o := &r.OutOfScope; o.Handshakes+o.Cleartext > 0 {
		lines = append(lines, line{"out of scope", r.outOfScope()})
	}
	if a := &r.AskedOnly; a.Names+a.Stray > 0 {
		lines = append(lines, line{"asked only", askedOnly(a.Names, a.Handshakes, a.Stray, a.StrayHandshakes)})
	}
	if s := &r.Summary; s.MonitorHandshakes+s.Cleartext.Checks > 0 {
		lines = append(lines, line{"monitors", quantity(s.MonitorHandshakes, "handshake") + andClear(s.Cleartext.Checks) + " that the checks made themselves, which are no use of a name"})
	}
	if s := &r.Summary; s.Scanners > 0 {
		lines = append(lines, line{"scanners", quantity(uint64(s.Scanners), "client") + " that went from server to server and used none: " + quantity(s.ScannerHandshakes, "handshake") + andClear(s.Cleartext.Scanners)})
	}
	if n := r.Summary.Beyond; n > 0 {
		lines = append(lines, line{"beyond", quantity(n, "handshake") + " came after a bound of the comparison and are in no finding"})
	}
	return lines
}

// andClear goes on a count of handshakes with one of sessions.
func andClear(n uint64) string {
	if n == 0 {
		return ""
	}
	return " and " + quantity(n, "session") + " in the clear"
}

func (r *Report) outOfScope() string {
	o := &r.OutOfScope
	var list []string
	for _, e := range o.Largest[:min(len(o.Largest), maxLargestShown)] {
		port := strconv.Itoa(int(e.Port))
		if e.Hostname == "" {
			list = append(list, number(e.Handshakes)+" to port "+port+" without a name")
			continue
		}
		text := number(e.Handshakes) + " to " + visible(e.Hostname) + ":" + port
		if e.ECHPublic {
			text += " (a public name of ECH)"
		}
		list = append(list, text)
	}
	text := quantity(o.Handshakes, "handshake")
	if len(list) > 0 {
		text += "; the largest: " + strings.Join(list, ", ")
	}
	if o.Cleartext > 0 {
		text += "; " + quantity(o.Cleartext, "session") + " that stayed in the clear"
	}
	return text
}

func askedOnly(names int, handshakes uint64, stray int, strayHandshakes uint64) string {
	text := quantity(uint64(names), "name") + " (" + quantity(handshakes, "handshake") + ") that no server answered"
	if stray > 0 {
		text += "; " + quantity(uint64(stray), "name") + " (" + quantity(strayHandshakes, "handshake") + ") that only a default answered"
	}
	return text
}

// facts are the figures of a finding, "" where it has none.
func facts(f *discover.Finding) string {
	if f.Handshakes+f.Clients == 0 {
		return ""
	}
	text := quantity(f.Clients, "client")
	if f.Handshakes > 0 { // none is in what stayed in the clear
		text = percent(f.Share) + " of traffic, " + quantity(f.Handshakes, "handshake") + ", " + text
	}
	if !f.LastSeen.IsZero() {
		text += ", last seen " + f.LastSeen.UTC().Format(secondLayout) + " UTC"
	}
	return text
}

// placed is where a finding is and whose it is.
func placed(f *discover.Finding) (surface, owner string) {
	if f.Surface != unassigned {
		surface = visible(f.Surface)
	}
	return surface, visible(f.Owner)
}

// commandMark stands before the command in a remedy.
const commandMark = "See it with: "

// remedyOf divides a remedy into sentences and the command that ends it, which
// is kept in one piece so that it can be copied.
func remedyOf(f *discover.Finding) (text, command string) {
	text = f.Remedy
	if i := strings.LastIndex(text, commandMark); i >= 0 {
		text, command = text[:i], text[i+len(commandMark):]
	}
	return visible(strings.TrimSpace(text)), visible(strings.TrimSpace(command))
}
