package main

import (
	"context"
	"os/exec"
	"strconv"
)

// client makes one connection to a port of 127.0.0.1 and asks for host. How it
// ends does not matter.
type client struct {
	name string
	run  func(ctx context.Context, port int) error
}

func local(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

func program(args func(port int) []string) func(context.Context, int) error {
	return func(ctx context.Context, port int) error {
		list := args(port)
		if _, err := exec.LookPath(list[0]); err != nil {
			return errMissing
		}
		cmd := exec.CommandContext(ctx, list[0], list[1:]...) //nolint:gosec // our own words
		return cmd.Run()
	}
}

func sClient(more ...string) func(int) []string {
	return func(port int) []string {
		return append([]string{"openssl", "s_client", "-connect", local(port), "-servername", host, "-tls1_3"}, more...)
	}
}

var clients = []client{
	{"openssl", program(sClient())},
	{"openssl -status", program(sClient("-status"))},
	{"openssl, retry", program(sClient("-groups", "P-521:X25519"))},
	{"curl", program(func(port int) []string {
		return []string{"curl", "-sk", "-m", "10", "--resolve", host + ":" + strconv.Itoa(port) + ":127.0.0.1", "https://" + host + ":" + strconv.Itoa(port) + "/"}
	})},
	{"gnutls-cli", program(func(port int) []string {
		return []string{"gnutls-cli", "--insecure", "--port", strconv.Itoa(port), "--sni-hostname", host, "127.0.0.1"}
	})},
	{"Go", goClient},
}
