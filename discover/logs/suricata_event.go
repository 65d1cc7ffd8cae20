package logs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"

	"blindspot/discover"
)

// event is an EVE event of type tls or quic. Names are those of Suricata 4 to 8.
type event struct {
	Timestamp     string      `json:"timestamp"`
	Flow          json.Number `json:"flow_id"`
	Type          string      `json:"event_type"`
	SrcIP         string      `json:"src_ip"`
	SrcPort       json.Number `json:"src_port"`
	DestIP        string      `json:"dest_ip"`
	DestPort      json.Number `json:"dest_port"`
	Proto         string      `json:"proto"`
	OriginalProto string      `json:"app_proto_orig"`
	VLAN          vlans       `json:"vlan"`
	TLS           eveTLS      `json:"tls"`
	QUIC          eveQUIC     `json:"quic"`
}

// eveCertificate is what an event says of one side's certificate.
type eveCertificate struct {
	Subject     string   `json:"subject"`
	Issuer      string   `json:"issuerdn"`
	Serial      string   `json:"serial"`
	Fingerprint string   `json:"fingerprint"` // SHA-1 with colons
	NotBefore   string   `json:"notbefore"`
	NotAfter    string   `json:"notafter"`
	Certificate string   `json:"certificate"` // the leaf, base64
	Chain       []string `json:"chain"`       // all, leaf first
}

func (c *eveCertificate) certificateSeen() bool {
	return c.Subject != "" || c.Issuer != "" || c.Serial != "" || c.Fingerprint != "" || c.Certificate != "" || len(c.Chain) > 0
}

type eveTLS struct {
	eveCertificate
	SNI            *string `json:"sni"`
	Version        string  `json:"version"`
	SessionResumed bool    `json:"session_resumed"`
	FromProto      string  `json:"from_proto"`
	JA3            digest  `json:"ja3"`
	JA3S           digest  `json:"ja3s"`
	JA4            digest  `json:"ja4"`

	ClientALPN  []string       `json:"client_alpns"`
	ServerALPN  []string       `json:"server_alpns"`
	Client      eveCertificate `json:"client"`
	ServerHello struct {       // its version is the one in the hello, which TLS 1.3 does not use
		Cipher cipherText `json:"cipher"`
	} `json:"server_handshake"`
}

type eveQUIC struct {
	SNI        *string           `json:"sni"`
	JA3        digest            `json:"ja3"`
	JA3S       digest            `json:"ja3s"`
	JA4        digest            `json:"ja4"`
	Extensions []json.RawMessage `json:"extensions"`
}

// digest is a fingerprint of a hello: {"hash":…,"string":…}, or text.
type digest string

func (d *digest) UnmarshalJSON(b []byte) error {
	var object struct{ Hash string }
	if json.Unmarshal(b, &object) == nil {
		*d = digest(object.Hash)
		return nil
	}
	var s string
	if json.Unmarshal(b, &s) == nil {
		*d = digest(s)
	}
	return nil
}

func (d digest) text() string { return discover.Escape([]byte(d)) }

// cipherText is a cipher suite by number or name.
type cipherText string

func (c *cipherText) UnmarshalJSON(b []byte) error {
	*c = cipherText(bytes.Trim(b, `"`))
	return nil
}

// String returns a number as "0x1301".
func (c cipherText) String() string {
	if _, err := strconv.ParseUint(string(c), 10, 16); err == nil {
		return zeekName16("unknown-" + string(c))
	}
	return strings.TrimSuffix(string(c), "null")
}

// vlans is [12], or 12 in old versions.
type vlans []uint16

func (v *vlans) UnmarshalJSON(b []byte) error {
	var one uint16
	if json.Unmarshal(b, &one) == nil {
		*v = vlans{one}
		return nil
	}
	var list []uint16
	if json.Unmarshal(b, &list) == nil {
		*v = list
	}
	return nil
}

// maxTunnel bounds the tags of an event that are kept.
const maxTunnel = 8

// observation reads what every event has.
func (e *event) observation() (*discover.Observation, error) {
	t, err := parseTime(e.Timestamp)
	if err != nil {
		return nil, malformed("timestamp: %v", err)
	}
	// Suricata's time is that of the packet that made it write the event, and
	// the client is the source of a flow.
	o := &discover.Observation{Time: t, Ended: t, Outcome: discover.OutcomeUnknown}
	if o.Client, err = e.address("src_ip, src_port", e.SrcIP, e.SrcPort); err != nil {
		return nil, err
	}
	if o.Server, err = e.address("dest_ip, dest_port", e.DestIP, e.DestPort); err != nil {
		return nil, err
	}
	for _, tag := range e.VLAN[:min(len(e.VLAN), maxTunnel)] {
		o.Tunnel = append(o.Tunnel, "vlan:"+strconv.Itoa(int(tag)))
	}
	return o, nil
}

func (e *event) address(fields, ip string, port json.Number) (netip.AddrPort, error) {
	a, err := parseAddr(ip, port.String())
	if err != nil {
		return a, malformed("%s: %v", fields, err)
	}
	return a, nil
}

func isUDP(proto string) bool { return strings.EqualFold(proto, "UDP") }

// suricataVersion reads "TLS 1.2", "TLSv1", "SSLv3", "0x7f1c", "UNDETERMINED".
func suricataVersion(s string) string {
	switch s {
	case "", "UNDETERMINED", "UNKNOWN":
		return ""
	case "TLSv1":
		return "TLS 1.0"
	case "SSLv2", "SSLv3":
		return "SSL " + s[4:] + ".0"
	}
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		if n, err := strconv.ParseUint(hex, 16, 16); err == nil {
			return versionOf(uint16(n))
		}
	}
	if strings.HasPrefix(s, "TLS 1.3") { // "TLS 1.3 draft-28"
		return "TLS 1.3"
	}
	if strings.HasPrefix(s, "TLS 1.") && len(s) == len("TLS 1.2") {
		return s
	}
	return zeekVersion(s)
}

// maxALPN bounds the protocols of a list that are kept.
const maxALPN = 64

func escapeAll(list []string) []string {
	var out []string
	for _, s := range list[:min(len(list), maxALPN)] {
		out = append(out, discover.Escape([]byte(s)))
	}
	return out
}

func decodeBase64(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimSpace(s))
}
