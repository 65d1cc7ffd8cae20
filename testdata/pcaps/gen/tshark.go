//go:build linux

package main

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
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

// crossCheck holds the truth against tshark, without keys for what is visible
// and with keys for what is not, and takes over the client randoms.
func (l *lab) crossCheck(file string) error {
	if l.checked == notAsked {
		return nil
	}
	clear, err := tsharkRead(file, "", l.decodeAs)
	if err != nil {
		return err
	}
	opened := clear
	if _, err := os.Stat(l.base() + ".keys"); err == nil && !l.mixed {
		if opened, err = tsharkRead(file, l.base()+".keys", l.decodeAs); err != nil {
			return err
		}
	}
	var faults, missed []string
	hellos, hiddenChains, visible, seen, used := 0, 0, 0, 0, map[*witness]bool{}
	for _, h := range l.truth.Handshakes {
		n := h.among(clear[h.Client], used)
		if n < 0 {
			missed = append(missed, h.Client)
			continue
		}
		if clear[h.Client][n].random != "" {
			hellos++
		}
		if h.Visible && len(h.sent()) > 0 {
			visible++
			if len(clear[h.Client][n].serverChains) > 0 {
				seen++
			}
		}
		as := *h
		as.Visible = h.Visible || l.opened
		faults = append(faults, as.compare(clear[h.Client][n], l.lenient)...)
		h.ClientRandom, h.Alert = as.ClientRandom, as.Alert
		if n >= len(opened[h.Client]) {
			faults = append(faults, h.Client+": with keys tshark sees less than without")
			continue
		}
		o := opened[h.Client][n]
		faults = append(faults, h.compareOpenedAlerts(o)...)
		if !h.Visible && len(o.serverChains) > 0 {
			hiddenChains++
			if !slices.Equal(o.serverChains[0], h.sent()) {
				faults = append(faults, fmt.Sprintf("%s: with keys tshark sees the chain %v, the server has %v", h.Client, o.serverChains[0], h.Certs))
			}
		}
	}
	for c, list := range clear {
		for _, w := range list {
			if !used[w] && (w.answered || !l.again) {
				faults = append(faults, fmt.Sprintf("%s: a handshake with %s that the truth does not have", c, w.server))
			}
		}
	}
	if len(missed) > 0 && !l.lenient {
		faults = append(faults, fmt.Sprintf("tshark does not see %v", missed))
	}
	l.checked = fmt.Sprintf("%d of %d hellos, %d of %d visible chains, %d hidden", hellos, len(l.truth.Handshakes), seen, visible, hiddenChains)
	if len(faults) > 0 {
		return fmt.Errorf("tshark and the truth disagree:\n  %s", strings.Join(faults, "\n  "))
	}
	return nil
}

// among returns the number of the first connection of the client that is not
// taken yet, of one with its random or this server where there is one, and takes
// it; -1 for none. A port can be used again.
func (h *handshake) among(list []*witness, used map[*witness]bool) int {
	free := func(w *witness) bool { return !used[w] }
	n := -1
	if h.ClientRandom != "" {
		n = slices.IndexFunc(list, func(w *witness) bool { return free(w) && w.random == h.ClientRandom })
	}
	if n < 0 {
		n = slices.IndexFunc(list, func(w *witness) bool { return free(w) && w.server == h.Server })
	}
	if n < 0 {
		n = slices.IndexFunc(list, free)
	}
	if n >= 0 {
		used[list[n]] = true
	}
	return n
}

// tsharkEscapes writes a name as tshark writes it into its fields.
var tsharkEscapes = strings.NewReplacer("\t", `\t`, "\n", `\n`)

// compare returns what does not fit. Where a capture was damaged on purpose
// tshark may see less, but nothing else.
func (h *handshake) compare(w *witness, lenient bool) (faults []string) {
	differ := func(what, seen, want string) {
		if seen != want && want != "" && (!lenient || seen != "") {
			faults = append(faults, fmt.Sprintf("%s: %s: tshark sees %q, the truth is %q", h.Client, what, seen, want))
		}
	}
	if h.ClientRandom == "" {
		h.ClientRandom = w.random
	}
	differ("client random", w.random, h.ClientRandom)
	differ("server", w.server, h.Server)
	differ("server name", w.sni, tsharkEscapes.Replace(h.sentName()))
	if h.NoSNI && w.sni != "" {
		faults = append(faults, h.Client+": tshark sees the name "+w.sni+" where none was sent")
	}
	if w.answered || h.Outcome == established {
		differ("cipher", w.cipher, h.Cipher)
		differ("version", w.version, h.Version)
	}
	if h.HelloRetry != nil && *h.HelloRetry != w.helloRetry && !lenient {
		differ("hello retry", fmt.Sprint(w.helloRetry), fmt.Sprint(*h.HelloRetry))
	}
	var chain, client []string
	if len(w.serverChains) > 0 {
		chain = w.serverChains[0]
	}
	if len(w.clientChains) > 0 {
		client = w.clientChains[0]
	}
	want, wantClient := h.sent(), h.ClientCerts
	if !h.Visible {
		want, wantClient = nil, nil
	}
	if !slices.Equal(chain, want) && (!lenient || chain != nil) {
		faults = append(faults, fmt.Sprintf("%s: chain: tshark sees %v, the truth is %v", h.Client, chain, want))
	}
	if !slices.Equal(client, wantClient) && (!lenient || client != nil && !slices.Equal(client, h.ClientCerts)) {
		faults = append(faults, fmt.Sprintf("%s: client chain: tshark sees %v, the truth is %v", h.Client, client, wantClient))
	}
	return append(faults, h.compareAlerts(w, lenient)...)
}

// sent is what the Certificate message holds.
func (h *handshake) sent() []string {
	if h.RawPublicKey != "" {
		return []string{h.RawPublicKey}
	}
	return h.Certs
}

// compareAlerts wants every alert in the clear to be the truth's, and marks the
// truth's as protected where none is.
func (h *handshake) compareAlerts(w *witness, lenient bool) (faults []string) {
	clear := false
	for _, a := range w.alerts {
		if a.Description == "" || a.Description == "close_notify" {
			continue // an encrypted one that tshark guesses at, or a farewell
		}
		switch {
		case h.Alert == nil:
			faults = append(faults, fmt.Sprintf("%s: alert %s from the %s that the truth does not have", h.Client, a.Description, a.From))
		case a.From != h.Alert.From || h.Alert.Description != "" && h.Alert.Description != a.Description:
			faults = append(faults, fmt.Sprintf("%s: alert %s from the %s, the truth is %s from the %s", h.Client, a.Description, a.From, h.Alert.Description, h.Alert.From))
		default:
			clear = true
		}
	}
	if h.Alert != nil && !lenient {
		h.Alert.Protected = !clear
	}
	return faults
}

// compareOpenedAlerts does the same with keys, and fills in a reason that the
// program itself did not tell.
func (h *handshake) compareOpenedAlerts(w *witness) (faults []string) {
	if h.Alert == nil || h.Outcome == established {
		return nil
	}
	for _, a := range w.alerts {
		if a.From != h.Alert.From || a.Description == "" || a.Description == "close_notify" {
			continue
		}
		if h.Alert.Description == "" {
			h.Alert.Description = a.Description
		}
		if a.Description != h.Alert.Description {
			faults = append(faults, fmt.Sprintf("%s: with keys tshark sees the alert %s, the truth is %s", h.Client, a.Description, h.Alert.Description))
		}
	}
	return faults
}
