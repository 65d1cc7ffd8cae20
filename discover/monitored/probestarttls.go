package monitored

import "strings"

// startTLSSend tells a protocol by what a prober sends before TLS, upper case.
// An IMAP command stands behind a tag; SMTP greets first.
var startTLSSend = []struct{ begins, preface string }{
	{"EHLO ", "smtp"}, {"HELO ", "smtp"}, {"LHLO ", "smtp"},
	{"STLS", "pop3"},
	{"AUTH TLS", "ftp"}, {"AUTH SSL", "ftp"},
	{"<STREAM:STREAM", "xmpp"}, {"<?XML", "xmpp"}, {"<STARTTLS", "xmpp"},
	{"NICK ", "irc"}, {"CAP LS", "irc"},
}

// startTLSPorts tells a protocol by its port, where what is sent does not.
var startTLSPorts = map[uint16]string{
	25: "smtp", 587: "smtp", 2525: "smtp", 24: "smtp",
	143: "imap", 110: "pop3", 21: "ftp", 389: "ldap", 5222: "xmpp", 5269: "xmpp",
	119: "nntp", 433: "nntp", 4190: "sieve", 6667: "irc",
	5432: "postgresql", 3306: "mysql",
}

// startTLS reports whether a step starts TLS, and in which protocol: in the
// words of events, empty where it is not recognised.
func (t tcpProbe) startTLS(port uint16) (preface string, ok bool) {
	for _, step := range t.Steps {
		if preface == "" {
			preface = prefaceOf(step.Send)
		}
		if step.StartTLS {
			return or(preface, startTLSPorts[port]), true
		}
	}
	return "", false
}

func prefaceOf(send string) string {
	line := strings.ToUpper(strings.TrimSpace(send))
	for _, s := range startTLSSend {
		if strings.HasPrefix(line+" ", s.begins) {
			return s.preface
		}
	}
	// RFC 9051 §2.2.1: a tag, a space, the command.
	if tag, command, ok := strings.Cut(line, " "); ok && tag != "" && command == "STARTTLS" {
		return "imap"
	}
	return ""
}
