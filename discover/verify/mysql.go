package verify

import "bytes"

func init() { register(preface{word: "mysql", start: startMySQL}) }

// Capabilities of the MySQL protocol that a request for TLS needs.
const (
	mysqlProtocol41 = 0x0200
	mysqlSSL        = 0x0800
	mysqlSecure     = 0x8000
)

// startMySQL answers the greeting with an SSLRequest (MySQL Internals, Protocol
// ::HandshakeV10 and Protocol::SSLRequest).
func startMySQL(d *dialogue) error {
	head, err := d.read(4)
	if err != nil {
		return err
	}
	greeting, err := d.read(int(head[0]) | int(head[1])<<8 | int(head[2])<<16)
	if err != nil {
		return err
	}
	if len(greeting) == 0 || greeting[0] != 10 {
		return said(string(greeting))
	}
	_, rest, ok := bytes.Cut(greeting[1:], []byte{0}) // the server's version
	const before = 4 + 8 + 1                          // thread, salt, filler
	if !ok || len(rest) < before+2 {
		return said("a greeting that breaks off")
	}
	if capabilities := int(rest[before]) | int(rest[before+1])<<8; capabilities&mysqlSSL == 0 {
		return said("no TLS among what it offers")
	}
	request := make([]byte, 4+32)
	request[0], request[3] = 32, head[3]+1
	wanted := mysqlProtocol41 | mysqlSSL | mysqlSecure
	request[4], request[5] = byte(wanted&0xff), byte(wanted>>8)
	request[11] = 1  // packets of 16 MiB at most
	request[12] = 33 // utf8
	return d.send(string(request))
}
