package discover

import "strings"

// echPublicNames are the names that providers of Encrypted Client Hello put
// into ECHConfig.public_name, and clients then into the server_name that can be
// seen (RFC 9849 §4, §6.1). They stand for whatever the provider hosts. Names
// that are used for themselves as well, as Meta has in other configurations,
// are not here.
var echPublicNames = map[string]string{ // provider
	"cloudflare-ech.com":    "Cloudflare",
	"cloudflare-esni.com":   "Cloudflare, in its trials of the drafts",
	"ech-public.atmeta.com": "Meta",
	"wikimedia-ech.org":     "Wikimedia",
	"public.tls-ech.dev":    "tls-ech.dev, the test site of BoringSSL's authors",
	"cover.defo.ie":         "defo.ie, the test site of OpenSSL's and curl's authors",
}

// ECHPublicProvider says whose public name for Encrypted Client Hello a
// hostname is, "" where it is none that is known.
func ECHPublicProvider(hostname string) string { return echPublicNames[hostname] }

// publicNames tells known public names: those of echPublicNames, and those that
// the configuration adds.
type publicNames map[string]string // to itself, so that keys hold on to no observation

func publicNamesOf(more []string) publicNames {
	p := make(publicNames, len(echPublicNames)+len(more))
	for name := range echPublicNames {
		p[name] = name
	}
	for _, name := range more {
		name = strings.Clone(name)
		p[name] = name
	}
	return p
}

// mark sets o.ECHPublic, and lets o.SNI be the name that is kept.
func (p publicNames) mark(o *Observation) {
	if o.ECH == "" || o.SNI == "" {
		return
	}
	if name, ok := p[o.SNI]; ok {
		o.ECHPublic, o.SNI = true, name
	} else if o.ECH == ECHAccepted {
		o.ECHPublic = true // the server took the hello within: this name is for the others
	}
}
