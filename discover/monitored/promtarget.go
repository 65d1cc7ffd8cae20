package monitored

import (
	"path/filepath"
	"strings"
)

// target makes the checks of a target: the scrape itself where it speaks TLS,
// and the probe that it asks an exporter for.
func (p *promReader) target(j *promJob, ref string, t promTarget) {
	probe := strings.HasSuffix(t.path, "/probe") && t.params["target"] != ""
	if t.scheme == "https" && !(probe && p.scraped(j, t.address)) {
		p.scrape(j, ref, t)
	}
	if probe {
		p.probe(ref, t)
	}
}

// scraped reports whether the job's exporter at address has its check already:
// a thousand probes through one exporter are one check of the exporter.
func (p *promReader) scraped(j *promJob, address string) bool {
	key := j.JobName.V + "\x00" + address
	seen := p.seen[key]
	p.seen[key] = true
	return seen
}

// scrape is the check that a scrape over https is by itself.
func (p *promReader) scrape(j *promJob, ref string, t promTarget) {
	at, err := parsePlace(t.address)
	if err != nil {
		p.warn(ref, "target %s %v", quote(t.address), err)
		return
	}
	c := newCheck("prometheus", ref, at.withPort(schemes["https"].port))
	c.Scheme = "https"
	tls := j.TLS
	if tls.CAFile != "" && !filepath.IsAbs(tls.CAFile) {
		tls.CAFile = filepath.Join(filepath.Dir(j.path), tls.CAFile)
	}
	c.verifyWith(tls, j.path, at)
	c.setLabels(t.labels)
	if j.unsure {
		c.note("tls_config of the scrape is not in this answer: it is taken to verify; give config=prometheus.yml")
	}
	p.add(c)
}

// verifyWith makes c a check by a tls_config in the file path that asks for
// derived unless the configuration names a server.
func (c *Check) verifyWith(tls tlsConfig, path string, derived place) {
	server, origin := derived, originDerived
	if tls.ServerName != "" {
		named, err := parseHost(tls.ServerName)
		if err != nil {
			c.plain("server_name " + quote(tls.ServerName) + " " + err.Error() + ": the handshake cannot verify")
			return
		}
		server, origin = named, originExplicit
	}
	c.TrustStore = tls.trustStore(path)
	c.setSNI(server, origin)
	if tls.InsecureSkipVerify {
		c.weaken("insecure_skip_verify: the certificate is not verified")
	}
}

// probe makes the check that an exporter does for this target.
func (p *promReader) probe(ref string, t promTarget) {
	m := p.modules.find(t.params["module"])
	c, err := m.check(ref, t.params["target"], t.params["hostname"])
	if err != nil {
		p.warn(ref, "target %s under module %s %v", quote(t.params["target"]), quote(m.name), err)
		return
	}
	if m.note != "" && m.Prober.V != "" {
		c.note(m.note)
	}
	c.setLabels(t.labels)
	p.chains.join(&c, t.labels)
	p.add(c)
}
