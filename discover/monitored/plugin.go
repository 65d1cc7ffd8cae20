package monitored

import (
	"fmt"
	"path"
	"strings"
)

// plugin is a monitoring plugin: how its options are read, and what a command
// line of it checks.
type plugin struct {
	// short are the options as getopt has them: a letter, with a colon where an
	// argument follows, two where it may follow in the same word.
	short string
	// long are the options that are written out, with the letter or word that
	// they stand for. One that ends in "=" has an argument.
	long map[string]string
	// check says what is checked. Nil for a plugin that is another one under
	// another name.
	check func(ref string, args pluginArgs) (Check, error)
	// port and tls are what the plugin's name stands for.
	port uint16
	tls  bool
	// manyOptions says that the options above are not all of them.
	manyOptions bool
}

// plugins are the plugins that read a certificate, or could.
var plugins = map[string]plugin{}

// registerPlugin adds a plugin under its names.
func registerPlugin(p plugin, names ...string) {
	for _, name := range names {
		plugins[name] = p
	}
}

// pluginArgs are a plugin's arguments by option: its letter, or its word where
// it has no letter.
type pluginArgs struct {
	values  map[string]string
	rest    []string // what is no option
	unknown []string // options that the plugin is not known to have
	port    uint16
	tls     bool
}

func (a pluginArgs) has(option string) bool {
	_, ok := a.values[option]
	return ok
}

// splitCommand splits a command line into words as the shell does, up to the
// first command's end. It reports false where a quote has no end.
func splitCommand(line string) ([]string, bool) {
	var words []string
	var word strings.Builder
	started := false
	var quote byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '\'' && c != '\'', quote == '"' && c != '"' && c != '\\':
			word.WriteByte(c)
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && i+1 < len(line):
			if i++; quote == '"' && !strings.ContainsRune("\"\\$`", rune(line[i])) {
				word.WriteByte(c)
			}
			word.WriteByte(line[i])
			started = true
		case c == '\'' || c == '"':
			quote, started = c, true
		case c == ' ' || c == '\t':
			if started {
				words = append(words, word.String())
				word.Reset()
			}
			started = false
		case c == '|' || c == ';' || c == '&' || c == '>' || c == '<':
			i = len(line)
		default:
			word.WriteByte(c)
			started = true
		}
	}
	if started {
		words = append(words, word.String())
	}
	return words, quote == 0
}

// findPlugin returns the plugin that a command runs, perhaps through sudo,
// timeout, negate and the like, with its arguments. The name is empty where the
// command runs no plugin.
func findPlugin(words []string) (name string, args []string) {
	for i, word := range words {
		name := strings.TrimSuffix(path.Base(word), ".exe")
		if strings.HasPrefix(name, "check_") {
			return name, words[i+1:]
		}
	}
	return "", nil
}

// parse reads arguments as getopt_long does: options may stand between other
// words, and long ones may be cut short. Releases have more or fewer options: an
// unknown one is passed over, with the word behind it that is no option.
func (p plugin) parse(args []string) (pluginArgs, error) {
	a := pluginArgs{values: map[string]string{}, port: p.port, tls: p.tls}
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word == "--" {
			a.rest = append(a.rest, args[i+1:]...)
			break
		}
		option, takes := "", false
		switch {
		case strings.HasPrefix(word, "--"):
			option, takes = p.readLong(word[2:], &a)
		case len(word) > 1 && word[0] == '-':
			option, takes = p.readShort(word[1:], &a)
		case word != "": // an argument that is not given is an empty word
			a.rest = append(a.rest, word)
		}
		if !takes {
			continue
		}
		if option == "" && (i+1 == len(args) || strings.HasPrefix(args[i+1], "-")) {
			continue
		}
		if i++; i == len(args) {
			return a, fmt.Errorf("has option %s without its argument", quote(word))
		}
		if option != "" {
			a.values[option] = strings.TrimSpace(args[i])
		}
	}
	return a, nil
}

// readLong reads one long option, without its dashes. It reports true where the
// next word is its argument; the option is empty where it is not known.
func (p plugin) readLong(word string, a *pluginArgs) (option string, takes bool) {
	name, value, attached := strings.Cut(word, "=")
	var found []string
	for long := range p.long {
		bare := strings.TrimSuffix(long, "=")
		if bare == name {
			found = []string{long}
			break
		}
		if strings.HasPrefix(bare, name) && !p.manyOptions {
			found = append(found, long)
		}
	}
	if len(found) == 0 || !p.same(found) {
		a.unknown = append(a.unknown, "--"+name)
		return "", !attached
	}
	option = p.long[found[0]]
	if takes = strings.HasSuffix(found[0], "="); !takes || attached {
		a.values[option] = value
		return option, false
	}
	return option, true
}

// same reports whether all long options stand for the same.
func (p plugin) same(long []string) bool {
	for _, name := range long {
		if p.long[name] != p.long[long[0]] {
			return false
		}
	}
	return true
}

// readShort reads one word of short options, without its dash.
func (p plugin) readShort(word string, a *pluginArgs) (option string, takes bool) {
	for i := 0; i < len(word); i++ {
		at := strings.IndexByte(p.short, word[i])
		if at < 0 || word[i] == ':' {
			a.unknown = append(a.unknown, "-"+word[i:i+1])
			return "", i+1 == len(word)
		}
		option = word[i : i+1]
		rest := word[i+1:]
		switch kind := p.short[at+1:]; {
		case strings.HasPrefix(kind, "::"):
			a.values[option] = rest
			return option, false
		case strings.HasPrefix(kind, ":") && rest == "":
			return option, true
		case strings.HasPrefix(kind, ":"):
			a.values[option] = strings.TrimSpace(rest) // '-p 443' as one word
			return option, false
		}
		a.values[option] = ""
	}
	return option, false
}

// expiryOnly is what most plugins do: they read the date and accept whatever
// chain and name stand beside it.
const expiryOnly = "%s reads no more than the expiry date: neither the chain nor the name is verified"

// noVerification is what they do without being asked for the date.
const noVerification = "%s verifies nothing of the certificate"

// unverified makes c a check by a plugin that verifies neither chain nor name.
func (c *Check) unverified(name string, watchesExpiry bool) {
	c.WatchesExpiry = watchesExpiry
	why := noVerification
	if watchesExpiry {
		why = expiryOnly
	}
	c.weaken(fmt.Sprintf(why, name))
}

// parseTarget reads a host that stands in a command line, perhaps with a port.
// A macro that was not replaced is no host.
func parseTarget(s string) (place, error) {
	if strings.Contains(s, "$") {
		return place{}, fmt.Errorf("has %s, which is not known here", quote(s))
	}
	p, err := parsePlace(s)
	if err != nil {
		return place{}, fmt.Errorf("has the host %s, which %w", quote(s), err)
	}
	return p, nil
}

// pluginCheck is what a plugin's command line checks.
func pluginCheck(source, ref, name string, args []string) (Check, error) {
	p := plugins[name]
	a, err := p.parse(args)
	if err != nil {
		return Check{}, err
	}
	c, err := p.check(ref, a)
	if err != nil {
		return Check{}, err
	}
	c.Source = source
	if len(a.unknown) > 0 && !p.manyOptions {
		c.note("options of " + name + " that are not known here are passed over: " + clip(strings.Join(a.unknown, " ")))
	}
	return c, nil
}
