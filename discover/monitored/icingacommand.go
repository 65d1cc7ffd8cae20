package monitored

import "strings"

// icingaCheckCommand is a check command of Icinga's template library: a plugin,
// and its arguments by custom variable.
type icingaCheckCommand struct {
	plugin string
	fixed  []string
	values []icingaArgument // options with a value
	flags  []icingaArgument // options that a true variable sets
}

type icingaArgument struct{ option, variable, otherwise string }

// icingaCommands are the check commands of which a certificate can be read, as
// far as their variables say which.
var icingaCommands = map[string]icingaCheckCommand{
	"http": {
		plugin: "check_http",
		values: []icingaArgument{{"-H", "http_vhost", ""}, {"-I", "http_address", "$check_address$"}, {"-p", "http_port", ""}, {"-C", "http_certificate", ""}},
		flags: []icingaArgument{
			{"-S", "http_ssl", ""}, {"--sni", "http_sni", ""},
			{"-S", "http_ssl_force_tlsv1", ""}, {"-S", "http_ssl_force_tlsv1_1", ""}, {"-S", "http_ssl_force_tlsv1_2", ""},
			{"-S", "http_ssl_force_sslv2", ""}, {"-S", "http_ssl_force_sslv3", ""}, {"-S", "http_ssl_force_tlsv1_or_higher", ""},
			{"-S", "http_ssl_force_tlsv1_1_or_higher", ""}, {"-S", "http_ssl_force_tlsv1_2_or_higher", ""},
			{"-S", "http_ssl_force_sslv2_or_higher", ""}, {"-S", "http_ssl_force_sslv3_or_higher", ""},
		},
	},
	"ssl": {
		plugin: "check_tcp", fixed: []string{"--ssl"},
		values: []icingaArgument{{"-H", "ssl_address", "$check_address$"}, {"-p", "ssl_port", "443"}, {"--sni", "ssl_sni", ""}, {"-D", "ssl_cert_valid_days_warn", ""}},
	},
	"ssl_cert": {
		plugin: "check_ssl_cert",
		values: []icingaArgument{{"-H", "ssl_cert_address", "$check_address$"}, {"-p", "ssl_cert_port", ""}, {"--sni", "ssl_cert_sni", ""},
			{"-P", "ssl_cert_protocol", ""}, {"-r", "ssl_cert_rootssl_cert", ""}, {"-f", "ssl_cert_file", ""}},
		flags: []icingaArgument{{"-A", "ssl_cert_noauth", ""}, {"--ignore-exp", "ssl_cert_ignore_expiration", ""}, {"--ignore-host-cn", "ssl_cert_ignore_host_cn", ""}},
	},
	"tcp": {
		plugin: "check_tcp",
		values: []icingaArgument{{"-H", "tcp_address", "$check_address$"}, {"-p", "tcp_port", ""}, {"-D", "tcp_certificate", ""}, {"--sni", "tcp_sni", ""}},
		flags:  []icingaArgument{{"-S", "tcp_ssl", ""}},
	},
	"smtp": {
		plugin: "check_smtp",
		values: []icingaArgument{{"-H", "smtp_address", "$check_address$"}, {"-p", "smtp_port", ""}, {"-D", "smtp_certificate_age", ""}},
		flags:  []icingaArgument{{"-S", "smtp_starttls", ""}},
	},
	"simap": icingaMail("simap"), "spop": icingaMail("spop"), "ssmtp": icingaMail("ssmtp"),
	"imap": icingaMail("imap"), "pop": icingaMail("pop"),
}

func icingaMail(name string) icingaCheckCommand {
	return icingaCheckCommand{
		plugin: "check_" + name,
		values: []icingaArgument{{"-H", name + "_address", "$check_address$"}, {"-p", name + "_port", ""}, {"-D", name + "_certificate_age", ""}},
		flags:  []icingaArgument{{"-S", name + "_ssl", ""}},
	}
}

// icingaArguments writes out a command's arguments for an object. Icinga leaves
// out an argument whose macros it does not know.
func icingaArguments(command icingaCheckCommand, o, host *icingaObject) []string {
	args := append([]string(nil), command.fixed...)
	for _, a := range command.values {
		value := or(icingaValue(a.variable, o, host), a.otherwise)
		known := true
		value = expandMacros(value, func(name string) (string, bool) {
			v, ok := icingaMacro(name, o, host)
			known = known && ok
			return v, ok
		})
		if known && value != "" && value != "false" {
			args = append(args, a.option, value)
		}
	}
	for _, a := range command.flags {
		if isTrue(icingaValue(a.variable, o, host)) {
			args = append(args, a.option)
		}
	}
	return args
}

// icingaValue looks a variable up in the service, then in its host.
func icingaValue(name string, o, host *icingaObject) string {
	return or(o.value(name), host.value(name))
}

// icingaMacro is the value of a macro in a variable. A variable that holds
// macros itself is not followed.
func icingaMacro(name string, o, host *icingaObject) (string, bool) {
	var value string
	switch {
	case name == "":
		return "$", true
	case name == "check_address":
		value = or(host.Address, host.Address6)
	case name == "address" || name == "host.address":
		value = host.Address
	case name == "address6" || name == "host.address6":
		value = host.Address6
	case name == "host.name" || name == "host_name":
		value = host.Name
	case name == "host.display_name":
		value = host.Display
	case name == "service.name" || name == "name":
		value = o.Name
	case strings.HasPrefix(name, "host.vars."):
		value = host.value(name[len("host.vars."):])
	case strings.HasPrefix(name, "service.vars."):
		value = o.value(name[len("service.vars."):])
	default:
		value = icingaValue(name, o, host)
	}
	return value, value != "" && !strings.Contains(value, "$")
}
