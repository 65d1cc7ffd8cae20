//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var desktopScenarios = []scenario{
	{"starttls-rdp.pcap", "xrdp 0.9.21 (OpenSSL 3.0.22); xfreerdp 2.11.7", "RDP: TLS behind the X.224 negotiation, TLS 1.2 and 1.3; a server that has only its own encryption: one client gives up, one never asked", starttlsRDP},
}

const (
	rdpWith    = "10.77.0.10:3389"
	rdpOlder   = "10.77.0.10:3390"
	rdpWithout = "10.77.0.10:13389"
)

// xrdp starts one with a security layer and its settings.
func (l *lab) xrdp(name, addr, layer, settings string) error {
	_ = os.MkdirAll("/run/xrdp", 0o755)
	cfg := l.file(name+".ini", "[Globals]\nini_version=1\nfork=true\nport=tcp://"+addr+"\ncrypt_level=high\nsecurity_layer="+layer+"\nrsakeys_ini=/etc/xrdp/rsakeys.ini\n"+settings+
		"[Logging]\nLogFile="+l.tmp+"/"+name+".log\nLogLevel=INFO\nEnableSyslog=false\nEnableConsole=true\nConsoleLevel=INFO\n[Channels]\n[Xvnc]\nname=Xvnc\nlib=libvnc.so\nip=127.0.0.1\nport=-1\n")
	_, err := l.serve([]string{addr}, "xrdp", "--nodaemon", "--port", "tcp://"+addr, "--config", cfg)
	return err
}

// screen starts an X server for the clients, and returns its name.
func (l *lab) screen() (string, error) {
	name := fmt.Sprint(7000 + os.Getpid()%1000)
	if _, err := l.spawn(l.cli, nil, "Xvfb", ":"+name, "-screen", "0", "640x480x24", "-nolisten", "tcp"); err != nil {
		return "", err
	}
	for range 200 {
		if _, err := os.Stat("/tmp/.X11-unix/X" + name); err == nil {
			return ":" + name, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", fmt.Errorf("no screen :%s of Xvfb", name)
}

// xfreerdp runs it until it has connected, or could not.
func (l *lab) xfreerdp(screen, addr string, args ...string) error {
	_, err := l.run("", []string{"HOME=" + l.tmp, "DISPLAY=" + screen}, append([]string{"timeout", "4", "xfreerdp", "/v:" + addr, "/u:anna", "/p:laboratory", "/cert:ignore", "/log-level:INFO"}, args...)...)
	return err
}

var reXrdpTLS = regexp.MustCompile(`TLS connection established from (\S+) port (\d+): (TLSv[0-9.]+) with cipher (\S+)`)

func starttlsRDP(l *lab) error {
	id := l.pki.get("desktop")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.addr(l.cli, clientIP); err != nil {
		return err
	}
	own := "certificate=" + l.crt(id) + "\nkey_file=" + l.key(id) + "\n"
	if err := l.xrdp("xrdp", rdpWith, "tls", "ssl_protocols=TLSv1.3\n"+own); err != nil {
		return err
	}
	if err := l.xrdp("xrdp-older", rdpOlder, "tls", "ssl_protocols=TLSv1.2\n"+own); err != nil {
		return err
	}
	if err := l.xrdp("xrdp-own", rdpWithout, "rdp", ""); err != nil {
		return err
	}
	screen, err := l.screen()
	if err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.lenient = true // tshark does not find TLS there
	for _, s := range []struct{ addr, sec string }{{rdpWith, "tls"}, {rdpOlder, "tls"}, {rdpWithout, "tls"}, {rdpWithout, "rdp"}} {
		if err := l.xfreerdp(screen, s.addr, "/sec:"+s.sec); err != nil {
			return err
		}
	}
	if err := l.xrdpLog("xrdp", rdpWith, id); err != nil {
		return err
	}
	if err := l.xrdpLog("xrdp-older", rdpOlder, id); err != nil {
		return err
	}
	b, err := os.ReadFile(l.tmp + "/xrdp-own.log")
	if err != nil {
		return err
	}
	l.stayedClear(rdpWithout, "rdp", refused, strings.Count(string(b), "requested [SSL|RDP], selected [RDP]"))
	return nil
}

// xrdpLog adds the handshakes that an xrdp logged.
func (l *lab) xrdpLog(name, addr string, id *ident) error {
	b, err := os.ReadFile(filepath.Join(l.tmp, name+".log"))
	if err != nil {
		return err
	}
	found := reXrdpTLS.FindAllStringSubmatch(string(b), -1)
	for _, m := range found {
		h := l.add(&handshake{Client: m[1] + ":" + m[2], Server: addr, Transport: "tcp", StartTLS: "rdp", Outcome: established,
			Version: versionByName(m[3]), Cipher: cipherByName(m[4]), Resumed: ref(false)})
		h.presents(id)
	}
	if len(found) == 0 {
		return fmt.Errorf("%s logged no handshake:\n%s", name, b)
	}
	return nil
}
