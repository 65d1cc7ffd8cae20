//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
)

// A truth is what the servers and clients of a capture did, by their own
// configuration, exit codes, logs and key logs.
type truth struct {
	Capture    string       `json:"capture"`
	Stack      string       `json:"stack"`
	Point      string       `json:"point"`
	Tshark     string       `json:"tshark"` // how much of it tshark saw
	Handshakes []*handshake `json:"handshakes"`
	Cleartext  []*cleartext `json:"cleartext,omitempty"`
}

// A cleartext is an endpoint at which sessions stayed without TLS: the server
// refused it to a client that asked, or the client declined what was offered.
type cleartext struct {
	Server   string `json:"server"`
	StartTLS string `json:"starttls"`
	State    string `json:"state"`
	Sessions int    `json:"sessions"`
}

// A handshake is one TLS handshake. What is not known is left out.
type handshake struct {
	Client       string   `json:"client"`
	Server       string   `json:"server"`
	Transport    string   `json:"transport"`
	SNI          string   `json:"sni,omitempty"`
	SNISentRaw   string   `json:"sni_sent_raw,omitempty"` // where it differs from sni
	NoSNI        bool     `json:"no_sni,omitempty"`
	ALPNOffered  []string `json:"alpn_offered,omitempty"`
	ALPNChosen   string   `json:"alpn_chosen,omitempty"`
	Version      string   `json:"version,omitempty"`
	Cipher       string   `json:"cipher,omitempty"`
	Group        string   `json:"group,omitempty"`
	Certs        []string `json:"certs,omitempty"`        // SHA-256 of the DER, as presented
	ClientCerts  []string `json:"client_certs,omitempty"` // the same of the client
	Visible      bool     `json:"visible"`                // certificates are in the clear on the wire
	Resumed      *bool    `json:"resumed,omitempty"`
	HelloRetry   *bool    `json:"hello_retry,omitempty"`
	ClientAuth   *bool    `json:"client_auth_requested,omitempty"`
	KeyProof     *bool    `json:"key_proof,omitempty"`
	OCSP         string   `json:"ocsp,omitempty"`
	RawPublicKey string   `json:"raw_public_key,omitempty"` // SHA-256 of the SubjectPublicKeyInfo, in place of certificates
	ECH          string   `json:"ech,omitempty"`
	InnerSNI     string   `json:"ech_inner_sni,omitempty"` // never on the wire
	EarlyData    *bool    `json:"early_data,omitempty"`    // 0-RTT data was sent, whatever became of it
	Outcome      string   `json:"outcome"`
	Alert        *alert   `json:"alert,omitempty"`
	ClientRandom string   `json:"client_random,omitempty"` // as tshark reads it
	Tunnel       []string `json:"tunnel,omitempty"`        // what the packets came in, outermost first
	InAndOut     bool     `json:"in_and_out,omitempty"`    // the packets came both with and without the tunnel
	StartTLS     string   `json:"starttls,omitempty"`      // protocols before TLS, outermost first, joined by "+"
	Target       string   `json:"target,omitempty"`        // what a proxy was asked for
	ClientOrigin string   `json:"client_origin,omitempty"` // whom a PROXY header names
	Hop          bool     `json:"hop,omitempty"`           // the far side of a handshake that has an entry of its own
	Note         string   `json:"note,omitempty"`
}

// An alert is the last word of the side that gave up.
type alert struct {
	From        string `json:"from"`
	Level       string `json:"level,omitempty"` // warning; fatal where it is not said
	Description string `json:"description,omitempty"`
	Protected   bool   `json:"protected"` // encrypted on the wire
}

const (
	established     = "established"
	refusedByClient = "refused-by-client"
	refusedByServer = "refused-by-server"
	unanswered      = "unanswered"
)

func ref[T any](v T) *T { return &v }

// add keeps a handshake; the capture's truth lists them in this order.
func (l *lab) add(h *handshake) *handshake {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.truth.Handshakes = append(l.truth.Handshakes, h)
	return h
}

// named sets the name sent, and what it is normalised.
func (h *handshake) named(raw string) {
	h.NoSNI, h.SNISentRaw = raw == "", ""
	h.SNI = strings.TrimSuffix(strings.ToLower(raw), ".")
	if h.SNI != raw {
		h.SNISentRaw = raw
	}
}

func (h *handshake) sentName() string {
	if h.SNISentRaw != "" {
		return h.SNISentRaw
	}
	return h.SNI
}

// presents sets the server's chain. It is visible up to TLS 1.2, unless resumed.
func (h *handshake) presents(id *ident) *handshake {
	if h.Resumed != nil && *h.Resumed {
		return h
	}
	h.Certs = id.hashes()
	h.Visible = h.Version != "" && h.Version != "TLS 1.3" && h.Transport != "quic"
	return h
}

func (h *handshake) refused(by, description string) *handshake {
	h.Outcome = "refused-by-" + by
	h.Alert = &alert{From: by, Description: description}
	return h
}

func (t *truth) write(path string) error {
	b, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644) //nolint:gosec // checked in
}

func readTruth(path string) (*truth, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t := new(truth)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return t, d.Decode(t)
}

func (t *truth) clone() []*handshake {
	var out []*handshake
	for _, h := range t.Handshakes {
		c := *h
		c.Certs, c.ClientCerts = slices.Clone(h.Certs), slices.Clone(h.ClientCerts)
		if h.Alert != nil {
			c.Alert = ref(*h.Alert)
		}
		out = append(out, &c)
	}
	return out
}
