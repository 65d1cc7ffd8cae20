package verify

import "strings"

func init() { register(preface{word: "sieve", start: startSieve}) }

// startSieve speaks ManageSieve (RFC 5804 §2.2): the server begins by its
// capabilities.
func startSieve(d *dialogue) error {
	if err := d.sieveOK(); err != nil {
		return err
	}
	if err := d.say("STARTTLS"); err != nil {
		return err
	}
	return d.sieveOK()
}

// sieveOK reads lines up to a response, which must be OK.
func (d *dialogue) sieveOK() error {
	for {
		line, err := d.line()
		if err != nil {
			return err
		}
		word := strings.ToUpper(line)
		switch {
		case strings.HasPrefix(word, "OK"):
			return nil
		case strings.HasPrefix(word, "NO"), strings.HasPrefix(word, "BYE"):
			return said(line)
		case !strings.HasPrefix(line, `"`) && !strings.HasPrefix(line, "{"):
			return said(line)
		}
	}
}
