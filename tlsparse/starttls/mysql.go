package starttls

import (
	"bytes"
	"encoding/binary"

	"blindspot/tlsparse"
)

// MySQL and MariaDB: the server's greeting offers CLIENT_SSL, and the client
// answers with the first 32 bytes of its own and TLS ("Connection Phase" of
// MySQL's protocol documentation).
func init() {
	// A packet begins with its length, little endian.
	register(Preface{
		Name: "mysql", What: "MySQL and MariaDB",
		KnownBy: "CLIENT_SSL in the greeting and in the answer", Source: "MySQL protocol documentation",
		server: bytesFrom(32, 255), client: "\x05" + bytesFrom(32, 255), find: findMySQL,
	})
}

const (
	mysqlClientSSL  = 0x0800
	mysqlProtocol41 = 0x0200
	mysqlRequestLen = 32

	// maxMySQLVersion bounds the text of a server's version.
	maxMySQLVersion = 255
)

// bytesFrom returns the bytes of a range.
func bytesFrom(first, last int) string {
	b := make([]byte, 0, 256)
	for c := first; c <= last; c++ {
		b = append(b, byte(c))
	}
	return string(b)
}

func findMySQL(client, server []byte) found {
	s, offers, greeted := greetMySQL(server)
	c, asks, asked := askMySQL(client)
	if greeted == tlsparse.No || asked == tlsparse.No {
		return no()
	}
	state := Silent
	if greeted == tlsparse.Yes && offers {
		state = Offered
	}
	ch, sh := probe(client[c:], server[s:])
	switch {
	case greeted == tlsparse.Yes && asked == tlsparse.Yes && asks:
		return started(c, s)
	case greeted == tlsparse.Yes && asked == tlsparse.Yes:
		return decided(state)
	case asks && ch == tlsparse.Yes:
		return started(c, -1)
	case offers && sh == tlsparse.Yes:
		return started(-1, s)
	}
	return maybe(state)
}

// cutMySQL returns the packet at the start of b (length of 3 bytes, number).
func cutMySQL(b []byte, number byte) (body []byte, n int, ans tlsparse.Answer) {
	if len(b) > 1 && b[1] > 3 || len(b) > 2 && b[2] != 0 || len(b) > 3 && b[3] != number {
		return nil, 0, tlsparse.No
	}
	if len(b) < 4 {
		return nil, 0, tlsparse.Maybe
	}
	n = 4 + int(b[0]) + int(b[1])<<8
	if n > len(b) {
		return b[4:], 0, tlsparse.Maybe
	}
	return b[4:n], n, tlsparse.Yes
}

// greetMySQL reads the server's greeting: protocol version 10, the server's
// version, thread, 8 bytes of scramble, 0, capabilities.
func greetMySQL(b []byte) (n int, offers bool, ans tlsparse.Answer) {
	body, n, ans := cutMySQL(b, 0)
	if ans == tlsparse.No || len(body) > 0 && body[0] != 10 {
		return 0, false, tlsparse.No
	}
	end := bytes.IndexByte(body, 0)
	version := body
	if end >= 0 {
		version = body[:end]
	}
	if len(version) > maxMySQLVersion || len(version) > 1 && !isText(version[1:]) {
		return 0, false, tlsparse.No
	}
	if ans != tlsparse.Yes {
		return 0, false, ans
	}
	capabilities := end + 1 + 4 + 8 + 1
	if end < 2 || len(body) < capabilities+2 || body[capabilities-1] != 0 {
		return 0, false, tlsparse.No
	}
	return n, binary.LittleEndian.Uint16(body[capabilities:])&mysqlClientSSL != 0, ans
}

// askMySQL reads the client's first packet, which is the request for TLS or the
// whole answer to the greeting. Capabilities and the number 1 are all that
// tells an answer.
func askMySQL(b []byte) (n int, asks bool, ans tlsparse.Answer) {
	body, n, ans := cutMySQL(b, 1)
	if ans != tlsparse.Yes {
		return 0, false, ans
	}
	if len(body) < mysqlRequestLen {
		// Before 4.1: 2 bytes of capabilities and 3 of a size.
		return n, len(body) == 5 && binary.LittleEndian.Uint16(body)&mysqlClientSSL != 0, ans
	}
	if len(body) > mysqlRequestLen {
		return n, false, ans
	}
	const both = mysqlClientSSL | mysqlProtocol41
	return n, binary.LittleEndian.Uint32(body)&both == both, ans
}
