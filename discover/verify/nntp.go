package verify

import "strings"

func init() { register(preface{word: "nntp", start: startNNTP}) }

// startNNTP speaks NNTP (RFC 4642 §2.2): the greeting says whether posting is
// allowed, which is the same to us.
func startNNTP(d *dialogue) error {
	greeting, err := d.line()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(greeting, "200") && !strings.HasPrefix(greeting, "201") {
		return said(greeting)
	}
	if err := d.say("STARTTLS"); err != nil {
		return err
	}
	return d.reply("382", nil)
}
