package monitored

import "fmt"

// kumaBackup is the backup that Uptime Kuma 1 exports.
type kumaBackup struct {
	Monitors *[]at[kumaBackupMonitor] `yaml:"monitorList"`
}

type kumaBackupMonitor struct {
	Name      at[string] `yaml:"name"`
	Type      string     `yaml:"type"`
	URL       string     `yaml:"url"`
	Hostname  string     `yaml:"hostname"`
	Port      string     `yaml:"port"`
	Active    string     `yaml:"active"`
	IgnoreTLS string     `yaml:"ignoreTls"`
	Expiry    string     `yaml:"expiryNotification"`
	Headers   string     `yaml:"headers"`
	ProxyID   string     `yaml:"proxyId"`
	GRPCURL   string     `yaml:"grpcUrl"`
	GRPCTLS   string     `yaml:"grpcEnableTls"`
	Database  string     `yaml:"databaseConnectionString"`
	Security  string     `yaml:"smtpSecurity"`
	Tags      []struct {
		Name  string `yaml:"name"`
		Value string `yaml:"value"`
	} `yaml:"tags"`
}

// readKumaBackup reads the JSON backup.
func readKumaBackup(in *input, text string, r *Result) error {
	var backup kumaBackup
	if err := decodeJSON(text, &backup); err != nil {
		return fmt.Errorf("%s%w", in.Path, err)
	}
	if backup.Monitors == nil {
		return fmt.Errorf("%s:1:1: no monitorList: this is no backup of Uptime Kuma", in.Path)
	}
	for _, at := range *backup.Monitors {
		at.V.monitor(in.ref(at.Line)).add(r)
	}
	return nil
}

func (b *kumaBackupMonitor) monitor(ref string) *kumaMonitor {
	m := &kumaMonitor{
		ref: ref, name: b.Name.V, typ: b.Type, url: b.URL, hostname: b.Hostname, port: b.Port,
		grpcURL: b.GRPCURL, security: b.Security, headers: b.Headers, database: b.Database,
		enabled: isTrue(b.Active), ignoreTLS: isTrue(b.IgnoreTLS), grpcTLS: isTrue(b.GRPCTLS),
		expiry: isTrue(b.Expiry), proxied: b.ProxyID != "", tags: map[string]string{},
	}
	for _, tag := range b.Tags {
		m.tags[tag.Name] = tag.Value
	}
	return m
}

// isTrue reads the truth values of JSON and of SQLite.
func isTrue(s string) bool { return s != "" && s != "0" && s != "false" }
