//go:build linux

package main

import (
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// cipherTable comes from `openssl ciphers`: IANA names by number and by
// OpenSSL's own names.
var cipherTable = sync.OnceValues(func() (byNumber, byName map[string]string) {
	byNumber, byName = map[string]string{}, map[string]string{}
	out, _ := exec.Command("openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").Output()
	for line := range strings.Lines(string(out)) {
		// 0xC0,0x2B - TLS_ECDHE_… - ECDHE-… TLSv1.2 Kx=…
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		hi, lo, _ := strings.Cut(f[0], ",")
		n, _ := strconv.ParseUint(strings.TrimPrefix(hi, "0x")+strings.TrimPrefix(lo, "0x"), 16, 16)
		byNumber[strconv.FormatUint(n, 10)] = f[2]
		byName[f[4]] = f[2]
	}
	return byNumber, byName
})

// cipherByNumber takes what tshark prints: decimal, or hexadecimal with 0x.
func cipherByNumber(s string) string {
	n, err := strconv.ParseUint(s, 0, 16)
	if err != nil {
		return s
	}
	byNumber, _ := cipherTable()
	if name, ok := byNumber[strconv.FormatUint(n, 10)]; ok {
		return name
	}
	return s
}

func cipherByName(s string) string {
	_, byName := cipherTable()
	if name, ok := byName[s]; ok {
		return name
	}
	return ""
}

func versionByName(s string) string {
	return map[string]string{"SSLv3": "SSL 3.0", "TLSv1": "TLS 1.0", "TLSv1.0": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3",
		"DTLSv1": "DTLS 1.0", "DTLSv1.2": "DTLS 1.2"}[s]
}
