package opener

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"blindspot/capture/ring"
)

func TestRequests(t *testing.T) {
	interfaces := []string{"eth0", "eth1"}
	tests := []struct {
		name, message string
		refused       bool
	}{
		{"first ring", `{"kind":"ring","interface":"eth0"}`, false},
		{"last ring", `{"kind":"ring","interface":"eth1","worker":3}`, false},
		{"state", `{"kind":"notify","state":"READY=1"}`, false},
		{"status", `{"kind":"notify","state":"STATUS=a=b\nWATCHDOG=1"}`, false},
		{"reload", `{"kind":"notify","state":"RELOADING=1\nMONOTONIC_USEC=123"}`, false},

		{"nothing", ``, true},
		{"no object", `[]`, true},
		{"no kind", `{}`, true},
		{"null", `null`, true},
		{"other kind", `{"kind":"open","interface":"eth0"}`, true},
		{"other interface", `{"kind":"ring","interface":"eth2"}`, true},
		{"no interface", `{"kind":"ring"}`, true},
		{"begin of an interface", `{"kind":"ring","interface":"eth"}`, true},
		{"interface and more", `{"kind":"ring","interface":"eth0\u0000"}`, true},
		{"worker too many", `{"kind":"ring","interface":"eth0","worker":4}`, true},
		{"worker below", `{"kind":"ring","interface":"eth0","worker":-1}`, true},
		{"worker over all bounds", `{"kind":"ring","interface":"eth0","worker":9223372036854775808}`, true},
		{"worker in parts", `{"kind":"ring","interface":"eth0","worker":0.5}`, true},
		{"filter of its own", `{"kind":"ring","interface":"eth0","filter":""}`, true},
		{"two", `{"kind":"ring","interface":"eth0"}{"kind":"ring","interface":"eth0"}`, true},
		{"something behind", `{"kind":"ring","interface":"eth0"} `, true},
		{"ring with a state", `{"kind":"ring","interface":"eth0","state":"READY=1"}`, true},
		{"state of an interface", `{"kind":"notify","interface":"eth0","state":"READY=1"}`, true},
		{"empty state", `{"kind":"notify"}`, true},
		{"main process", `{"kind":"notify","state":"MAINPID=1"}`, true},
		{"main process behind", `{"kind":"notify","state":"READY=1\nMAINPID=1"}`, true},
		{"descriptors", `{"kind":"notify","state":"FDSTORE=1"}`, true},
		{"not ready", `{"kind":"notify","state":"READY=0"}`, true},
		{"no number", `{"kind":"notify","state":"MONOTONIC_USEC=-1"}`, true},
		{"too long", `{"kind":"notify","state":"STATUS=` + strings.Repeat("x", maxState) + `"}`, true},
		{"over the bound", `{"kind":"ring","interface":"eth0"` + strings.Repeat(" ", maxMessage) + `}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r request
			err := decode([]byte(tt.message), &r)
			if len(tt.message) > maxMessage {
				err = ErrRefused // the server does not look at it
			}
			if err == nil {
				err = r.check(interfaces, 4)
			}
			if (err != nil) != tt.refused {
				t.Errorf("got %v, want refused: %v", err, tt.refused)
			}
		})
	}
}

// What is told of an error must survive.
func TestErrors(t *testing.T) {
	tests := []struct {
		name string
		err  error
		is   error
	}{
		{"gone", &ring.Error{Interface: "eth0", Reason: "bind", Err: ring.ErrGone}, ring.ErrGone},
		{"down", fmt.Errorf("a: %w", ring.ErrDown), ring.ErrDown},
		{"none", &ring.Error{Interface: "eth7", Err: ring.ErrNoInterface, Hint: "there is lo"}, ring.ErrNoInterface},
		{"permission", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, fs.ErrPermission},
		{"refused", fmt.Errorf("%w: no", ErrRefused), ErrRefused},
		{"other", errors.New("what nobody \"knows\"\n\x00\xff"), nil},
		{"long", errors.New(strings.Repeat("\x01", 100<<10)), nil},
	}
	all := []error{ring.ErrGone, ring.ErrDown, ring.ErrNoInterface, fs.ErrPermission, ErrRefused}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := encode(newReply(tt.err))
			if err != nil {
				t.Fatal(err)
			}
			var r reply
			if err := decode(b, &r); err != nil {
				t.Fatal(err)
			}
			got := r.err()
			if len(tt.err.Error()) < maxMessage/8 && got.Error() != strings.ToValidUTF8(tt.err.Error(), "�") {
				t.Errorf("got %q, want %q", got, tt.err)
			}
			for _, is := range all {
				if errors.Is(got, is) != (is == tt.is) {
					t.Errorf("is %v: got %v", is, errors.Is(got, is))
				}
			}
		})
	}
}

func TestStatus(t *testing.T) {
	for _, text := range []string{"", "12 packets", "two\nlines", "MAINPID=1\x00", strings.Repeat("é", maxState), "\xff"} {
		if s := Status(text); !mayTell(s) {
			t.Errorf("%q: the opener would refuse %q", text, s)
		}
		if s := Status(text); !mayTell(Ready + "\n" + s) {
			t.Errorf("%q: the opener would refuse it behind another state", text)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, s := range []string{`{"kind":"ring","interface":"eth0","worker":1}`, `{"kind":"notify","state":"READY=1\nSTATUS=x"}`, `{"kind":"notify","state":"MAINPID=1"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r request
		if decode(b, &r) != nil || r.check([]string{"eth0"}, 2) != nil {
			return
		}
		switch {
		case r.Kind == openRing && r.Interface == "eth0" && (r.Worker == 0 || r.Worker == 1) && r.State == "":
		case r.Kind == notify && r.Interface == "" && r.Worker == 0 && !strings.Contains("\n"+strings.ToUpper(r.State), "\nMAINPID"):
		default:
			again, _ := json.Marshal(r)
			t.Errorf("let through: %s", again)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"files":1,"info":{"a":1}}`))
	f.Add([]byte(`{"error":"x","code":"down"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r reply
		if decode(b, &r) == nil {
			_ = r.err()
		}
	})
}
