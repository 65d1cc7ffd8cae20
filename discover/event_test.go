package discover

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestEventFields: the names and types of the public face. The list is the
// documented one; it is not made from the program.
func TestEventFields(t *testing.T) {
	want := map[string]string{
		"seq": "number", "time": "string", "ended": "string", "transport": "string", "network": "string",
		"client": "string", "client_origin": "string", "server": "string", "target": "string",
		"sni": "string", "sni_raw": "null", "alpn": "array", "alpn_chosen": "string",
		"version": "string", "cipher": "string", "group": "string", "starttls": "string", "tunnel": "array",
		"certs": "array", "certs_from": "string", "client_certs": "array", "certs_hidden": "null",
		"key_proof": "boolean", "ocsp": "string", "resumed": "boolean", "hello_retry": "boolean", "ech": "string",
		"ech_public": "boolean", "esni": "boolean", "early_data": "boolean",
		"client_auth_requested": "boolean", "alerts": "array", "outcome": "string",
		"client_random": "string", "ja3": "string", "ja3s": "string", "ja4": "string", "packets_lost": "number",
	}
	line := AppendEvent(nil, 7, fullObservation())
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	for k, kind := range want {
		if g := jsonKind(got[k]); g != kind {
			t.Errorf("%s: got %s, want %s", k, g, kind)
		}
	}
	for k := range got {
		if want[k] == "" {
			t.Errorf("%s: not a documented field", k)
		}
	}
	if got["time"] != "2026-11-23T10:00:00.123456789Z" || got["client"] != "10.0.0.7:51034" || got["server"] != "[2001:db8::1]:443" {
		t.Errorf("got time %v, client %v, server %v", got["time"], got["client"], got["server"])
	}
	alert := got["alerts"].([]any)[0].(map[string]any)
	if !reflect.DeepEqual(alert, map[string]any{"from": "client", "level": "fatal", "description": "certificate_expired", "protected": false}) {
		t.Errorf("got alert %v", alert)
	}
}

func fullObservation() *Observation {
	at := time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.UTC)
	return &Observation{
		Time: at, Ended: at, Network: "site-a", Transport: TCP,
		Client: netip.MustParseAddrPort("10.0.0.7:51034"), ClientOrigin: netip.MustParseAddrPort("192.0.2.1:1"),
		Server: netip.MustParseAddrPort("[2001:db8::1]:443"), Target: "t.example:443", Preface: "smtp", Tunnel: []string{"vlan:12"},
		SNI: "api.shop.example", HasSNI: true, ALPN: []string{"h2"}, ALPNChosen: "h2", Version: "TLS 1.2", Cipher: "c", Group: "x25519",
		Hello: true, ServerHello: true, Resumed: No, ClientAuthRequested: Yes, ECH: ECHOffered,
		Chain: []Fingerprint{{1}}, ClientChain: []Fingerprint{{2}}, CertsFrom: FromWire, KeyProven: Yes, OCSP: "good",
		Alerts:  []Alert{{Level: "fatal", Description: "certificate_expired"}},
		Outcome: RefusedByClient, ClientRandom: make([]byte, 32), JA3: "a", JA3S: "b", JA4: "c", PacketsLost: 1,
	}
}

func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// TestEventIsOneSafeLine: whatever a stranger sent, an event is one line of
// printable ASCII, and a JSON reader gets the text back.
func TestEventIsOneSafeLine(t *testing.T) {
	for _, hostile := range []string{"a\nb", "\x1b[2J", `"},{"`, "\u2028", "\U0001f600", "\xff\xfe", "</script>", "\x7f"} {
		o := fullObservation()
		o.SNI, o.SNIRaw = "", hostile
		o.ALPN = []string{hostile}
		o.Target = hostile
		line := AppendEvent(nil, 1, o)
		if bytes.Count(line, []byte("\n")) != 1 {
			t.Errorf("%q: got more than one line", hostile)
		}
		if i := slices.IndexFunc(line[:len(line)-1], func(c byte) bool { return c < ' ' || c > '~' || c == '<' }); i >= 0 {
			t.Errorf("%q: got byte %#x in the line", hostile, line[i])
		}
		var got struct {
			ALPN []string
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q: %v", hostile, err)
		}
		if want := string([]rune(hostile)); got.ALPN[0] != want {
			t.Errorf("got %q back, want %q", got.ALPN[0], want)
		}
	}
}

func TestEventAllocates(t *testing.T) {
	o := fullObservation()
	buf := AppendEvent(nil, 1, o)
	if n := testing.AllocsPerRun(100, func() { buf = AppendEvent(buf[:0], 1, o) }); n != 0 {
		t.Errorf("got %v allocations an event, want 0", n)
	}
}
