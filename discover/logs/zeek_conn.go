package logs

import "strings"

// maxConns bounds the connections that are kept for joining. More are counted
// as "conn-beyond-bound", and their handshakes go without.
const maxConns = 1 << 20

// zeekConn is what conn.log or quic.log adds to a handshake.
type zeekConn struct {
	udp     bool
	quic    bool
	unseen  bool   // the responder sent nothing that was captured, and was answered
	preface string // STARTTLS word
}

// zeekConns holds connections by their uid.
type zeekConns map[string]zeekConn

func (c zeekConns) add(uid string, conn zeekConn) error {
	old, known := c[uid]
	if !known && len(c) >= maxConns {
		return skip("conn-beyond-bound")
	}
	conn.quic = conn.quic || old.quic
	conn.udp = conn.udp || old.udp
	conn.unseen = conn.unseen || old.unseen
	conn.preface = orDefault(conn.preface, old.preface)
	c[strings.Clone(uid)] = conn
	return nil
}

func (c zeekConns) addQUIC(row row) error {
	uid := get(row, "uid")
	if uid == "" {
		return malformed("the row has no uid")
	}
	return c.add(uid, zeekConn{udp: true, quic: true})
}

// addConn keeps a connection that carried TLS.
func (c zeekConns) addConn(row row) error {
	uid := get(row, "uid")
	if uid == "" {
		return malformed("the row has no uid")
	}
	services := row.list("service")
	if len(services) == 0 { // a string, with commas where there are several
		services = strings.Split(get(row, "service"), ",")
	}
	conn, carried := zeekConn{udp: get(row, "proto") == "udp"}, false
	for _, service := range services {
		switch service = strings.ToLower(service); service {
		case "ssl", "dtls":
			carried = true
		case "quic":
			conn.quic, carried = true, true
		default:
			if conn.preface == "" && !conn.udp {
				conn.preface = prefaces[service]
			}
		}
	}
	if !carried {
		return nil
	}
	conn.unseen = oneSided(get(row, "history"))
	return c.add(uid, conn)
}

// oneSided reads conn.log's history, in which letters of the responder are
// lower case: nothing of it was captured, and the originator sent data and
// acknowledged (D, A), which it can only do with an answer.
func oneSided(history string) bool {
	letters := strings.Trim(history, "^")
	return letters != "" && letters == strings.ToUpper(letters) &&
		strings.Contains(letters, "A") && strings.Contains(letters, "D")
}
