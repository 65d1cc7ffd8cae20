//go:build linux

package main

import (
	"fmt"
	"strings"
)

// tinyEarly is as long as an alert is: two bytes, one for the type, and a tag.
const tinyEarly = "x\n"

// opensslEarly has 0-RTT data of many lengths, accepted and rejected. A ticket
// is good for 0-RTT once: a second time the whole handshake takes place. After a
// HelloRetryRequest nothing of it counts, though the session resumes.
func opensslEarly(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.network(false); err != nil {
		return err
	}
	early := []string{"-no_www", "-early_data", "-max_early_data", "16384"}
	if err := l.sserver(at(0), id, early...); err != nil {
		return err
	}
	if err := l.sserver(at(1), id, append(early, "-no_anti_replay", "-groups", "X25519")...); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	for i, data := range []string{"early words\n", tinyEarly, strings.Repeat("many early words\n", 700)} {
		session := l.file(fmt.Sprint("session-", i), "")
		file := l.file(fmt.Sprint("early-", i), data)
		if err := l.withoutEarly(at(0), id, session); err != nil {
			return err
		}
		for _, c := range []earlyCase{{accepted: true, resumed: true, note: "accepted"}, {note: "rejected: the ticket was used before"}} {
			c.to, c.session, c.file = at(0), session, file
			c.note = fmt.Sprintf("0-RTT data of %d bytes, %s", len(data), c.note)
			if err := l.withEarly(id, c); err != nil {
				return err
			}
		}
	}
	session := l.file("session-retry", "")
	if err := l.withoutEarly(at(1), id, session, "-groups", "X25519:P-256"); err != nil {
		return err
	}
	return l.withEarly(id, earlyCase{
		to: at(1), session: session, file: l.file("early-retry", tinyEarly), groups: "P-256:X25519", resumed: true,
		note: "0-RTT data of 2 bytes, rejected by a HelloRetryRequest",
	})
}

// earlyCase is a client that sends 0-RTT data, and what comes of it.
type earlyCase struct {
	to, session, file, groups, note string
	accepted, resumed               bool
}

func earlyClient(to string, args ...string) sclient {
	return sclient{to: to, sni: "www.ecdsa.example", stdin: "hello\n" + pause + "bye\n" + pause, args: append([]string{"-tls1_3", "-no_ign_eof"}, args...)}
}

// withoutEarly gets the session.
func (l *lab) withoutEarly(to string, id *ident, session string, args ...string) error {
	h, err := l.expect(earlyClient(to, append(args, "-sess_out", session)...), id)
	if h != nil {
		h.EarlyData = ref(false)
	}
	return err
}

func (l *lab) withEarly(id *ident, c earlyCase) error {
	args := []string{"-sess_in", c.session, "-early_data", c.file}
	if c.groups != "" {
		args = append(args, "-groups", c.groups)
	}
	h, r, err := l.sclient(earlyClient(c.to, args...))
	if err != nil {
		return err
	}
	word := "Early data was rejected"
	if c.accepted {
		word = "Early data was accepted"
	}
	if r.code != 0 || !strings.Contains(r.out, word) || h.Resumed == nil || *h.Resumed != c.resumed {
		return fmt.Errorf("%s: s_client ended with %d:\n%s", c.note, r.code, r.out)
	}
	h.EarlyData, h.HelloRetry, h.Note = ref(true), ref(c.groups != ""), c.note
	h.presents(id)
	return nil
}
