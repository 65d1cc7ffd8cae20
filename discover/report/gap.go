package report

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"blindspot/discover"
)

// gap is one check that is missing.
type gap struct {
	host     string         // server name to send, "" for none
	addr     netip.AddrPort // to dial, where the name alone would not lead there
	port     uint16
	starttls string // in the words of events, "" for TLS from the start
	datagram string // "dtls", "quic": what is no TLS over TCP
	proxied  string // target asked of a proxy
	ports    string // those that the name may be on, where the report does not say which

	finding *discover.Finding
}

// gapEvidence is what of a finding's evidence tells which checks are missing.
type gapEvidence struct {
	Port   uint16 `json:"port"`
	Reason string `json:"reason"`
	Target string `json:"target"`
	Names  []struct {
		Hostname string `json:"hostname"`
		Port     uint16 `json:"port"` // 0 where only the finding has one
	} `json:"names"`
	NamesTotal int `json:"names_total"`
}

// gaps are the checks that r's findings ask for, without doubles, in the order
// of the findings. What a report says of a name or an address that is none is
// left out, and counted.
func (r *Report) gaps() (list []gap, unusable int) {
	seen := map[gap]bool{}
	for i := range r.Findings {
		found, bad := gapsOf(&r.Findings[i])
		unusable += bad
		for _, g := range found {
			key := g
			key.finding, key.ports = nil, ""
			if !seen[key] {
				seen[key] = true
				list = append(list, g)
			}
		}
	}
	return list, unusable
}

func gapsOf(f *discover.Finding) (list []gap, unusable int) {
	e := evidenceOf(f)
	base := gap{finding: f, port: e.Port, proxied: e.Target}
	base.starttls, base.datagram = prefaceOf(f)
	switch {
	case f.Kind == "unmonitored-hostname", f.Kind == "unmonitored-endpoint" && e.Reason == "port":
		return namedGaps(f, &e, base)
	case f.Kind == "unmonitored-endpoint", f.Kind == "unnamed-endpoint":
		return addressedGaps(f, base)
	}
	return nil, 0
}

// namedGaps are for the names of f, each at its port in use. Where the names
// of a deployment have several ports and the report does not say which name has
// which, they get the one that is used most.
func namedGaps(f *discover.Finding, e *gapEvidence, base gap) (list []gap, unusable int) {
	ports := portsOf(f.Endpoints)
	if base.port == 0 && len(ports) > 0 {
		base.port = ports[0]
	}
	add := func(h string, port uint16) {
		g := base
		switch {
		case port != 0:
			g.port = port
		case len(ports) > 1 && len(e.Names) > 1:
			g.ports = portsText(ports)
		}
		var ok bool
		if g.host, ok = discover.Hostname(h); !ok || g.port == 0 {
			unusable++
			return
		}
		list = append(list, g)
	}
	listed := false
	for _, n := range e.Names {
		listed = listed || n.Hostname == f.Hostname
	}
	if !listed {
		add(f.Hostname, 0)
	}
	for _, n := range e.Names {
		add(n.Hostname, n.Port)
	}
	return list, unusable
}

// portsOf are the ports of endpoints, without doubles.
func portsOf(endpoints []string) (ports []uint16) {
	for _, e := range endpoints {
		if a, err := netip.ParseAddrPort(e); err == nil && !slices.Contains(ports, a.Port()) {
			ports = append(ports, a.Port())
		}
	}
	return ports
}

// maxPortsTold bounds the ports of one sentence.
const maxPortsTold = 8

func portsText(ports []uint16) string {
	texts := make([]string, len(ports))
	for i, p := range ports {
		texts[i] = strconv.Itoa(int(p))
	}
	return some(texts, len(texts), maxPortsTold)
}

// addressedGaps are for the endpoints of f, with its name where it has one.
func addressedGaps(f *discover.Finding, base gap) (list []gap, unusable int) {
	if f.Kind == "unmonitored-endpoint" {
		base.host, _ = discover.Hostname(f.Hostname)
	}
	for _, e := range f.Endpoints {
		addr, err := netip.ParseAddrPort(e)
		if err != nil || addr.Addr().Zone() != "" {
			unusable++
			continue
		}
		g := base
		g.addr, g.port = addr, addr.Port()
		list = append(list, g)
	}
	return list, unusable
}

// evidenceOf reads evidence of whatever Go types through its JSON.
func evidenceOf(f *discover.Finding) (e gapEvidence) {
	text, err := json.Marshal(f.Evidence)
	if err == nil {
		_ = json.Unmarshal(text, &e) // what has another type stays empty
	}
	return e
}

// prefaces are our words for openssl's.
var prefaces = map[string]string{"postgres": "postgresql"}

// prefaceOf tells from the command of the remedy what stands before TLS, and
// whether it is TLS over TCP at all.
func prefaceOf(f *discover.Finding) (starttls, datagram string) {
	_, command := remedyOf(f)
	words := strings.Fields(command)
	for i, w := range words {
		switch {
		case w == "-starttls" && i+1 < len(words):
			if starttls = words[i+1]; prefaces[starttls] != "" {
				starttls = prefaces[starttls]
			}
			if strings.Trim(starttls, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
				starttls = "unknown"
			}
		case w == "-dtls", w == "-dtls1", w == "-quic":
			datagram = strings.TrimSuffix(w[1:], "1")
		}
	}
	return starttls, datagram
}

// target is host:port as a monitor dials it.
func (g *gap) target() string {
	if g.addr.IsValid() {
		return g.addr.String()
	}
	return g.host + ":" + strconv.Itoa(int(g.port))
}

// pinned says that the name is to be asked of one address.
func (g *gap) pinned() bool { return g.addr.IsValid() && g.host != "" }

// name is what people know the check by.
func (g *gap) name() string {
	if g.pinned() {
		return g.host + " at " + g.target()
	}
	return g.target()
}

// why says in a line why the check is missing.
func (g *gap) why() string {
	f := g.finding
	text := string(f.Severity) + " " + f.Kind
	if n := facts(f); n != "" {
		text += ", " + n
	}
	surface, owner := placed(f)
	if surface != "" {
		text += ", " + surface
	}
	if owner != "" {
		text += ", owner " + owner
	}
	if g.proxied != "" {
		text += ", used through a proxy: whether the monitor gets there without it is to be seen"
	}
	if g.ports != "" {
		text += "; its deployment uses the ports " + g.ports + ", and this name may be on another one of them"
	}
	return visible(text)
}

// unlisted counts the names of findings beyond those that they list.
func (r *Report) unlisted() (n int) {
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Kind != "unmonitored-hostname" {
			continue
		}
		if e := evidenceOf(f); e.NamesTotal > len(e.Names) {
			n += e.NamesTotal - len(e.Names)
		}
	}
	return n
}
