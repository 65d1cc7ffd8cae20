package starttls

import "blindspot/tlsparse"

// maxCommands bounds the commands of a dialogue before TLS.
const maxCommands = 64

// kind is what a command means for TLS.
type kind uint8

const (
	unknown  kind = iota // no command of the protocol
	harmless             // says nothing that TLS would hide
	start                // asks for TLS
	clear                // goes on in the clear
)

// verb is a command's first word, in upper case.
type verb struct {
	name string
	kind kind
}

// firstLetters returns the letters that the verbs begin with, in both cases.
func firstLetters(verbs []verb) string {
	letters := make([]byte, 0, 2*len(verbs))
	for _, v := range verbs {
		letters = append(letters, v.name[0], v.name[0]|0x20)
	}
	return string(letters)
}

// language is a protocol of command lines, each with its reply.
type language struct {
	verbs []verb
	// cut returns the client's next command and the bytes that it takes.
	cut func(b []byte) (line []byte, n int, ans tlsparse.Answer)
	// verb returns where in a line the verb begins, or -1.
	verb func(line []byte) int
	// kind overrides what a verb says, where its arguments matter. May be nil.
	kind func(k kind, line []byte) kind
	// greet returns the length of the server's greeting.
	greet func(b []byte) (n int, ans tlsparse.Answer)
	// reply returns the length of the reply to a command, and whether it agrees.
	reply func(command, b []byte) (n int, agrees bool, ans tlsparse.Answer)
	// offers reports whether a greeting or reply offers TLS.
	offers func(text []byte) bool
	// agreed reports whether a line of the server lets TLS begin.
	agreed func(line []byte) bool
	// hasGreeting: the server speaks first, and its greeting may hold an offer.
	offersFirst bool
}

// dialogue is a walk through both directions. Replies belong to commands in
// turn; a direction that is behind, or missing, leaves the other to speak for
// itself.
type dialogue struct {
	*language
	client, server []byte
	c, s           int  // offsets of the next command and reply
	heard          bool // all replies so far are whole
	adrift         bool // a command may have changed what the bytes mean
	state          State
}

// find looks for TLS in a dialogue.
func (l *language) find(client, server []byte) found {
	d := dialogue{language: l, client: client, server: server}
	n, ans := l.greet(server)
	if ans == tlsparse.No {
		return no()
	}
	if ans == tlsparse.Yes {
		d.s, d.heard = n, true
		if l.offersFirst && l.offers(server[:n]) {
			d.state = Offered
		}
	}
	for range maxCommands {
		if f, done := d.step(); done {
			return f
		}
	}
	if d.adrift {
		return maybe(d.state)
	}
	return decided(d.state)
}

// step takes one command and its reply.
func (d *dialogue) step() (found, bool) {
	line, n, ans := d.cut(d.client[d.c:])
	if ans == tlsparse.No && d.adrift {
		return maybe(d.state), true
	}
	if ans == tlsparse.No {
		return no(), true
	}
	k := d.classify(line, ans)
	if k == unknown && d.c == 0 {
		return no(), true
	}
	if ans == tlsparse.Maybe {
		return d.listen(), true
	}
	d.c += n
	reply, agrees, ok := d.answer(line)
	if !ok {
		return no(), true
	}
	switch k {
	case start:
		return d.start(agrees)
	case clear:
		return d.clear(agrees)
	}
	if d.heard && d.offers(reply) {
		d.state = max(d.state, Offered)
	}
	return found{}, false
}

// classify returns the kind of a line, or of what has come of it: harmless
// where it may yet become any command.
func (d *dialogue) classify(line []byte, ans tlsparse.Answer) kind {
	at := d.verb(line)
	if at < 0 {
		return unknown
	}
	word, rest := cutWord(line[at:])
	whole := ans == tlsparse.Yes || rest != nil
	for _, v := range d.verbs {
		if whole && equal(word, v.name) {
			if d.kind != nil && ans == tlsparse.Yes {
				return d.kind(v.kind, line)
			}
			return v.kind
		}
		if !whole && len(word) <= len(v.name) && hasPrefix(word, v.name[:len(word)]) {
			return harmless
		}
		if !whole && len(word) == len(v.name)+1 && word[len(v.name)] == '\r' && hasPrefix(word, v.name) {
			return harmless
		}
	}
	return unknown
}

// answer takes the reply to a command, if all replies up to it have come.
func (d *dialogue) answer(command []byte) (text []byte, agrees, ok bool) {
	if !d.heard {
		return nil, false, true
	}
	n, agrees, ans := d.reply(command, d.server[d.s:])
	switch ans {
	case tlsparse.No:
		return nil, false, false
	case tlsparse.Maybe:
		d.heard = false
		return nil, false, true
	}
	text = d.server[d.s : d.s+n]
	d.s += n
	return text, agrees, true
}

// start is a request for TLS. Without the reply, only a handshake tells.
func (d *dialogue) start(agrees bool) (found, bool) {
	if d.heard && agrees {
		return started(d.c, d.s), true
	}
	if d.heard {
		d.state = Refused
		return found{}, false
	}
	switch probe, _ := probe(d.client[d.c:], nil); probe {
	case tlsparse.Yes:
		return started(d.c, -1), true
	case tlsparse.Maybe:
		return maybe(d.state), true
	}
	return found{}, false
}

// clear is a command that goes on without TLS. Where the server does not take
// it, TLS may follow after all.
func (d *dialogue) clear(agrees bool) (found, bool) {
	if !d.heard {
		d.adrift = true
		return found{}, false
	}
	if agrees {
		return decided(d.state), true
	}
	if d.state == Offered {
		d.state = Declined
	}
	return found{}, false
}

// listen reads on in the server's direction where the client's has no more: the
// client's bytes come later, or never.
func (d *dialogue) listen() found {
	agreed := false
	for range 8 * maxCommands {
		rest := d.server[min(d.s, len(d.server)):]
		if agreed {
			if _, s := probe(nil, rest); s == tlsparse.Yes {
				return started(-1, d.s)
			}
		}
		line, n, ans := cutLine(rest)
		if ans != tlsparse.Yes {
			break
		}
		agreed = d.agreed(line)
		d.s += n
	}
	return maybe(d.state)
}
