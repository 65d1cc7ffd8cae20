package verify

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
)

const (
	// maxDialogue bounds what a server may say before TLS.
	maxDialogue = 64 << 10
	// ourName is what we call ourselves where a protocol wants a name, for
	// whoever reads the server's log. ".invalid" is nobody's (RFC 2606 §2).
	ourName = "blindspot-verify.invalid"
)

// errNoTLS is a server that does not go on to TLS. Errors wrap it with what the
// server said.
var errNoTLS = errors.New("the server does not start TLS")

// preface speaks a protocol up to where TLS begins. One file each.
type preface struct {
	word  string // as in events
	start func(d *dialogue) error
}

var prefaces []preface

func register(p preface) { prefaces = append(prefaces, p) }

// CanAsk reports whether TLS behind this STARTTLS word can be asked for.
func CanAsk(word string) bool { return word == "" || findPreface(word) != nil }

// Prefaces returns the STARTTLS words that can be asked, sorted.
func Prefaces() []string {
	var out []string
	for _, p := range prefaces {
		out = append(out, p.word)
	}
	slices.Sort(out)
	return out
}

func findPreface(word string) *preface {
	for i := range prefaces {
		if prefaces[i].word == word {
			return &prefaces[i]
		}
	}
	return nil
}

// dialogue is what is said before TLS.
type dialogue struct {
	conn  net.Conn
	in    *bufio.Reader
	place *Place
}

// startTLS leads conn to where TLS begins and returns what to speak it over.
func startTLS(conn net.Conn, t *Place) (net.Conn, error) {
	if t.Preface == "" {
		return conn, nil
	}
	p := findPreface(t.Preface)
	if p == nil {
		return nil, fmt.Errorf("%s is not spoken here: want one of %s", t.Preface, strings.Join(Prefaces(), ", "))
	}
	d := &dialogue{conn: conn, in: bufio.NewReader(io.LimitReader(conn, maxDialogue)), place: t}
	if err := p.start(d); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Preface, err)
	}
	if rest, _ := d.in.Peek(d.in.Buffered()); len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%s: %w: it says more behind its consent", t.Preface, errNoTLS)
	}
	return conn, nil
}

// line reads one line, without its end.
func (d *dialogue) line() (string, error) {
	s, err := d.in.ReadString('\n')
	if err != nil {
		return "", heard(s, err)
	}
	return strings.TrimRight(s, "\r\n"), nil
}

// read reads exactly n bytes.
func (d *dialogue) read(n int) ([]byte, error) {
	if n < 0 || n > maxDialogue {
		return nil, fmt.Errorf("%w: it announces %d bytes", errNoTLS, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(d.in, b); err != nil {
		return nil, heard("", err)
	}
	return b, nil
}

func (d *dialogue) send(text string) error {
	_, err := io.WriteString(d.conn, text)
	return err
}

// say sends a line.
func (d *dialogue) say(line string) error { return d.send(line + "\r\n") }

// heard says what came before a connection ended.
func heard(s string, err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if s == "" {
		return fmt.Errorf("%w: it closes the connection", errNoTLS)
	}
	return fmt.Errorf("%w: it says %s and closes the connection", errNoTLS, quote(s))
}

// said is a server that answers otherwise than with consent.
func said(line string) error { return fmt.Errorf("%w: it says %s", errNoTLS, quote(line)) }

// maxQuoted bounds what is repeated of a server's words.
const maxQuoted = 120

func quote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxQuoted {
		s = s[:maxQuoted]
	}
	return fmt.Sprintf("%+q", s)
}

// reply reads an answer of one or more lines, which begins with a code of three
// digits and goes on, after "code-", up to the line with "code " (RFC 5321 §4.2,
// RFC 959 §4.2). each is called for every line.
func (d *dialogue) reply(code string, each func(line string)) error {
	first, err := d.line()
	if err != nil {
		return err
	}
	line := first
	for {
		if each != nil {
			each(line)
		}
		if len(first) < 4 || first[3] != '-' || strings.HasPrefix(line, first[:3]+" ") {
			break
		}
		if line, err = d.line(); err != nil {
			return err
		}
	}
	if !strings.HasPrefix(first, code) {
		return said(line)
	}
	return nil
}
