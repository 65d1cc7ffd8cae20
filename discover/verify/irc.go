package verify

import "strings"

func init() { register(preface{word: "irc", start: startIRC}) }

// startIRC speaks IRC with the tls capability: 670 agrees, 691 does not.
func startIRC(d *dialogue) error {
	if err := d.say("STARTTLS"); err != nil {
		return err
	}
	for {
		line, err := d.line()
		if err != nil {
			return err
		}
		words := strings.Fields(line)
		switch command := ircCommand(words); command {
		case "670":
			return nil
		case "PING":
			if err := d.say("PONG " + words[len(words)-1]); err != nil {
				return err
			}
		case "NOTICE", "020":
		default:
			return said(line)
		}
	}
}

// ircCommand is the word behind the server's name (RFC 2812 §2.3).
func ircCommand(words []string) string {
	if len(words) > 1 && strings.HasPrefix(words[0], ":") {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	return strings.ToUpper(words[0])
}
