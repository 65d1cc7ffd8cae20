package verify

import (
	"bytes"
	"fmt"
)

func init() { register(preface{word: "ldap", start: startLDAP}) }

// ldapStartTLS is the extended request of StartTLS as message 1 (RFC 4511
// §4.14.1).
const ldapStartTLS = "\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"

// startLDAP speaks LDAP. Servers write lengths in any form that BER has.
func startLDAP(d *dialogue) error {
	if err := d.send(ldapStartTLS); err != nil {
		return err
	}
	tag, message, err := d.ber()
	if err != nil {
		return err
	}
	if tag != 0x30 {
		return said(fmt.Sprintf("\\x%02x: no LDAP message", tag))
	}
	tag, id, rest := cutBER(message)
	if tag != 0x02 || len(id) == 0 || id[len(id)-1] != 1 {
		return said("another message than the answer to StartTLS")
	}
	tag, response, _ := cutBER(rest)
	if tag != 0x78 {
		return said("another message than the answer to StartTLS")
	}
	tag, code, rest := cutBER(response)
	if tag != 0x0a || len(code) != 1 {
		return said("an answer without result code")
	}
	if code[0] != 0 {
		_, _, rest = cutBER(rest) // matchedDN
		_, text, _ := cutBER(rest)
		return said(fmt.Sprintf("result %d %s", code[0], bytes.TrimSpace(text)))
	}
	return nil
}

// ber reads one element off the connection.
func (d *dialogue) ber() (tag byte, body []byte, err error) {
	head, err := d.read(2)
	if err != nil {
		return 0, nil, err
	}
	n := int(head[1])
	if n >= 0x80 {
		size, err := d.read(n & 0x7f)
		if err != nil {
			return 0, nil, err
		}
		if n = berLength(size); n < 0 {
			return 0, nil, said("a message of a length out of reason")
		}
	}
	body, err = d.read(n)
	return head[0], body, err
}

// cutBER takes the first element off b; tag is 0 where there is none.
func cutBER(b []byte) (tag byte, body, rest []byte) {
	if len(b) < 2 {
		return 0, nil, nil
	}
	tag, n, b := b[0], int(b[1]), b[2:]
	if n >= 0x80 {
		size := n & 0x7f
		if len(b) < size {
			return 0, nil, nil
		}
		n, b = berLength(b[:size]), b[size:]
	}
	if n < 0 || len(b) < n {
		return 0, nil, nil
	}
	return tag, b[:n], b[n:]
}

// berLength reads a length in its long form (X.690 §8.1.3.5), -1 for one that
// is over maxDialogue.
func berLength(b []byte) int {
	n := 0
	for _, c := range b {
		if n = n<<8 | int(c); n > maxDialogue {
			return -1
		}
	}
	return n
}
