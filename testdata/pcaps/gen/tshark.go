//go:build linux

package main

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// A witness is what tshark sees of one connection.
type witness struct {
	client       string
	server       string
	random       string
	sni          string
	hellos       int
	helloRetry   bool
	answered     bool
	cipher       string
	version      string
	serverChains [][]string
	clientChains [][]string
	alerts       []alert
}

var tsharkFields = []string{
	"frame.protocols", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst",
	"tcp.stream", "tcp.srcport", "tcp.dstport", "udp.stream", "udp.srcport", "udp.dstport", "quic.connection.number",
	"tls.handshake.type", "tls.handshake.random", "tls.handshake.extensions_server_name", "tls.handshake.certificate",
	"tls.handshake.ciphersuite", "tls.handshake.version", "tls.handshake.extensions.supported_version", "tls.alert_message.desc",
	"dtls.handshake.type", "dtls.handshake.random", "dtls.handshake.extensions_server_name", "dtls.handshake.certificate",
	"dtls.handshake.ciphersuite", "dtls.handshake.version", "dtls.handshake.extensions.supported_version", "dtls.alert_message.desc",
	"quic.cc.error_code.tls_alert",
}

// A tsharkRow is a packet's fields by name, several values of one joined by commas.
type tsharkRow map[string]string

// of is the field of TLS or, over datagrams, of DTLS.
func (r tsharkRow) of(field string) string { return r["tls."+field] + r["dtls."+field] }

// stream names the connection. QUIC connections can share a pair of ports.
func (r tsharkRow) stream() string {
	switch {
	case r["quic.connection.number"] != "":
		return "quic " + first(r["quic.connection.number"])
	case r["tcp.stream"] != "":
		return "tcp " + last(r["tcp.stream"])
	}
	return "udp " + last(r["udp.stream"])
}

// ends are the innermost addresses and ports.
func (r tsharkRow) ends() (src, dst string) {
	ip, transport := "ip", "udp"
	if p := r["frame.protocols"]; strings.LastIndex(p, ":ipv6:") > strings.LastIndex(p, ":ip:") {
		ip = "ipv6"
	}
	if r["tcp.stream"] != "" {
		transport = "tcp"
	}
	return endpoint(r[ip+".src"], r[transport+".srcport"]), endpoint(r[ip+".dst"], r[transport+".dstport"])
}

func first(list string) string {
	s, _, _ := strings.Cut(list, ",")
	return s
}

func last(list string) string { return list[strings.LastIndex(list, ",")+1:] }

// notAsked is said of captures where tshark would only guess.
const notAsked = "not asked"

const helloRetryRandom = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c" // RFC 8446 §4.1.3

// tsharkRead reads a capture, by client address: one witness a connection, and
// several where a port was used again.
func tsharkRead(file, keys string, extra []string) (map[string][]*witness, error) {
	args := []string{"-n", "-r", file, "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", "tls.handshake || tls.alert_message || dtls.handshake || dtls.alert_message || quic.cc.error_code.tls_alert", "-T", "fields", "-E", "occurrence=a"}
	for _, port := range []string{"443", "8443", "9443"} {
		args = append(args, "-d", "tcp.port=="+port+",tls")
	}
	for _, port := range []string{"4433", "5684"} {
		args = append(args, "-d", "udp.port=="+port+",dtls")
	}
	args = append(args, extra...)
	if keys != "" {
		args = append(args, "-o", "tls.keylog_file:"+keys)
	}
	for _, f := range tsharkFields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command("tshark", args...) //nolint:gosec // our own words
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil && !strings.Contains(complaints.String(), "cut short") {
		return nil, fmt.Errorf("tshark %s: %w: %s", file, err, complaints.String())
	}
	seen := witnesses{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != len(tsharkFields) {
			continue
		}
		row := tsharkRow{}
		for i, name := range tsharkFields {
			row[name] = f[i]
		}
		seen.readRow(row)
	}
	return seen.byClient(), nil
}

// witnesses are kept by the number that tshark gives a connection.
type witnesses map[string]*witness

func (seen witnesses) byClient() map[string][]*witness {
	streams := slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	out := map[string][]*witness{}
	for _, s := range streams {
		out[seen[s].client] = append(out[seen[s].client], seen[s])
	}
	return out
}

func (seen witnesses) readRow(f tsharkRow) {
	src, dst := f.ends()
	types, randoms := split(f.of("handshake.type")), split(f.of("handshake.random"))
	w := seen[f.stream()]
	if w == nil {
		w = &witness{client: src, server: dst}
		if slices.Contains(types, "2") || slices.Contains(types, "3") { // the client's side was not captured
			w.client, w.server = dst, src
		}
		seen[f.stream()] = w
	}
	fromClient := src == w.client || dst == w.server // a client can move
	var certs []string
	for _, c := range split(f.of("handshake.certificate")) {
		der, _ := hex.DecodeString(strings.ReplaceAll(c, ":", ""))
		certs = append(certs, sha256hex(der))
	}
	for _, t := range types {
		switch t {
		case "1":
			if len(randoms) == 0 {
				continue // a fragment
			}
			w.hellos++
			if w.hellos == 1 {
				w.random, w.sni = strings.ReplaceAll(randoms[0], ":", ""), f.of("handshake.extensions_server_name")
			}
		case "2":
			if len(randoms) > 0 && strings.ReplaceAll(randoms[0], ":", "") == helloRetryRandom {
				w.helloRetry = true
			} else {
				w.answered = true
			}
			if suites := split(f.of("handshake.ciphersuite")); len(suites) > 0 { // not in a fragment
				w.cipher, w.version = cipherByNumber(suites[0]), versionOf(f.of("handshake.version"), f.of("handshake.extensions.supported_version"))
			}
		case "11":
			if certs == nil && f["dtls.handshake.type"] != "" {
				continue // a fragment
			}
			if fromClient {
				w.clientChains = append(w.clientChains, certs)
			} else {
				w.serverChains = append(w.serverChains, certs)
			}
		}
	}
	for _, d := range append(split(f.of("alert_message.desc")), split(f["quic.cc.error_code.tls_alert"])...) {
		from := "server"
		if fromClient {
			from = "client"
		}
		w.alerts = append(w.alerts, alert{From: from, Description: alertNames[d]})
	}
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func endpoint(ip, port string) string {
	ip, port = last(ip), last(port)
	if strings.Contains(ip, ":") {
		ip = "[" + ip + "]"
	}
	return ip + ":" + port
}

func versionOf(legacy, supported string) string {
	v, _, _ := strings.Cut(legacy, ",")
	if supported != "" {
		v = supported
	}
	return map[string]string{"0x0300": "SSL 3.0", "0x0301": "TLS 1.0", "0x0302": "TLS 1.1", "0x0303": "TLS 1.2", "0x0304": "TLS 1.3",
		"0xfeff": "DTLS 1.0", "0xfefd": "DTLS 1.2"}[v]
}

// RFC 8446 §6 and RFC 5246 §7.2.
var alertNames = map[string]string{
	"0": "close_notify", "10": "unexpected_message", "20": "bad_record_mac", "22": "record_overflow", "40": "handshake_failure", "42": "bad_certificate",
	"43": "unsupported_certificate", "44": "certificate_revoked", "45": "certificate_expired", "46": "certificate_unknown", "47": "illegal_parameter",
	"48": "unknown_ca", "49": "access_denied", "50": "decode_error", "51": "decrypt_error", "70": "protocol_version", "71": "insufficient_security",
	"80": "internal_error", "86": "inappropriate_fallback", "90": "user_canceled", "100": "no_renegotiation", "109": "missing_extension",
	"110": "unsupported_extension", "112": "unrecognized_name", "113": "bad_certificate_status_response", "115": "unknown_psk_identity",
	"116": "certificate_required", "120": "no_application_protocol", "121": "ech_required",
}
