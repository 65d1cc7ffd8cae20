package monitored

import (
	"strconv"
	"strings"
)

// maxCommand bounds a command line with its macros written out.
const maxCommand = 64 << 10

// command returns the words of the command that an object runs, with its macros
// replaced. It reports false where a quote has no end.
func (n *nagiosReader) command(o *nagiosObject) ([]string, bool) {
	parts := splitArguments(o.values["check_command"])
	macros := n.macros(o)
	args := map[string]string{}
	for i, arg := range parts[1:] {
		// Arguments may hold macros, which are replaced before the command's.
		args["ARG"+strconv.Itoa(i+1)] = expandMacros(arg, macros)
	}
	line := expandMacros(n.commands[parts[0]], func(name string) (string, bool) {
		if strings.HasPrefix(name, "ARG") {
			return args[name], true // one that is not given is empty
		}
		return macros(name)
	})
	return splitCommand(line)
}

// splitArguments cuts command!arg1!arg2; a \! is a ! of an argument.
func splitArguments(command string) []string {
	const kept = "\x00"
	parts := strings.Split(strings.ReplaceAll(command, `\!`, kept), "!")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], kept, "!")
	}
	return parts
}

// expandMacros replaces $NAME$ once; what is not known stays as it is, and $$
// is a dollar.
func expandMacros(text string, macros func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "$")
		b.WriteString(before)
		if !ok || b.Len() > maxCommand {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "$")
		if !closed {
			return b.String() + "$" + rest
		}
		value, known := "$", true // $$
		if name != "" {
			value, known = macros(name)
		}
		if !known {
			value = "$" + name + "$"
		}
		b.WriteString(value)
		text = after
	}
}

// macros returns the value of the macros that an object gives.
func (n *nagiosReader) macros(o *nagiosObject) func(name string) (string, bool) {
	host := n.hosts[o.values["host_name"]]
	if host == nil {
		host = &nagiosObject{}
	}
	return func(name string) (string, bool) {
		if key, ok := strings.CutPrefix(name, "_HOST"); ok {
			value, ok := host.values["_"+key]
			return value, ok
		}
		if key, ok := strings.CutPrefix(name, "_SERVICE"); ok {
			value, ok := o.values["_"+key]
			return value, ok
		}
		switch name {
		case "HOSTNAME":
			return o.values["host_name"], true
		case "HOSTADDRESS":
			return or(host.values["address"], o.values["host_name"]), true
		case "HOSTALIAS":
			return or(host.values["alias"], o.values["host_name"]), true
		case "HOSTDISPLAYNAME":
			return or(host.values["display_name"], o.values["host_name"]), true
		case "SERVICEDESC":
			return o.values["service_description"], true
		}
		return "", false
	}
}
