package starttls

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

// PostgreSQL: SSLRequest, answered by 'S', or 'N' to go on in the clear. A
// GSSENCRequest may come before or after it ("SSL Session Encryption" and "GSSAPI
// Session Encryption" of the protocol's documentation). Since PostgreSQL 17 a
// client may begin with TLS, with ALPN postgresql; that is no preface.
func init() {
	register(Preface{
		Name: "postgresql", What: "PostgreSQL",
		KnownBy: "SSLRequest, answered by S", Source: "PostgreSQL protocol documentation",
		client: "\x00", server: "SNGER", find: findPostgreSQL,
	})
}

const (
	postgresSSL    = 1234<<16 | 5679
	postgresGSS    = 1234<<16 | 5680
	postgresCancel = 1234<<16 | 5678

	// maxPostgreSQL bounds the requests before a startup message: one of each
	// kind, and some room.
	maxPostgreSQL = 4
)

func findPostgreSQL(client, server []byte) found {
	if len(client) == 0 {
		return listenPostgreSQL(server)
	}
	state := Silent
	for s := range maxPostgreSQL {
		request, ans := requestPostgreSQL(client[8*s:])
		encrypts := request == postgresSSL || request == postgresGSS
		switch {
		case ans == tlsparse.No && len(server) >= s:
			return no()
		case ans != tlsparse.Yes, !encrypts && len(server) < s: // answers are missing
			return maybe(state)
		case !encrypts:
			return decided(state)
		}
		c := 8 * (s + 1)
		hello, _ := probe(client[c:], nil)
		switch {
		case len(server) <= s && request == postgresSSL && hello != tlsparse.No:
			return waiting(c, hello, state)
		case len(server) <= s:
			continue
		case request == postgresSSL && server[s] == 'S':
			return started(c, s+1)
		case request == postgresSSL:
			state = Refused
		}
		if server[s] != 'N' { // 'G', or an error
			return decided(state)
		}
	}
	return decided(state)
}

// waiting is a client that asked and whose answer is not here; only its
// handshake tells.
func waiting(c int, hello tlsparse.Answer, state State) found {
	if hello == tlsparse.Yes {
		return started(c, -1)
	}
	return maybe(state)
}

// listenPostgreSQL looks for TLS behind the server's letters alone.
func listenPostgreSQL(server []byte) found {
	s := 0
	for s < len(server) && s < 2 && server[s] == 'N' {
		s++
	}
	if s < len(server) && server[s] == 'S' {
		if _, probe := probe(nil, server[s+1:]); probe == tlsparse.Yes {
			return started(-1, s+1)
		}
	}
	return maybe(Silent)
}

// requestPostgreSQL reads the head of an untyped message: a length, and a code
// or version ("Message Formats").
func requestPostgreSQL(b []byte) (code uint32, ans tlsparse.Answer) {
	if len(b) > 0 && b[0] != 0 || len(b) > 1 && b[1] != 0 {
		return 0, tlsparse.No
	}
	if len(b) < 8 {
		return 0, tlsparse.Maybe
	}
	size := binary.BigEndian.Uint32(b)
	code = binary.BigEndian.Uint32(b[4:])
	switch {
	case code == postgresSSL || code == postgresGSS:
		return code, yes(size == 8)
	case code == postgresCancel, code>>16 == 2, code>>16 == 3:
		return code, yes(size > 8)
	}
	return 0, tlsparse.No
}
