package verify

import "strings"

func init() { register(preface{word: "imap", start: startIMAP}) }

// startIMAP speaks IMAP (RFC 9051 §6.2.1).
func startIMAP(d *dialogue) error {
	greeting, err := d.line()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(strings.ToUpper(greeting), "* OK") {
		return said(greeting)
	}
	const tag = "blindspot1"
	if err := d.say(tag + " STARTTLS"); err != nil {
		return err
	}
	for {
		line, err := d.line()
		if err != nil {
			return err
		}
		rest, ours := strings.CutPrefix(line, tag+" ")
		switch {
		case !ours && strings.HasPrefix(line, "*"):
		case ours && strings.HasPrefix(strings.ToUpper(rest), "OK"):
			return nil
		default:
			return said(line)
		}
	}
}
