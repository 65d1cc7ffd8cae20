package logs

// prefaces are the words of events for what was spoken before TLS, by the names
// that Zeek (service) and Suricata (from_proto) give to it. Of SOCKS they do
// not tell the version.
var prefaces = map[string]string{
	"smtp": "smtp", "imap": "imap", "pop3": "pop3", "ftp": "ftp", "ldap": "ldap", "ldap_tcp": "ldap",
	"xmpp": "xmpp", "nntp": "nntp", "irc": "irc", "sieve": "sieve",
	"postgresql": "postgresql", "pgsql": "postgresql", "postgres": "postgresql",
	"mysql": "mysql", "mssql": "mssql", "tds": "mssql", "rdp": "rdp", "amqp": "amqp", "http": "http-connect",
}
