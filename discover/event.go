package discover

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendEvent appends o as one line of JSON with a newline. seq counts the
// events of a run from 1. The line holds no byte that a stranger chose without
// being escaped, and nothing but ASCII.
func AppendEvent(dst []byte, seq uint64, o *Observation) []byte {
	e := eventWriter{dst}
	e.raw(`{"seq":`).uint(seq)
	e.raw(`,"time":`).time(o.Time)
	e.raw(`,"ended":`).time(o.Ended)
	e.raw(`,"transport":`).str(o.Transport.String())
	e.raw(`,"network":`).strOrNull(o.Network)
	e.raw(`,"client":`).addr(o.Client)
	e.raw(`,"client_origin":`).addr(o.ClientOrigin)
	e.raw(`,"server":`).addr(o.Server)
	e.raw(`,"target":`).strOrNull(o.Target)
	e.raw(`,"sni":`).strOrNull(o.SNI)
	e.raw(`,"sni_raw":`).sniRaw(o)
	e.raw(`,"alpn":`).strs(o.ALPN)
	e.raw(`,"alpn_chosen":`).strOrNull(o.ALPNChosen)
	e.raw(`,"version":`).strOrNull(o.Version)
	e.raw(`,"cipher":`).strOrNull(o.Cipher)
	e.raw(`,"group":`).strOrNull(o.Group)
	e.raw(`,"starttls":`).strOrNull(o.Preface)
	e.raw(`,"tunnel":`).strs(o.Tunnel)
	e.raw(`,"certs":`).fingerprints(o.Chain)
	e.raw(`,"certs_from":`).strOrNull(o.CertsFrom)
	e.raw(`,"client_certs":`).fingerprints(o.ClientChain)
	e.raw(`,"certs_hidden":`).strOrNull(o.CertsHidden)
	e.raw(`,"key_proof":`).tri(o.KeyProven)
	e.raw(`,"ocsp":`).strOrNull(o.OCSP)
	e.raw(`,"resumed":`).tri(o.Resumed)
	e.raw(`,"hello_retry":`).bool(o.HelloRetry)
	e.raw(`,"ech":`).strOrNull(o.ECH)
	e.raw(`,"ech_public":`).bool(o.ECHPublic)
	e.raw(`,"esni":`).bool(o.ESNI)
	e.raw(`,"early_data":`).bool(o.EarlyData)
	e.raw(`,"client_auth_requested":`).tri(o.ClientAuthRequested)
	e.raw(`,"alerts":`).alerts(o.Alerts)
	e.raw(`,"outcome":`).str(string(o.Outcome))
	e.raw(`,"client_random":`).hexOrNull(o.ClientRandom)
	e.raw(`,"ja3":`).strOrNull(o.JA3)
	e.raw(`,"ja3s":`).strOrNull(o.JA3S)
	e.raw(`,"ja4":`).strOrNull(o.JA4)
	e.raw(`,"packets_lost":`).uint(uint64(o.PacketsLost))
	e.raw("}\n")
	return e.b
}

// eventWriter appends JSON without reflection: events are written for every
// handshake.
type eventWriter struct{ b []byte }

func (e *eventWriter) raw(s string) *eventWriter {
	e.b = append(e.b, s...)
	return e
}

func (e *eventWriter) uint(n uint64) { e.b = strconv.AppendUint(e.b, n, 10) }

func (e *eventWriter) time(t time.Time) {
	if t.IsZero() {
		e.raw("null")
		return
	}
	e.b = append(e.b, '"')
	e.b = t.UTC().AppendFormat(e.b, time.RFC3339Nano)
	e.b = append(e.b, '"')
}

func (e *eventWriter) bool(v bool) { e.b = strconv.AppendBool(e.b, v) }

func (e *eventWriter) tri(v Tri) {
	switch v {
	case Yes:
		e.raw("true")
	case No:
		e.raw("false")
	default:
		e.raw("null")
	}
}

func (e *eventWriter) addr(a netip.AddrPort) {
	if !a.IsValid() {
		e.raw("null")
		return
	}
	e.b = append(e.b, '"')
	e.b = a.AppendTo(e.b)
	e.b = append(e.b, '"')
}

func (e *eventWriter) sniRaw(o *Observation) {
	if o.SNI != "" || !o.HasSNI {
		e.raw("null")
		return
	}
	e.str(o.SNIRaw)
}

func (e *eventWriter) strOrNull(s string) {
	if s == "" {
		e.raw("null")
		return
	}
	e.str(s)
}

// str appends a JSON string in ASCII: everything else is written as \u escapes.
func (e *eventWriter) str(s string) {
	e.b = append(e.b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && c != 0x7f {
			i++
			continue
		}
		e.b = append(e.b, s[start:i]...)
		r, n := utf8.DecodeRuneInString(s[i:])
		e.escape(r)
		i += n
		start = i
	}
	e.b = append(e.b, s[start:]...)
	e.b = append(e.b, '"')
}

func (e *eventWriter) escape(r rune) {
	if r == '"' || r == '\\' {
		e.b = append(e.b, '\\', byte(r))
		return
	}
	if r > 0xffff {
		r -= 0x10000
		e.u16(0xd800 + r>>10)
		e.u16(0xdc00 + r&0x3ff)
		return
	}
	e.u16(r)
}

func (e *eventWriter) u16(r rune) {
	const digits = "0123456789abcdef"
	e.b = append(e.b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

func (e *eventWriter) strs(list []string) {
	e.b = append(e.b, '[')
	for i, s := range list {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.str(s)
	}
	e.b = append(e.b, ']')
}

func (e *eventWriter) fingerprints(list []Fingerprint) {
	e.b = append(e.b, '[')
	for i := range list {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.b = append(e.b, '"')
		e.b = hex.AppendEncode(e.b, list[i][:])
		e.b = append(e.b, '"')
	}
	e.b = append(e.b, ']')
}

func (e *eventWriter) hexOrNull(b []byte) {
	if len(b) == 0 {
		e.raw("null")
		return
	}
	e.b = append(e.b, '"')
	e.b = hex.AppendEncode(e.b, b)
	e.b = append(e.b, '"')
}

func (e *eventWriter) alerts(list []Alert) {
	e.b = append(e.b, '[')
	for i, a := range list {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		side := "client"
		if a.FromServer {
			side = "server"
		}
		e.raw(`{"from":"` + side + `","level":`).strOrNull(a.Level)
		e.raw(`,"description":`).strOrNull(a.Description)
		e.raw(`,"protected":`).bool(a.Protected)
		e.b = append(e.b, '}')
	}
	e.b = append(e.b, ']')
}
