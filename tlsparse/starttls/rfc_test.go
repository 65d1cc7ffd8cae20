package starttls

import (
	"net/netip"

	"blindspot/tlsparse"
)

// fromRFCs are the examples of the documents that define the protocols.
var fromRFCs = []transcript{
	{name: "smtp", source: "RFC 3207 §5", want: Found{Name: "smtp"}, text: `
S: 220 mail.imc.org SMTP service ready
C: EHLO mail.example.com
S: 250-mail.imc.org offers a warm hug of welcome
S: 250-8BITMIME
S: 250-STARTTLS
S: 250 DSN
C: STARTTLS
S: 220 Go ahead
TLS`},
	{name: "smtp with authentication in the clear", source: "RFC 4954 §4.3, without TLS", want: Found{
		Answer: tlsparse.Yes, State: Declined, Name: "smtp"}, text: `
S: 220-smtp.example.com ESMTP Server
C: EHLO client.example.com
S: 220 ready
S: 250-smtp.example.com Hello client.example.com
S: 250-AUTH GSSAPI DIGEST-MD5
S: 250-ENHANCEDSTATUSCODES
S: 250 STARTTLS
C: AUTH DIGEST-MD5
S: 334
`},
	{name: "lmtp", source: "RFC 2033 §5", want: Found{}, text: `
S: 220 foo.edu LMTP server ready
C: LHLO foo.edu
S: 250-foo.edu
S: 250-PIPELINING
S: 250 SIZE
C: MAIL FROM:<chris@bar.com>
S: 250 OK
`},
	{name: "imap", source: "RFC 2595 §3.1", want: Found{Name: "imap"}, text: `
S: * OK IMAP4rev1 ready
C: a001 CAPABILITY
S: * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED
S: a001 OK CAPABILITY completed
C: a002 STARTTLS
S: a002 OK Begin TLS negotiation now
TLS`},
	{name: "pop3", source: "RFC 2595 §4, RFC 2449 §5", want: Found{Name: "pop3"}, text: `
S: +OK POP3 server ready
C: CAPA
S: +OK Capability list follows
S: TOP
S: SASL CRAM-MD5 KERBEROS_V4
S: STLS
S: IMPLEMENTATION Shlemazle-Plotz-v302
S: .
C: STLS
S: +OK Begin TLS negotiation
TLS`},
	{name: "pop3 twice", source: "RFC 2595 §4", want: Found{Answer: tlsparse.Maybe, State: Refused, Name: "pop3"}, text: `
S: +OK POP3 server ready
C: STLS
S: -ERR Command not permitted when TLS active
`},
	{name: "ftp", source: "RFC 4217 §12.3", want: Found{Name: "ftp"}, text: `
S: 220 ftp.example.org ready
C: AUTH TLS
S: 234 Proceed with negotiation.
TLS`},
	{name: "ftp without", source: "RFC 4217 §12.1, refused", want: Found{Answer: tlsparse.Yes, State: Refused, Name: "ftp"}, text: `
S: 220-Welcome
S: all kinds of text
S:  220 indented
S: 220 ready
C: AUTH TLS
S: 534 policy
C: AUTH SSL
S: 502 not implemented
C: USER alice
S: 331 password, please
`},
	{name: "nntp", source: "RFC 4642 §2.2.3", want: Found{Name: "nntp"}, text: `
S: 200 news.example InterNetNews NNRP server ready (posting ok)
C: CAPABILITIES
S: 101 Capability list:
S: VERSION 2
S: READER
S: IHAVE
S: LIST ACTIVE NEWSGROUPS
S: STARTTLS
S: AUTHINFO
S: OVER
S: .
C: STARTTLS
S: 382 Continue with TLS negotiation
TLS`},
	{name: "nntp refused", source: "RFC 4642 §2.2.3", want: Found{Answer: tlsparse.Yes, State: Refused, Name: "nntp"}, text: `
S: 201 ready
C: STARTTLS
S: 580 Can not initiate TLS negotiation
C: AUTHINFO USER fred
S: 381 Enter passphrase
`},
	{name: "nntp, encryption required", source: "RFC 4643 §2.3.3", want: Found{Name: "nntp"}, text: `
S: 200 ready
C: CAPABILITIES
S: 101 Capability list:
S: VERSION 2
S: STARTTLS
S: .
C: AUTHINFO USER fred
S: 483 Encryption or stronger authentication required
C: STARTTLS
S: 382 Continue with TLS negotiation
TLS`},
	{name: "sieve", source: "RFC 5804 §2.2", want: Found{Name: "sieve"}, text: `
S: "IMPLEMENTATION" "Example1 ManageSieved v001"
S: "SIEVE" "fileinto vacation"
S: "STARTTLS"
S: "VERSION" "1.0"
S: OK
C: StartTls
S: OK "Begin TLS negotiation now."
TLS`},
	{name: "sieve with a referral", source: "RFC 5804 §1.7, §2.1", want: Found{
		Answer: tlsparse.Yes, State: Declined, Name: "sieve"}, text: `
S: "IMPlemENTATION" "Example1 ManageSieved v001"
S: "SASl" "DIGEST-MD5 GSSAPI"
S: "SIeVE" "fileinto vacation"
S: "StaRTTLS"
S: "NOTIFY" "xmpp mailto"
S: "MAXREdIRECTS" "5"
S: "VERSION" "1.0"
S: OK
C: Authenticate "DIGEST-MD5"
S: "cmVhbG09ImVsd29vZC5pbm5vc29mdC5leGFtcGxlLmNvbSIsbm9uY2U9Ik9BNk1H"
`},
	{name: "irc", source: "https://ircv3.net/specs/extensions/tls-3.1", want: Found{Name: "irc"}, text: `
C: CAP LS
S: :irc.example.net CAP * LS :multi-prefix tls sasl
C: STARTTLS
S: :irc.example.net 670 * :STARTTLS successful, go ahead with TLS handshake
TLS`},
	{name: "irc refused", source: "https://ircv3.net/specs/extensions/tls-3.1", want: Found{
		Answer: tlsparse.Yes, State: Refused, Name: "irc"}, text: `
S: :irc.example.net NOTICE * :*** Looking up your hostname...
C: STARTTLS
S: :irc.example.net 691 * :STARTTLS failed (Wrong moon phase)
C: NICK alice
C: USER alice 0 * :Alice
S: :irc.example.net 001 alice :Welcome
`},
	{name: "xmpp", source: "RFC 6120 §9.1.1", want: Found{Name: "xmpp"}, text: `
C| <stream:stream\n     from='juliet@im.example.com'\n     to='im.example.com'\n     version='1.0'\n     xml:lang='en'\n     xmlns='jabber:client'\n     xmlns:stream='http://etherx.jabber.org/streams'>
S| <stream:stream\n     from='im.example.com'\n     id='t7AMCin9zjMNwQKDnplntZPIDEI='\n     to='juliet@im.example.com'\n     version='1.0'\n     xml:lang='en'\n     xmlns='jabber:client'\n     xmlns:stream='http://etherx.jabber.org/streams'>
S| <stream:features>\n     <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>\n       <required/>\n     </starttls>\n   </stream:features>
C| <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
S| <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
TLS`},
	{name: "xmpp refused", source: "RFC 6120 §5.4.2.2", want: Found{Answer: tlsparse.Yes, State: Refused, Name: "xmpp"}, text: `
C| <?xml version='1.0'?><stream:stream to='im.example.com' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
S| <?xml version='1.0'?><stream:stream from='im.example.com' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
S| <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>
C| <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
S| <failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>
`},
	{name: "xmpp between servers, in the clear", source: "RFC 6120 §9.2, XEP-0220 §2.1", want: Found{
		Answer: tlsparse.Yes, State: Declined, Name: "xmpp"}, text: `
C| <stream:stream from='im.example.com' to='example.net' version='1.0' xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams'>
S| <stream:stream from='example.net' id='D60000229F' to='im.example.com' version='1.0' xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>
C| <db:result from='im.example.com' to='example.net'>b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3</db:result>
`},
	{name: "ldap", source: "RFC 4511 §4.14, in BER", want: Found{Name: "ldap"}, text: `
C= 30 1d 02 01 01 77 18 80 16 31 2e 33 2e 36 2e 31 2e 34 2e 31 2e 31 34 36 36 2e 32 30 30 33 37
S= 30 0c 02 01 01 78 07 0a 01 00 04 00 04 00
TLS`},
	{name: "ldap, protocolError", source: "RFC 4511 §4.14.2", want: Found{Answer: tlsparse.Yes, State: Refused, Name: "ldap"}, text: `
C= 30 1d 02 01 01 77 18 80 16 31 2e 33 2e 36 2e 31 2e 34 2e 31 2e 31 34 36 36 2e 32 30 30 33 37
S= 30 0c 02 01 01 78 07 0a 01 02 04 00 04 00
# bind as cn=a, password b
C= 30 11 02 01 02 60 0c 02 01 03 04 04 63 6e 3d 61 80 01 62
S= 30 0c 02 01 02 61 07 0a 01 00 04 00 04 00
`},
	{name: "ldap, confidentialityRequired", source: "RFC 4511 §4.1.9, lengths in the long form as Active Directory's", want: Found{Name: "ldap"}, text: `
C= 30 11 02 01 01 60 0c 02 01 03 04 04 63 6e 3d 61 80 01 62
S= 30 84 00 00 00 10 02 01 01 61 84 00 00 00 07 0a 01 0d 04 00 04 00
C= 30 84 00 00 00 1d 02 01 02 77 18 80 16 31 2e 33 2e 36 2e 31 2e 34 2e 31 2e 31 34 36 36 2e 32 30 30 33 37
S= 30 84 00 00 00 2a 02 01 02 78 84 00 00 00 21 0a 01 00 04 00 04 00 8a 16 31 2e 33 2e 36 2e 31 2e 34 2e 31 2e 31 34 36 36 2e 32 30 30 33 37 8b 00
TLS`},
	{name: "postgresql", source: "PostgreSQL 17 documentation, 53.2.11, 53.2.12", want: Found{Name: "postgresql"}, text: `
C= 00 00 00 08 04 d2 16 30
S| N
C= 00 00 00 08 04 d2 16 2f
S| S
TLS`},
	{name: "postgresql refused", source: "PostgreSQL 17 documentation, 53.2.11", want: Found{
		Answer: tlsparse.Yes, State: Refused, Name: "postgresql"}, text: `
C= 00 00 00 08 04 d2 16 2f
S| N
C= 00 00 00 0d 00 03 00 00 75 73 65 72 00
`},
	{name: "amqp", source: "OASIS AMQP 1.0, part 5, figure 5.2", want: Found{Name: "amqp"}, text: `
C| AMQP\x02\x01\x00\x00
S| AMQP\x02\x01\x00\x00
TLS`},
	{name: "amqp refused", source: "OASIS AMQP 1.0, part 5, figure 5.1", want: Found{
		Answer: tlsparse.Yes, State: Refused, Name: "amqp"}, text: `
C| AMQP\x02\x01\x00\x00
S| AMQP\x03\x01\x00\x00
`},
	{name: "rdp", source: "MS-RDPBCGR §4.1.1, §4.1.2", want: Found{Name: "rdp"}, text: `
C= 03 00 00 2c 27 e0 00 00 00 00 00 43 6f 6f 6b 69 65 3a 20 6d 73 74 73 68 61 73 68 3d 65 6c 74 6f 6e 73 0d 0a 01 00 08 00 01 00 00 00
S= 03 00 00 13 0e d0 00 00 12 34 00 02 00 08 00 01 00 00 00
TLS`},
	{name: "rdp refused", source: "MS-RDPBCGR §4.1.2", want: Found{Answer: tlsparse.Yes, State: Refused, Name: "rdp"}, text: `
C= 03 00 00 2c 27 e0 00 00 00 00 00 43 6f 6f 6b 69 65 3a 20 6d 73 74 73 68 61 73 68 3d 65 6c 74 6f 6e 73 0d 0a 01 00 08 00 01 00 00 00
S= 03 00 00 13 0e d0 00 00 12 34 00 02 00 08 00 00 00 00 00
`},
	{name: "mssql", source: "MS-TDS §4.1, §4.2", want: Found{Name: "mssql", Wrapped: TDS}, text: `
C= 12 01 00 2f 00 00 01 00 00 00 1a 00 06 01 00 20 00 01 02 00 21 00 01 03 00 22 00 04 04 00 26 00 01 ff 09 00 00 00 00 00 01 00 b8 0d 00 00 01
S= 04 01 00 2b 00 00 01 00 00 00 1a 00 06 01 00 20 00 01 02 00 21 00 01 03 00 22 00 00 04 00 22 00 01 ff 09 00 00 00 00 00 01 00 01
TLS`},
	{name: "http-connect", source: "RFC 9110 §9.3.6, RFC 9112 §3.2.3", want: Found{
		Name: "http-connect", Target: "server.example.com:80"}, text: `
C: CONNECT server.example.com:80 HTTP/1.1
C: Host: server.example.com:80
C: Proxy-Authorization: basic aGVsbG86d29ybGQ=
C:
S: HTTP/1.1 200 OK
S:
TLS`},
	{name: "http-upgrade", source: "RFC 2817 §3.2, §3.3", want: Found{Name: "http-upgrade"}, text: `
C: OPTIONS * HTTP/1.1
C: Host: example.bank.com
C: Upgrade: TLS/1.0
C: Connection: Upgrade
C:
S: HTTP/1.1 101 Switching Protocols
S: Upgrade: TLS/1.0, HTTP/1.1
S: Connection: Upgrade
S:
TLS`},
	{name: "http-upgrade refused", source: "RFC 2817 §3.1", want: Found{
		Answer: tlsparse.Yes, State: Refused, Name: "http-upgrade"}, text: `
C: OPTIONS * HTTP/1.1
C: Upgrade: TLS/1.2
C:
S: HTTP/1.1 200 OK
S: Content-Length: 0
S:
`},
	{name: "socks5", source: "RFC 1928, RFC 1929", want: Found{Name: "socks5", Target: "example.org:443"}, text: `
C= 05 02 00 02
S= 05 02
C= 01 05 61 6c 69 63 65 03 61 62 63
S= 01 00
C= 05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 01 bb
S= 05 00 00 01 7f 00 00 01 04 38
TLS`},
	{name: "socks4a", source: "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol", want: Found{Name: "socks4", Target: "example.org:443"}, text: `
C= 04 01 01 bb 00 00 00 01 61 00 65 78 61 6d 70 6c 65 2e 6f 72 67 00
S= 00 5a 00 00 00 00 00 00
TLS`},
	{name: "proxy-v1", source: "HAProxy's proxy-protocol.txt §2.1", want: Found{
		Name: "proxy-v1", Origin: netip.MustParseAddrPort("192.168.0.1:56324")}, text: `
C: PROXY TCP4 192.168.0.1 192.168.0.11 56324 443
TLS`},
	{name: "proxy-v1 unknown", source: "HAProxy's proxy-protocol.txt §2.1", want: Found{Name: "proxy-v1"}, text: `
C: PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535
TLS`},
	{name: "proxy-v2", source: "HAProxy's proxy-protocol.txt §2.2", want: Found{
		Name: "proxy-v2", Origin: netip.MustParseAddrPort("192.0.2.1:51034")}, text: `
# with a PP2_TYPE_NOOP of 2 bytes behind the addresses
C= 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 11 c0 00 02 01 c0 00 02 02 c7 5a 01 bb 04 00 02 00 00
TLS`},
}
