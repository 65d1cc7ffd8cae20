package report

import "bufio"

func init() { registerLoop(loop{name: "uptime-kuma", place: 4, write: writeKuma}) }

// kumaVersion is the last 1.x: what imports backups. From 1.7.0 on, each
// monitor needs a list of tags.
const kumaVersion = "1.23.17"

// kumaBackup is what Settings, Backup, Import of Uptime Kuma 1.x reads.
type kumaBackup struct {
	Version          string        `json:"version"`
	NotificationList []struct{}    `json:"notificationList"`
	ProxyList        []struct{}    `json:"proxyList"`
	MonitorList      []kumaMonitor `json:"monitorList"`
	Notes            []string      `json:"blindspot"` // the import does not look at it
}

type kumaMonitor struct {
	Name                string          `json:"name"`
	Description         string          `json:"description"`
	Type                string          `json:"type"`
	URL                 string          `json:"url,omitempty"`
	Method              string          `json:"method,omitempty"`
	Hostname            *string         `json:"hostname"`
	Port                *uint16         `json:"port"`
	Interval            int             `json:"interval"`
	RetryInterval       int             `json:"retryInterval"`
	Timeout             int             `json:"timeout"`
	MaxRetries          int             `json:"maxretries"`
	MaxRedirects        int             `json:"maxredirects"`
	ExpiryNotification  bool            `json:"expiryNotification"`
	IgnoreTLS           bool            `json:"ignoreTls"`
	UpsideDown          bool            `json:"upsideDown"`
	AcceptedStatusCodes []string        `json:"accepted_statuscodes"`
	DNSResolveType      string          `json:"dns_resolve_type"`
	DNSResolveServer    string          `json:"dns_resolve_server"`
	NotificationIDList  map[string]bool `json:"notificationIDList"`
	Tags                []struct{}      `json:"tags"`
	Active              int             `json:"active"` // 1 starts it, anything else pauses it
	kumaUnused
}

// kumaUnused are columns that the import takes from the file in any case.
type kumaUnused struct {
	Body           *string `json:"body"`
	Headers        *string `json:"headers"`
	Keyword        *string `json:"keyword"`
	AuthMethod     *string `json:"authMethod"`
	BasicAuthUser  *string `json:"basic_auth_user"`
	BasicAuthPass  *string `json:"basic_auth_pass"`
	ResendInterval int     `json:"resendInterval"`
	InvertKeyword  bool    `json:"invertKeyword"`
}

// writeKuma writes a backup to import. Its checks take any answer for good: it
// is the certificate that they are about. What Uptime Kuma cannot check is
// there, paused.
func writeKuma(w *bufio.Writer, c *closing) error {
	b := kumaBackup{Version: kumaVersion, NotificationList: []struct{}{}, ProxyList: []struct{}{}, MonitorList: []kumaMonitor{}, Notes: c.notes}
	for i := range c.gaps {
		b.MonitorList = append(b.MonitorList, kumaMonitorOf(&c.gaps[i]))
	}
	text, err := marshal(&b, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

func kumaMonitorOf(g *gap) kumaMonitor {
	m := kumaMonitor{
		Name: visible(g.name()), Description: g.why(),
		Interval: 300, RetryInterval: 60, Timeout: 48, ExpiryNotification: true,
		AcceptedStatusCodes: []string{"100-199", "200-299", "300-399", "400-499", "500-599"},
		DNSResolveType:      "A", DNSResolveServer: "1.1.1.1",
		NotificationIDList: map[string]bool{}, Tags: []struct{}{}, Active: 1,
	}
	if reason := g.kumaCannot(); reason != "" {
		host := g.host
		if host == "" || g.addr.IsValid() {
			host = g.addr.Addr().String()
		}
		m.Type, m.Hostname, m.Port, m.Active = "port", &host, &g.port, 0
		m.Description += "; paused, because " + reason
		return m
	}
	m.Type, m.Method, m.URL = "http", "GET", "https://"+g.target()+"/"
	m.Description += "; after the import, see that the notification of expiry is on"
	if g.host == "" {
		m.IgnoreTLS = true
		m.Description += "; no name is asked for, so there is none to verify: only expiry is checked"
	}
	return m
}

// kumaCannot says why Uptime Kuma cannot make the check, "" where it can.
func (g *gap) kumaCannot() string {
	switch reason := g.overDatagrams(); {
	case reason != "":
		return reason
	case g.pinned():
		return "it cannot ask an address for another name"
	case g.starttls != "":
		return "it looks at certificates over HTTPS only, and this begins in the clear (" + g.starttls + ")"
	}
	return ""
}
