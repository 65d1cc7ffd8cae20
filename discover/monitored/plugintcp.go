package monitored

import "errors"

// tcpPlugins are the names of check_tcp, with the port and TLS that each name
// stands for.
var tcpPlugins = []struct {
	name string
	port uint16
	tls  bool
}{
	{"check_tcp", 0, false}, {"check_simap", 993, true}, {"check_spop", 995, true}, {"check_ssmtp", 465, true},
	{"check_nntps", 563, true}, {"check_jabber", 5222, false}, {"check_imap", 143, false}, {"check_pop", 110, false},
	{"check_nntp", 119, false}, {"check_ftp", 21, false},
}

func init() {
	long := map[string]string{
		"hostname=": "H", "port=": "p", "ssl": "S", "sni=": "sni", "certificate=": "D",
		"all": "A", "escape": "E", "jail": "j", "verbose": "v", "use-ipv4": "4", "use-ipv6": "6", "version": "V", "help": "h",
	}
	for _, option := range []string{"critical", "warning", "timeout", "expect", "maxbytes", "send", "quit", "refuse", "mismatch", "delay", "protocol", "extra-opts"} {
		long[option+"="] = option
	}
	for _, t := range tcpPlugins {
		registerPlugin(plugin{short: "hVv46EAH:s:e:q:m:c:w:t:p:C:W:d:Sr:jD:M:", long: long, port: t.port, tls: t.tls,
			check: func(ref string, a pluginArgs) (Check, error) { return checkTCP(t.name, ref, a) }}, t.name)
	}
	registerPlugin(plugin{short: "+hVv46Lt:p:f:e:c:w:H:C:R:SD:F:A:U:P:q",
		long: map[string]string{"hostname=": "H", "port=": "p", "starttls": "S", "certificate=": "D", "sni": "sni", "tls": "ssl", "ssl": "ssl",
			"expect=": "e", "critical=": "c", "warning=": "w", "timeout=": "t", "from=": "f", "fqdn=": "F", "command=": "C", "response=": "R",
			"authtype=": "A", "authuser=": "U", "authpass=": "P", "lmtp": "L", "ignore-quit-failure": "q", "verbose": "v",
			"use-ipv4": "4", "use-ipv6": "6", "version": "V", "help": "h", "proxy": "proxy", "extra-opts=": "extra-opts"},
		check: checkSMTP}, "check_smtp")
}

// checkTCP follows check_tcp and its other names: the name is that of --sni;
// nothing is verified.
func checkTCP(name, ref string, a pluginArgs) (Check, error) {
	c, err := pluginPlace(ref, a, a.port)
	if err != nil {
		return c, err
	}
	c.Scheme = "tcp"
	if !a.tls && !a.has("S") && !a.has("D") {
		c.plain(name + " without --ssl speaks no TLS: no certificate is checked")
		return c, nil
	}
	c.Scheme = "tls"
	if err := c.sendName(a.values["sni"]); err != nil {
		return c, err
	}
	c.unverified(name, a.has("D"))
	return c, nil
}

// checkSMTP follows check_smtp: STARTTLS with -S or -D, without a server name
// before release 2.4; nothing is verified.
func checkSMTP(ref string, a pluginArgs) (Check, error) {
	c, err := pluginPlace(ref, a, schemes["smtp"].port)
	if err != nil {
		return c, err
	}
	c.Scheme = "smtp"
	switch {
	case a.has("ssl"):
		c.Scheme = "smtps"
		if a.values["p"] == "" {
			c.Port = schemes["smtps"].port
		}
	case a.has("S") || a.has("D"):
		c.StartTLS = "smtp"
	default:
		c.plain("check_smtp without --starttls speaks no TLS: no certificate is checked")
		return c, nil
	}
	name := ""
	if a.has("sni") {
		name = a.values["H"]
	}
	if err := c.sendName(name); err != nil {
		return c, err
	}
	c.unverified("check_smtp", a.has("D"))
	return c, nil
}

// pluginPlace is a check of -H and -p.
func pluginPlace(ref string, a pluginArgs, port uint16) (Check, error) {
	host := a.values["H"]
	if host == "" && len(a.rest) > 0 {
		host = a.rest[0]
	}
	if host == "" {
		return Check{}, errors.New("names no host: give -H")
	}
	p, err := parseTarget(host)
	if err != nil {
		return Check{}, err
	}
	if a.values["p"] != "" {
		if p.port, err = parsePort(a.values["p"]); err != nil {
			return Check{}, err
		}
	}
	return newCheck("", ref, p.withPort(port)), nil
}

// sendName makes c a check that asks for name, or for none.
func (c *Check) sendName(name string) error {
	if name == "" {
		c.note("no server name is sent: only the default certificate is seen")
		return nil
	}
	server, err := parseTarget(name)
	if err != nil {
		return err
	}
	c.setSNI(server, originExplicit)
	return nil
}
