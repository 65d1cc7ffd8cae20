package starttls

import (
	"net/netip"

	"blindspot/tlsparse"
)

// constructed are dialogues that real peers have, put together by hand.
var constructed = []transcript{
	{name: "smtp, first in the clear", want: Found{Name: "smtp"}, text: `
S: 220-mx.example.org ESMTP
S: 220 really
C: ehlo client
S: 250-mx.example.org
S: 250-PIPELINING
S: 250-CHUNKING
S: 250 starttls
C: MAIL FROM:<a@example.org>
C: RCPT TO:<b@example.org>
C: BDAT 12 LAST
C| STARTTLS\r\n\r\n
S: 530 5.7.0 Must issue a STARTTLS command first
S: 503 5.5.1 no
S: 503 5.5.1 no
C: starttls
S: 220 2.0.0 Ready to start TLS
TLS`},
	{name: "smtp with LF only", want: Found{Name: "smtp"}, text: `
S| 220 mx\n
C| EHLO a\n
S| 250-mx\n250 STARTTLS\n
C| STARTTLS\n
S| 220 go\n
TLS`},
	{name: "smtp, declined", want: Found{Answer: tlsparse.Yes, State: Declined, Name: "smtp"}, text: `
S: 220 mx
C: EHLO a
S: 250-mx
S: 250 STARTTLS
C: MAIL FROM:<a@example.org>
S: 250 ok
`},
	{name: "smtp, refused", want: Found{Answer: tlsparse.Yes, State: Refused, Name: "smtp"}, text: `
S: 220 mx
C: EHLO a
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 454 4.7.0 TLS not available due to local problem
C: MAIL FROM:<a@example.org>
S: 250 ok
`},
	{name: "smtp, offered and left", want: Found{Answer: tlsparse.Maybe, State: Offered, Name: "smtp"}, text: `
S: 220 mx
C: EHLO a
S: 250-mx
S: 250 STARTTLS
C: QUIT
S: 221 bye
`},
	{name: "smtp, not offered", want: Found{}, text: `
S: 220 mx
C: EHLO a
S: 250 mx
C: MAIL FROM:<a@example.org>
S: 250 ok
`},
	{name: "imap, offered in the greeting", want: Found{Name: "imap"}, text: `
S: * OK [CAPABILITY IMAP4rev1 LITERAL+ STARTTLS] ready
C: . ID {4}
S: + go
C: ("a" "b")
S: * ID {3}
S| a\nb\r\n. OK done\r\n
C: . starttls
S: * 1 EXISTS
S: . ok begin
TLS`},
	{name: "imap, login in the clear", want: Found{Answer: tlsparse.Yes, State: Declined, Name: "imap"}, text: `
S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready
C: 1 LOGIN alice {6+}
C: secret
S: 1 OK in
`},
	{name: "imap, login refused", want: Found{Answer: tlsparse.Maybe, State: Declined, Name: "imap"}, text: `
S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready
C: 1 LOGIN alice secret
S: 1 NO [PRIVACYREQUIRED] no
C: 2 LOGOUT
S: * BYE
S: 2 OK
`},
	{name: "imap, preauthenticated", want: Found{}, text: `
S: * PREAUTH IMAP4rev1 server logged in as Smith
C: a1 SELECT INBOX
`},
	{name: "pop3, login in the clear", want: Found{Answer: tlsparse.Yes, State: Declined, Name: "pop3"}, text: `
S: +OK ready
C: CAPA
S: +OK
S: STLS
S: .
C: USER alice
S: +OK
`},
	{name: "ftp, login in the clear", want: Found{Answer: tlsparse.Yes, State: Declined, Name: "ftp"}, text: `
S: 120 soon
S: 220 ready
C: FEAT
S: 211-Features:
S:  AUTH TLS
S:  PBSZ
S: 211 End
C: USER alice
S: 331 password
`},
	{name: "ftp, second mechanism", want: Found{Name: "ftp"}, text: `
S: 220 ready
C: AUTH TLS
S: 504 no
C: auth ssl
S: 334 go
TLS`},
	{name: "ldap behind a look at the server's own entry", want: Found{Name: "ldap"}, text: `
# anonymous bind
C= 30 0c 02 01 01 60 07 02 01 03 04 00 80 00
S= 30 0c 02 01 01 61 07 0a 01 00 04 00 04 00
# search of "" for supportedExtension
C= 30 2a 02 01 02 63 25 04 00 0a 01 00 0a 01 00 02 01 00 02 01 00 01 01 00 87 0b 6f 62 6a 65 63 74 43 6c 61 73 73 30 05 04 03 31 2e 31
S= 30 21 02 01 02 64 1c 04 00 30 18 04 16 31 2e 33 2e 36 2e 31 2e 34 2e 31 2e 31 34 36 36 2e 32 30 30 33 37
S= 30 0c 02 01 02 65 07 0a 01 00 04 00 04 00
C= 30 1d 02 01 03 77 18 80 16 31 2e 33 2e 36 2e 31 2e 34 2e 31 2e 31 34 36 36 2e 32 30 30 33 37
S= 30 0c 02 01 03 78 07 0a 01 00 04 00 04 00
TLS`},
	{name: "ldap, bind in the clear after an offer", want: Found{Answer: tlsparse.Yes, State: Declined, Name: "ldap"}, text: `
C= 30 2a 02 01 02 63 25 04 00 0a 01 00 0a 01 00 02 01 00 02 01 00 01 01 00 87 0b 6f 62 6a 65 63 74 43 6c 61 73 73 30 05 04 03 31 2e 31
S= 30 21 02 01 02 64 1c 04 00 30 18 04 16 31 2e 33 2e 36 2e 31 2e 34 2e 31 2e 31 34 36 36 2e 32 30 30 33 37
S= 30 0c 02 01 02 65 07 0a 01 00 04 00 04 00
C= 30 11 02 01 03 60 0c 02 01 03 04 04 63 6e 3d 61 80 01 62
S= 30 0c 02 01 03 61 07 0a 01 00 04 00 04 00
`},
	{name: "ldap in the clear", want: Found{}, text: `
C= 30 11 02 01 01 60 0c 02 01 03 04 04 63 6e 3d 61 80 01 62
S= 30 0c 02 01 01 61 07 0a 01 00 04 00 04 00
`},
	{name: "mssql, encryption not supported", want: Found{Answer: tlsparse.Yes, State: Refused, Name: "mssql"}, text: `
C= 12 01 00 1a 00 00 00 00 00 00 0b 00 06 01 00 11 00 01 ff 09 00 00 00 00 00 01
S= 04 01 00 1a 00 00 00 00 00 00 0b 00 06 01 00 11 00 01 ff 09 00 00 00 00 00 02
`},
	{name: "mssql, client without", want: Found{Answer: tlsparse.Yes, State: Declined, Name: "mssql"}, text: `
C= 12 01 00 1a 00 00 00 00 00 00 0b 00 06 01 00 11 00 01 ff 09 00 00 00 00 00 02
S= 04 01 00 1a 00 00 00 00 00 00 0b 00 06 01 00 11 00 01 ff 09 00 00 00 00 00 00
`},
	{name: "rdp, network level authentication", want: Found{Name: "rdp"}, text: `
# a routing token is a cookie too; CredSSP runs within TLS
C= 03 00 00 13 0e e0 00 00 00 00 00 01 00 08 00 0b 00 00 00
S= 03 00 00 13 0e d0 00 00 12 34 00 02 1f 08 00 08 00 00 00
TLS`},
	{name: "rdp of old", want: Found{}, text: `
C= 03 00 00 0b 06 e0 00 00 00 00 00
S= 03 00 00 0b 06 d0 00 00 12 34 00
`},
	{name: "http-connect with credentials at the third attempt", want: Found{
		Name: "http-connect", Target: "[2001:db8::1]:8443"}, text: `
C: CONNECT [2001:db8::1]:8443 HTTP/1.1
C: Host: [2001:db8::1]:8443
C:
S: HTTP/1.1 407 Proxy Authentication Required
S: Proxy-Authenticate: NTLM
S: Content-Length: 9
S:
S| HTTP/1.1\n
C: CONNECT [2001:db8::1]:8443 HTTP/1.1
C: Proxy-Authorization: NTLM a
C:
S: HTTP/1.1 407 Proxy Authentication Required
S: Transfer-Encoding: chunked
S:
S: 5;x=y
S: hello
S: 0
S:
C: CONNECT [2001:db8::1]:8443 HTTP/1.1
C: Proxy-Authorization: NTLM b
C:
S: HTTP/1.1 100 Continue
S:
S: HTTP/1.0 200 Connection established
S: Content-Length: 100
S:
TLS`},
	{name: "http-connect to something else", want: Found{}, text: `
C: CONNECT example.org:22 HTTP/1.1
C:
S: HTTP/1.1 200 ok
S:
S: SSH-2.0-OpenSSH_9.2
C: SSH-2.0-OpenSSH_9.2
`},
	{name: "http-connect with a name that nobody has", want: Found{
		Name: "http-connect", Target: `a\x22b\x3cc\x3e\xc3\xa4:443`}, text: `
C| CONNECT a\"b<c>\xc3\xa4:443 HTTP/1.0\r\n\r\n
S| HTTP/1.0 200\r\n\r\n
TLS`},
	{name: "socks5, no authentication", want: Found{Name: "socks5", Target: "[2001:db8::1]:443"}, text: `
C= 05 01 00
S= 05 00
C= 05 01 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 01 bb
S= 05 00 00 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
TLS`},
	{name: "socks5, associate", want: Found{}, text: `
C= 05 01 00
S= 05 00
C= 05 03 00 01 00 00 00 00 00 00
`},
	{name: "socks4", want: Found{Name: "socks4", Target: "192.0.2.7:443"}, text: `
C= 04 01 01 bb c0 00 02 07 00
S= 00 5a 01 bb c0 00 02 07
TLS`},
	{name: "proxy, then smtp", want: Found{
		Name: "proxy-v1+smtp", Origin: netip.MustParseAddrPort("[2001:db8::5]:40000")}, text: `
C: PROXY TCP6 2001:db8::5 2001:db8::1 40000 25
S: 220 mx
C: EHLO a
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go
TLS`},
	{name: "proxy, then postgresql, refused", want: Found{Answer: tlsparse.Yes, State: Refused,
		Name: "proxy-v2+postgresql"}, text: `
C= 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 20 00 00 00
C= 00 00 00 08 04 d2 16 2f
S| N
C= 00 00 00 0d 00 03 00 00 75 73 65 72 00
`},
	{name: "proxy, connect, smtp", want: Found{
		Name: "proxy-v1+http-connect+smtp", Target: "mx:25", Origin: netip.MustParseAddrPort("192.0.2.1:1")}, text: `
C: PROXY TCP4 192.0.2.1 192.0.2.2 1 2
C: CONNECT mx:25 HTTP/1.1
C:
S: HTTP/1.1 200 ok
S:
S: 220 mx
C: EHLO a
S: 250 STARTTLS
C: STARTTLS
S: 220 go
TLS`},
	{name: "socks, then xmpp, with a line's end behind the tags", want: Found{Name: "socks5+xmpp", Target: "192.0.2.7:5222"}, text: `
C= 05 01 00
S= 05 00
C= 05 01 00 01 c0 00 02 07 14 66
S= 05 00 00 01 00 00 00 00 00 00
C| <stream:stream to='a>b' xmlns='jabber:client' version='1.0'>
S| <stream:stream xmlns='jabber:client' version='1.0'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>
C| <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'></starttls>\r\n
S| <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n
TLS`},
	{name: "mysql", want: Found{Name: "mysql"}, text: `
S= 48 00 00 00 0a 38 2e 30 2e 33 36 00 0b 00 00 00 01 02 03 04 05 06 07 08 00 ff ff ff 02 00 ff df 15 00 00 00 00 00 00 00 00 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 00 63 61 63 68 69 6e 67 5f 73 68 61 32 5f 70 61 73 73 77 64 00
C= 20 00 00 01 85 ae ff 19 00 00 00 01 ff 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
TLS`},
	{name: "mysql in the clear", want: Found{Answer: tlsparse.Yes, State: Declined, Name: "mysql"}, text: `
S= 48 00 00 00 0a 38 2e 30 2e 33 36 00 0b 00 00 00 01 02 03 04 05 06 07 08 00 ff ff ff 02 00 ff df 15 00 00 00 00 00 00 00 00 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 00 63 61 63 68 69 6e 67 5f 73 68 61 32 5f 70 61 73 73 77 64 00
C= 23 00 00 01 85 a6 ff 19 00 00 00 01 ff 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 61 00 00
`},
	{name: "openvpn", want: Found{Name: "openvpn", Wrapped: OpenVPN}, text: `
C= 00 0e 38 01 02 03 04 05 06 07 08 00 00 00 00 00
S= 00 1a 40 01 02 03 04 05 06 07 08 01 00 00 00 00 01 02 03 04 05 06 07 08 00 00 00 00
TLS`},
	{name: "openvpn with tls-auth", want: Found{Name: "openvpn", Wrapped: OpenVPN}, text: `
C= 00 2a 38 01 02 03 04 05 06 07 08 aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa 00 00 00 01 5e 3e 7b 98 00 00 00 00 00
S= 00 36 40 01 02 03 04 05 06 07 08 aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa 00 00 00 01 5e 3e 7b 98 01 00 00 00 00 01 02 03 04 05 06 07 08 00 00 00 00
TLS`},
	{name: "openvpn with tls-crypt", want: Found{}, text: `
C= 00 36 38 01 02 03 04 05 06 07 08 00 00 00 01 5e 3e 7b 98 aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa bb bb bb bb bb
`},
	{name: "http", want: Found{}, text: "C: GET / HTTP/1.1"},
	{name: "http, asking for options", want: Found{}, text: `
C: OPTIONS * HTTP/1.1
C: Upgrade: websocket
C:
`},
	{name: "ssh", want: Found{}, text: "S: SSH-2.0-OpenSSH_9.2\nC: SSH-2.0-OpenSSH_9.2"},
	{name: "dns", want: Found{}, text: "C= 00 1d 12 34 01 00 00 01 00 00 00 00 00 00 07 65 78 61 6d 70 6c 65 03 6f 72 67 00 00 01 00 01"},
	{name: "tls", want: Found{}, text: "C= 16 03 01 02 00 01 00 01 fc 03 03"},
}

// recorded says what the dialogues with real servers in testdata are.
var recorded = map[string]Found{
	"curl-imap":           {Name: "imap"},
	"curl-imap-clear":     {Answer: tlsparse.Yes, State: Declined, Name: "imap"},
	"curl-pop3":           {Name: "pop3"},
	"curl-pop3-clear":     {Answer: tlsparse.Yes, State: Declined, Name: "pop3"},
	"dante-socks4":        {Name: "socks4", Target: "127.0.0.1:20443"},
	"dante-socks4a":       {}, // the proxy refused
	"dante-socks5":        {Name: "socks5", Target: "localhost:20443"},
	"dovecot-imap":        {Name: "imap"},
	"dovecot-pop3":        {Name: "pop3"},
	"dovecot-sieve":       {Name: "sieve"},
	"haproxy-v1-postfix":  {Name: "proxy-v1+smtp", Origin: netip.MustParseAddrPort("127.0.0.1:37968")},
	"haproxy-v2-postfix":  {Name: "proxy-v2+smtp", Origin: netip.MustParseAddrPort("127.0.0.1:48516")},
	"inspircd-openssl":    {Name: "irc"},
	"mariadb-clear":       {Answer: tlsparse.Yes, State: Declined, Name: "mysql"},
	"mariadb-openssl":     {Name: "mysql"},
	"mariadb-ssl":         {Name: "mysql"},
	"microsocks-curl":     {Name: "socks5", Target: "localhost:20443"},
	"microsocks-password": {Name: "socks5", Target: "127.0.0.1:20443"},
	"postfix":             {Name: "smtp"},
	"postfix-clear":       {Answer: tlsparse.Yes, State: Declined, Name: "smtp"},
	"postfix-lmtp-client": {Name: "smtp"},
	"postgresql-openssl":  {Name: "postgresql"},
	"postgresql-psql":     {Name: "postgresql"},
	"postgresql-refused":  {Answer: tlsparse.Yes, State: Refused, Name: "postgresql"},
	"prosody-s2s":         {Name: "xmpp"},
	"slapd-clear":         {},
	"slapd-ldapsearch":    {Name: "ldap"},
	"slapd-openssl":       {Name: "ldap"},
	"tinyproxy-407":       {Answer: tlsparse.Maybe, Name: "http-connect"}, // both closed
	"tinyproxy-curl":      {Name: "http-connect", Target: "127.0.0.1:20443"},
	"vsftpd-clear":        {},
	"vsftpd-curl":         {Name: "ftp"},
	"vsftpd-openssl":      {Name: "ftp"},
}
