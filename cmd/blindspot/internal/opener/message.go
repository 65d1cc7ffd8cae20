package opener

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"blindspot/capture/ring"
)

const (
	// maxMessage bounds a message in bytes, in both directions.
	maxMessage = 16 << 10
	// maxFiles bounds the descriptors of one answer.
	maxFiles = 16
	// maxState bounds what is told to the service manager at once.
	maxState = 512
)

// kind says what is asked for.
type kind string

// The kinds of requests.
const (
	openRing kind = "ring"   // a ring of one worker on one interface
	notify   kind = "notify" // something to tell the service manager
)

// request is what the reader asks for.
type request struct {
	Kind      kind   `json:"kind"`
	Interface string `json:"interface,omitempty"`
	Worker    int    `json:"worker,omitempty"`
	State     string `json:"state,omitempty"` // of a notify
}

// ErrRefused is the answer to a request for what the opener was not started
// for.
var ErrRefused = errors.New("refused by the opener")

// reply is an answer without its descriptors.
type reply struct {
	Files int             `json:"files,omitempty"` // how many descriptors came with it
	Info  json.RawMessage `json:"info,omitempty"`
	Error string          `json:"error,omitempty"`
	Code  string          `json:"code,omitempty"` // one of codes

	Greeting *greeting `json:"greeting,omitempty"`
}

// greeting is what the opener says first.
type greeting struct {
	Notify   bool  `json:"notify,omitempty"`   // a service manager listens
	Watchdog int64 `json:"watchdog,omitempty"` // nanoseconds, 0 for none
}

// codes are the errors that a caller decides by, which must survive the way
// from one process to the other.
var codes = map[string]error{
	"refused":      ErrRefused,
	"permission":   fs.ErrPermission,
	"down":         ring.ErrDown,
	"gone":         ring.ErrGone,
	"no-interface": ring.ErrNoInterface,
}

// failure is an error of the opener, as the reader sees it.
type failure struct {
	text string
	is   error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.is }

// newReply is the answer to a request that ended with err.
func newReply(err error) reply {
	text := err.Error()
	if len(text) > maxMessage/8 {
		text = strings.ToValidUTF8(text[:maxMessage/8], "") + "…"
	}
	r := reply{Error: text}
	for code, is := range codes {
		if errors.Is(err, is) {
			r.Code = code
		}
	}
	return r
}

func (r *reply) err() error {
	if r.Error == "" {
		return nil
	}
	return &failure{r.Error, codes[r.Code]}
}

// encode is the message for v.
func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(b) > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes is over the bound of %d", len(b), maxMessage)
	}
	return b, nil
}

// decode reads one message, and nothing that it does not know.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.InputOffset() != int64(len(b)) {
		return errors.New("something follows the message")
	}
	return nil
}

// check says why the opener may not do what is asked.
func (r *request) check(interfaces []string, workers int) error {
	switch r.Kind {
	case openRing:
		return r.checkRing(interfaces, workers)
	case notify:
		if r.Interface != "" || r.Worker != 0 || !mayTell(r.State) {
			return fmt.Errorf("%w: the service manager is not told that", ErrRefused)
		}
		return nil
	}
	return fmt.Errorf("%w: kind of request %q", ErrRefused, r.Kind)
}

func (r *request) checkRing(interfaces []string, workers int) error {
	for _, known := range interfaces {
		if r.Interface != known {
			continue
		}
		if r.Worker < 0 || r.Worker >= workers || r.State != "" {
			return fmt.Errorf("%w: worker %d of interface %s: it was started for %d", ErrRefused, r.Worker, r.Interface, workers)
		}
		return nil
	}
	return fmt.Errorf("%w: interface %q: it was started for %s", ErrRefused, r.Interface, strings.Join(interfaces, ", "))
}
