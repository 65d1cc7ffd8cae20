package verify

func init() { register(preface{word: "ftp", start: startFTP}) }

// startFTP speaks FTP (RFC 4217 §4).
func startFTP(d *dialogue) error {
	if err := d.reply("220", nil); err != nil {
		return err
	}
	if err := d.say("AUTH TLS"); err != nil {
		return err
	}
	return d.reply("234", nil)
}
