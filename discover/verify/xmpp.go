package verify

import (
	"fmt"
	"strings"
)

func init() { register(preface{word: "xmpp", start: startXMPP}) }

// xmppServers is the port between servers; the namespace there is another one.
const xmppServers = 5269

// startXMPP speaks XMPP (RFC 6120 §5.4).
func startXMPP(d *dialogue) error {
	to, of := d.place.Hostname, "jabber:client"
	if to == "" {
		to = d.place.Server.Addr().String()
	}
	if d.place.Server.Port() == xmppServers {
		of = "jabber:server"
	}
	err := d.send(fmt.Sprintf("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='%s' xmlns:stream='http://etherx.jabber.org/streams'>", to, of))
	if err != nil {
		return err
	}
	features, err := d.until("</stream:features>", "</stream:error>", "</stream:stream>", "<stream:features/>")
	if err != nil {
		return err
	}
	if !strings.Contains(features, "<starttls") {
		return said(features)
	}
	if err := d.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"); err != nil {
		return err
	}
	answer, err := d.until(">")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(strings.TrimSpace(answer), "<proceed") {
		return said(answer)
	}
	if !strings.HasSuffix(answer, "/>") {
		_, err = d.until("</proceed>")
	}
	return err
}

// until reads up to the end of one of the marks.
func (d *dialogue) until(marks ...string) (string, error) {
	var b strings.Builder
	for {
		c, err := d.in.ReadByte()
		if err != nil {
			return "", heard(b.String(), err)
		}
		b.WriteByte(c)
		if c != '>' {
			continue
		}
		for _, m := range marks {
			if strings.HasSuffix(b.String(), m) {
				return b.String(), nil
			}
		}
	}
}
