package starttls

import (
	"bytes"

	"blindspot/tlsparse"
)

// LDAP: the extended request 1.3.6.1.4.1.1466.20037, answered by a response
// with result code 0 (RFC 4511 §4.14).
func init() {
	register(Preface{
		Name: "ldap", What: "LDAP",
		KnownBy: "extended request 1.3.6.1.4.1.1466.20037", Source: "RFC 4511",
		client: "0", server: "0", find: findLDAP,
	})
}

const oidStartTLS = "1.3.6.1.4.1.1466.20037"

// maxMessages bounds the messages of each direction that are looked at.
const maxMessages = 32

// Tags of operations (RFC 4511 §4.2 to §4.12) and parts of them.
const (
	ldapBind            = 0x60
	ldapBindResponse    = 0x61
	ldapUnbind          = 0x42
	ldapAbandon         = 0x50
	ldapSearch          = 0x63
	ldapSearchEntry     = 0x64
	ldapSearchDone      = 0x65
	ldapSearchReference = 0x73
	ldapModify          = 0x66 // a response follows its request's tag
	ldapAdd             = 0x68
	ldapDelete          = 0x4a // but for this one
	ldapDeleted         = 0x6b
	ldapRename          = 0x6c
	ldapCompare         = 0x6e
	ldapExtended        = 0x77
	ldapExtendedResult  = 0x78
	ldapIntermediate    = 0x79
	ldapRequestName     = 0x80

	ldapConfidentialityRequired = 13 // and stronger authentication is 8
	ldapStrongerAuthRequired    = 8
)

// ldapMessage is an LDAPMessage (RFC 4511 §4.1.1).
type ldapMessage struct {
	id []byte
	op byte
	// body is the operation's value, cut where the message is.
	body []byte
}

func findLDAP(client, server []byte) found {
	d := ldapDialogue{client: client, server: server}
	for range maxMessages {
		m, n, ans := cutLDAP(client[d.c:], true)
		switch {
		case d.adrift && ans != tlsparse.Yes:
			return maybe(d.state)
		case ans == tlsparse.No:
			return no()
		case ans == tlsparse.Maybe:
			return listenLDAP(server, d.state)
		}
		d.c += n
		if f, done := d.take(&m); done {
			return f
		}
	}
	if d.adrift {
		return maybe(d.state)
	}
	return decided(d.state)
}

// ldapDialogue is a walk through the client's messages.
type ldapDialogue struct {
	client, server []byte
	c, s           int  // offsets of the next message and response
	deaf           bool // responses are behind, or missing
	state          State
	adrift         bool // a message went on in the clear, and its response is not here
}

// take looks at one message and its response.
func (d *ldapDialogue) take(m *ldapMessage) (found, bool) {
	reply, heard := d.answer(m)
	if heard == tlsparse.No {
		return no(), true
	}
	k, code := m.kind(), reply.resultCode()
	switch {
	case k == start && heard == tlsparse.Yes && code == 0:
		return started(d.c, d.s), true
	case k == start && heard == tlsparse.Yes:
		d.state = Refused
	case k == start:
		hello, _ := probe(d.client[d.c:], nil)
		return waiting(d.c, hello, d.state), true
	case k == clear && heard == tlsparse.Maybe:
		d.adrift = true
	case k == clear && code != ldapConfidentialityRequired && code != ldapStrongerAuthRequired:
		return decided(d.state), true
	}
	return found{}, false
}

// answer returns the response to a message. STARTTLS comes when none is under
// way (RFC 4511 §4.14.1), so that responses follow in order up to it.
func (d *ldapDialogue) answer(m *ldapMessage) (reply ldapMessage, heard tlsparse.Answer) {
	if d.deaf || m.op == ldapUnbind || m.op == ldapAbandon {
		return reply, tlsparse.Maybe
	}
	reply, n, offered, heard := answerLDAP(d.server[d.s:], m.id)
	if offered {
		d.state = max(d.state, Offered)
	}
	d.s += n
	d.deaf = heard != tlsparse.Yes
	return reply, heard
}

// cutLDAP returns the message at the start of b. The operation must be one that
// its side sends.
func cutLDAP(b []byte, client bool) (m ldapMessage, n int, ans tlsparse.Answer) {
	if len(b) > 0 && b[0] != 0x30 {
		return m, 0, tlsparse.No
	}
	_, body, n, ans := cutBER(b)
	if ans == tlsparse.No || len(body) > 0 && body[0] != 0x02 {
		return m, 0, tlsparse.No
	}
	_, id, used, idAns := cutBER(body)
	if idAns != tlsparse.Yes {
		if used > 2+4 {
			ans = tlsparse.No
		}
		return m, 0, min(ans, idAns)
	}
	if len(id) == 0 || len(id) > 4 {
		return m, 0, tlsparse.No
	}
	if rest := body[used:]; len(rest) > 0 && !ldapOp(rest[0], client) {
		return m, 0, tlsparse.No
	}
	op, value, _, opAns := cutBER(body[used:])
	if ans == tlsparse.Yes && opAns != tlsparse.Yes {
		return m, 0, tlsparse.No
	}
	return ldapMessage{id, op, value}, n, min(ans, opAns)
}

// ldapOp reports whether a side sends this operation.
func ldapOp(tag byte, client bool) bool {
	if client {
		switch tag {
		case ldapBind, ldapUnbind, ldapSearch, ldapModify, ldapAdd, ldapDelete, ldapRename, ldapCompare,
			ldapAbandon, ldapExtended:
			return true
		}
		return false
	}
	switch tag {
	case ldapBindResponse, ldapSearchEntry, ldapSearchDone, ldapSearchReference,
		ldapModify + 1, ldapAdd + 1, ldapDeleted, ldapRename + 1, ldapCompare + 1,
		ldapExtendedResult, ldapIntermediate:
		return true
	}
	return false
}

// kind says what a client's message means for TLS. Anonymous binds and reading
// the server's own entry come before STARTTLS too.
func (m *ldapMessage) kind() kind {
	switch m.op {
	case ldapExtended:
		tag, name, _, ans := cutBER(m.body)
		if ans == tlsparse.Yes && tag == ldapRequestName && string(name) == oidStartTLS {
			return start
		}
		return harmless
	case ldapBind:
		_, _, version, _ := cutBER(m.body)
		_, name, _, ans := cutBER(m.body[min(version, len(m.body)):])
		if ans == tlsparse.Yes && len(name) == 0 && bytes.HasSuffix(m.body, []byte{0x80, 0}) {
			return harmless
		}
	case ldapSearch:
		if _, base, _, ans := cutBER(m.body); ans == tlsparse.Yes && len(base) == 0 {
			return harmless
		}
	case ldapUnbind, ldapAbandon:
		return harmless
	}
	return clear
}

// resultCode returns the code of a response, 0 for one that has none.
func (m *ldapMessage) resultCode() int {
	if m.op == 0 {
		return 0
	}
	if tag, code, _, ans := cutBER(m.body); ans == tlsparse.Yes && tag == 0x0a && len(code) == 1 {
		return int(code[0])
	}
	return 0
}

// answerLDAP looks for the last response to a message, and returns the offset
// behind it and whether TLS was offered up to it.
func answerLDAP(server, id []byte) (m ldapMessage, s int, offered bool, ans tlsparse.Answer) {
	for range 4 * maxMessages {
		m, n, ans := cutLDAP(server[s:], false)
		if ans != tlsparse.Yes {
			return ldapMessage{}, 0, offered, ans
		}
		s += n
		if m.op == ldapSearchEntry && bytes.Contains(m.body, []byte(oidStartTLS)) {
			offered = true
		}
		if bytes.Equal(m.id, id) && m.op != ldapSearchEntry && m.op != ldapSearchReference && m.op != ldapIntermediate {
			return m, s, offered, tlsparse.Yes
		}
	}
	return m, 0, offered, tlsparse.No
}

// listenLDAP looks for TLS behind an extended response, where the client has no
// more.
func listenLDAP(server []byte, state State) found {
	s := 0
	for range 4 * maxMessages {
		m, n, ans := cutLDAP(server[s:], false)
		if ans == tlsparse.No && s == 0 {
			return no()
		}
		if ans != tlsparse.Yes {
			break
		}
		s += n
		if m.op == ldapSearchEntry && bytes.Contains(m.body, []byte(oidStartTLS)) {
			state = max(state, Offered)
		}
		if m.op != ldapExtendedResult || m.resultCode() != 0 {
			continue
		}
		if _, probe := probe(nil, server[s:]); probe == tlsparse.Yes {
			return started(-1, s)
		} else if probe == tlsparse.Maybe {
			break
		}
	}
	return maybe(state)
}
