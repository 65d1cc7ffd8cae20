package verify

import (
	"errors"
	"strings"
)

func init() { register(preface{word: "smtp", start: startSMTP}) }

// startSMTP speaks SMTP (RFC 3207) and LMTP (RFC 2033), which events call by one
// word: a server that greets as LMTP is greeted by LHLO, and so is one that does
// not know EHLO.
func startSMTP(d *dialogue) error {
	lmtp := false
	err := d.reply("220", func(line string) { lmtp = lmtp || strings.Contains(line, "LMTP") })
	if err != nil {
		return err
	}
	verbs := []string{"EHLO", "LHLO"}
	if lmtp {
		verbs = verbs[1:]
	}
	for _, verb := range verbs {
		offered := false
		if err := d.say(verb + " " + ourName); err != nil {
			return err
		}
		err = d.reply("250", func(line string) {
			offered = offered || len(line) >= 4 && strings.EqualFold(strings.TrimSpace(line[4:]), "STARTTLS")
		})
		if err == nil {
			return d.startSMTP(offered)
		}
		if !errors.Is(err, errNoTLS) {
			return err
		}
	}
	return err
}

func (d *dialogue) startSMTP(offered bool) error {
	if !offered {
		return said("no STARTTLS among what it offers")
	}
	if err := d.say("STARTTLS"); err != nil {
		return err
	}
	return d.reply("220", nil)
}
