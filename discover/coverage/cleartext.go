package coverage

import (
	"fmt"
	"slices"
	"strings"

	"blindspot/discover"
)

func init() { register(kind{name: "cleartext-after-offer", rank: 19, find: findCleartext}) }

// findCleartext finds endpoints where TLS was to be had within a plaintext
// protocol (STARTTLS), and sessions stayed in the clear: because the client
// went on without it, or because the server refused it to one that asked. It
// is a notice, and no handshake is in it.
//
// It must not appear for endpoints out of scope, for sessions of the checks
// and of scanners, nor where nobody spoke of TLS: plaintext by itself is no
// finding. More than maxSeparate endpoints of one protocol in a surface are
// one finding.
func findCleartext(a *analysis) []discover.Finding {
	var out []discover.Finding
	at := map[clearKind]int{}
	var kin [][]*offered
	for _, o := range a.offerList {
		k := clearKind{o.surface, o.endpoint.preface}
		i, seen := at[k]
		if !seen {
			i = len(kin)
			at[k] = i
			kin = append(kin, nil)
		}
		kin[i] = append(kin[i], o)
	}
	for _, list := range kin {
		if len(list) > maxSeparate {
			out = append(out, a.cleartext(list))
			continue
		}
		for i := range list {
			out = append(out, a.cleartext(list[i:i+1]))
		}
	}
	return out
}

// clearKind is what places have in common where there are more than
// maxSeparate of them.
type clearKind struct {
	surface int
	preface string
}

// clearSum is what became of TLS at some places together.
type clearSum struct {
	refused, declined, tls       uint64
	refusers, decliners, clients uint64 // distinct clients: refused, declining, all
	all                          uint64 // sessions
}

func (a *analysis) clearSum(list []*offered) (n clearSum) {
	refusers, decliners, all := a.newCrowd(), a.newCrowd(), a.newCrowd()
	for _, o := range list {
		n.refused, n.declined, n.tls = n.refused+o.refused.n, n.declined+o.declined.n, n.tls+o.tls.n
		refusers.add(&o.refused.clients)
		decliners.add(&o.declined.clients)
		for _, s := range [...]*sessions{&o.refused, &o.declined, &o.tls} {
			all.add(&s.clients)
		}
	}
	n.all = n.refused + n.declined + n.tls
	n.refusers, n.decliners, n.clients = refusers.distinct(), decliners.distinct(), all.distinct()
	return n
}

// cleartext is the finding about some places with the same preface.
func (a *analysis) cleartext(list []*offered) discover.Finding {
	top := list[0]
	for _, o := range list[1:] {
		if o.clear() > top.clear() {
			top = o
		}
	}
	s := &a.surfaces[top.surface]
	f := discover.Finding{
		Kind: "cleartext-after-offer", Severity: discover.Notice, Surface: s.Name, Owner: s.Owner,
		Evidence: map[string]any{"starttls": clean(top.endpoint.preface)},
	}
	c := &cell{how: untold, endpoint: top.endpoint, name: top.name}
	if len(list) == 1 && top.name != nil {
		f.Hostname = top.name.text
	}
	if f.Owner == "" {
		f.Owner = a.checkOwner(c)
	}
	for _, o := range list {
		f.Endpoints = append(f.Endpoints, o.endpoint.text())
		widen(&f.FirstSeen, &f.LastSeen, o.first, o.last)
	}
	f.Endpoints = slices.Compact(f.Endpoints) // in order: those of networks apart look alike
	f.Clients = a.clearClients(list)
	n := a.clearSum(list)
	clearEvidence(&f, list, &n, top)
	f.Detail = clearDetail(&f, &n, spokenName(top.endpoint.preface))
	f.Remedy = clearRemedy(&f, &n, list, top) + " See it with: " + command(c)
	return f
}

// clearClients counts those who stayed in the clear for either reason.
func (a *analysis) clearClients(list []*offered) uint64 {
	w := a.newCrowd()
	for _, o := range list {
		w.add(&o.refused.clients)
		w.add(&o.declined.clients)
	}
	return max(w.distinct(), 1)
}

// clearPlace is one place in the evidence of a finding about several.
type clearPlace struct {
	Endpoint string `json:"endpoint"`
	Refused  uint64 `json:"refused"`
	Declined uint64 `json:"declined"`
	WithTLS  uint64 `json:"with_tls"`
}

func clearEvidence(f *discover.Finding, list []*offered, n *clearSum, top *offered) {
	e := f.Evidence
	e["sessions"] = map[string]uint64{"refused": n.refused, "declined": n.declined, "with_tls": n.tls}
	e["sessions_total"], e["clients_total"] = n.all, n.clients
	if n.refused > 0 {
		e["refused_clients"] = worst(usesOf(list, func(o *offered) *sessions { return &o.refused }))
	}
	if n.declined > 0 {
		e["declined_clients"] = worst(usesOf(list, func(o *offered) *sessions { return &o.declined }))
	}
	if len(list) > 1 {
		var places []clearPlace
		for _, o := range bounded(list, maxListed) {
			places = append(places, clearPlace{o.endpoint.text(), o.refused.n, o.declined.n, o.tls.n})
		}
		e["places"], e["places_total"] = places, len(list)
	}
	if len(f.Endpoints) > maxEndpoints {
		e["endpoints_total"] = len(f.Endpoints)
		f.Endpoints = f.Endpoints[:maxEndpoints]
	}
	if top.endpoint.network != "" {
		e["network"] = top.endpoint.network
	}
	if top.endpoint.target != "" {
		e["target"] = clean(top.endpoint.target)
	}
}

func usesOf(list []*offered, of func(*offered) *sessions) []*sessions {
	out := make([]*sessions, len(list))
	for i, o := range list {
		out[i] = of(o)
	}
	return out
}

// clearDetail says who did not want TLS, in how much of what there was.
func clearDetail(f *discover.Finding, n *clearSum, protocol string) string {
	switch {
	case n.refused == 0:
		return fmt.Sprintf("%s %s TLS within %s, and clients went on in the clear: %s.",
			where(f), verb(f, "offers", "offer"), protocol, ofAll(n.declined, n.decliners, n))
	case n.declined == 0:
		return fmt.Sprintf("%s %s TLS within %s to clients that ask for it: %s.",
			where(f), verb(f, "refuses", "refuse"), protocol, ofAll(n.refused, n.refusers, n))
	}
	return fmt.Sprintf("Sessions of %s to %s stayed in the clear: TLS was refused to clients that asked for it in %s, and clients went on without it after the offer in %d, of %s.",
		protocol, where(f), ofAll(n.refused, n.refusers, n), n.declined, count(max(n.decliners, 1), "client"))
}

// ofAll is "3 of 12 sessions, of 1 of 4 clients".
func ofAll(sessions, clients uint64, n *clearSum) string {
	return portion(sessions, n.all, "session") + ", of " + portion(max(clients, 1), max(n.clients, 1), "client")
}

func portion(part, all uint64, what string) string {
	switch {
	case part < all:
		return fmt.Sprintf("%d of %s", part, count(all, what))
	case all == 1:
		return "the only " + what
	}
	return "all " + count(all, what)
}

// spoken is a protocol that TLS can begin within: how a server is given TLS,
// and how it is made to insist.
type spoken struct{ name, serve, insist string }

var dovecot = spoken{
	serve:  "Dovecot: ssl = yes, with a certificate",
	insist: "Dovecot: ssl = required, and disable_plaintext_auth = yes, which from 2.4 on is auth_allow_cleartext = no",
}

// spokenBy are the protocols by the last word of a preface.
var spokenBy = map[string]spoken{
	"smtp": {"SMTP", "Postfix: smtpd_tls_security_level = may, with smtpd_tls_chain_files",
		"Postfix: smtpd_tls_security_level = encrypt where users submit mail; at port 25, where anybody may deliver (RFC 3207 section 4), smtp_tls_security_level = encrypt at the senders that are yours"},
	"imap":       {"IMAP", dovecot.serve, dovecot.insist},
	"pop3":       {"POP3", dovecot.serve, dovecot.insist},
	"sieve":      {"ManageSieve", dovecot.serve, dovecot.insist},
	"ftp":        {"FTP", "vsftpd: ssl_enable=YES, with rsa_cert_file", "vsftpd: force_local_logins_ssl=YES and force_local_data_ssl=YES"},
	"ldap":       {"LDAP", "slapd: olcTLSCertificateFile and olcTLSCertificateKeyFile", "slapd: olcSecurity: tls=128"},
	"xmpp":       {"XMPP", "Prosody: the tls module and a certificate", "Prosody: c2s_require_encryption = true and s2s_require_encryption = true"},
	"nntp":       {"NNTP", "INN: tlscertfile and tlskeyfile in inn.conf", "INN: require_ssl: true in readers.conf"},
	"irc":        {name: "IRC"},
	"postgresql": {"PostgreSQL", "postgresql.conf: ssl = on", "pg_hba.conf: hostssl in place of host; clients: sslmode=verify-full"},
	"mysql":      {"MySQL", "my.cnf: ssl_cert and ssl_key", "my.cnf: require_secure_transport = ON"},
	"mssql":      {"SQL Server", "a certificate in SQL Server Configuration Manager", "SQL Server Configuration Manager: Force Encryption"},
	"rdp":        {"RDP", "Windows: SecurityLayer 2 of the RDP listener", "Windows: SecurityLayer 2 of the RDP listener"},
	"amqp":       {name: "AMQP"},
}

// spokenName is the protocol that a preface ends in, for people.
func spokenName(preface string) string {
	last := preface[strings.LastIndexByte(preface, '+')+1:]
	switch p := spokenBy[last]; {
	case p.name != "":
		return p.name
	case last == "" || last == "starttls": // one direction was seen, and several have its words
		return "a plaintext protocol"
	}
	return clean(last)
}

func clearRemedy(f *discover.Finding, n *clearSum, list []*offered, top *offered) string {
	p := spokenBy[top.endpoint.preface[strings.LastIndexByte(top.endpoint.preface, '+')+1:]]
	at := some(f.Endpoints)
	var out []string
	switch {
	case n.refused > 0 && n.refused < n.all:
		out = append(out, "Find in the log of "+at+" why TLS is refused to some"+hint(p.serve)+".")
	case n.refused > 0:
		out = append(out, "Give "+at+" TLS"+hint(p.serve)+".")
	}
	who := ""
	if w := worst(slices.Concat(usesOf(list, func(o *offered) *sessions { return &o.refused }), usesOf(list, func(o *offered) *sessions { return &o.declined }))); len(w) > 0 {
		var texts []string
		for _, c := range w {
			texts = append(texts, c.Client)
		}
		who = " (" + some(texts) + ")"
	}
	out = append(out, "Set the clients"+who+" to insist on TLS, then let "+at+" refuse to go on without"+hint(p.insist)+".")
	return strings.Join(out, " ")
}

func hint(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
