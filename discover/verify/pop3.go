package verify

import "strings"

func init() { register(preface{word: "pop3", start: startPOP3}) }

// startPOP3 speaks POP3 (RFC 2595 §4).
func startPOP3(d *dialogue) error {
	if err := d.pop3OK(); err != nil {
		return err
	}
	if err := d.say("STLS"); err != nil {
		return err
	}
	return d.pop3OK()
}

func (d *dialogue) pop3OK() error {
	line, err := d.line()
	if err == nil && !strings.HasPrefix(line, "+OK") {
		err = said(line)
	}
	return err
}
