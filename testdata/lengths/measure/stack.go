package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// stack is a server's TLS library or program. start serves every identity on
// its port of 127.0.0.1 until the context ends, with TLS 1.3 alone and the
// groups X25519 and P-256, so that another group is sent back.
type stack struct {
	name  string
	start func(ctx context.Context, dir string, list []*service) error
	// version says what was measured.
	version func() string
}

var stacks = []stack{
	{"OpenSSL", startOpenSSL, firstLine("openssl", "version")},
	{"GnuTLS", startGnuTLS, firstLine("gnutls-serv", "--version")},
	{"Go", startGo, firstLine("go", "version")},
	{"Java", startJava, firstLine("java", "-version")},
	{"BoringSSL", startBoringSSL, boringVersion},
	{"NGINX", startNGINX, firstLine("nginx", "-v")},
	{"HAProxy", startHAProxy, firstLine("haproxy", "-v")},
}

// errMissing says that a program is not installed.
var errMissing = errors.New("not installed")

func firstLine(args ...string) func() string {
	return func() string {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			return ""
		}
		line, _, _ := bytes.Cut(out, []byte("\n"))
		return string(line)
	}
}

// spawn starts a program that ends with the context.
func spawn(ctx context.Context, dir string, args ...string) error {
	if _, err := exec.LookPath(args[0]); err != nil {
		return errMissing
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // our own words
	cmd.Dir = dir
	log, err := os.CreateTemp(dir, "log-*")
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	if _, err := cmd.StdinPipe(); err != nil { // stays open: s_server ends with its input
		return err
	}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", args[0], err)
	}
	go func() { _ = cmd.Wait(); _ = log.Close() }()
	return nil
}

// each starts one process for each identity.
func each(ctx context.Context, dir string, list []*service, args func(*service) []string) error {
	for _, s := range list {
		if err := spawn(ctx, dir, args(s)...); err != nil {
			return err
		}
	}
	return nil
}

// await waits until the port answers.
func await(s *service, patience time.Duration) error {
	end := time.Now().Add(patience)
	for {
		c, err := net.Dial("tcp", addr(s))
		if err == nil {
			return c.Close()
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s does not listen: %w", s.name, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func addr(s *service) string { return "127.0.0.1:" + strconv.Itoa(s.port) }

func startOpenSSL(ctx context.Context, dir string, list []*service) error {
	return each(ctx, dir, list, func(s *service) []string {
		args := []string{"openssl", "s_server", "-accept", addr(s), "-cert", s.leafFile, "-key", s.keyFile, "-tls1_3", "-groups", "X25519:P-256", "-quiet"}
		if len(s.chain) > 1 {
			args = append(args, "-cert_chain", s.restFile)
		}
		if s.staple != nil {
			args = append(args, "-status_file", s.stapleFile)
		}
		switch {
		case s.authFile != "":
			args = append(args, "-verify", "3", "-CAfile", s.authFile)
		case s.auth != "":
			args = append(args, "-verify", "3")
		}
		return args
	})
}

func startGnuTLS(ctx context.Context, dir string, list []*service) error {
	return each(ctx, dir, list, func(s *service) []string {
		args := []string{
			"gnutls-serv", "--port", strconv.Itoa(s.port), "--http", "--x509certfile", s.chainFile, "--x509keyfile", s.keyFile,
			"--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1",
		}
		if s.staple != nil {
			args = append(args, "--ocsp-response", s.stapleFile, "--ignore-ocsp-response-errors")
		}
		switch {
		case s.authFile != "":
			args = append(args, "--x509cafile", s.authFile)
		case s.auth == "":
			args = append(args, "--disable-client-cert")
		}
		return args
	})
}

func startNGINX(ctx context.Context, dir string, list []*service) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "daemon off;\nmaster_process off;\npid %s/nginx.pid;\nerror_log %s/nginx.log;\nevents { worker_connections 1024; }\nhttp {\naccess_log off;\nssl_protocols TLSv1.3;\nssl_ecdh_curve X25519:prime256v1;\n", dir, dir)
	for _, s := range list {
		fmt.Fprintf(&b, "server { listen %s ssl; ssl_certificate %s; ssl_certificate_key %s; return 200;\n", addr(s), s.chainFile, s.keyFile)
		if s.staple != nil {
			fmt.Fprintf(&b, "ssl_stapling on; ssl_stapling_file %s;\n", s.stapleFile)
		}
		switch {
		case s.authFile != "":
			fmt.Fprintf(&b, "ssl_verify_client optional; ssl_client_certificate %s;\n", s.authFile)
		case s.auth != "":
			b.WriteString("ssl_verify_client optional_no_ca;\n")
		}
		b.WriteString("}\n")
	}
	b.WriteString("}\n")
	conf := dir + "/nginx.conf"
	if err := os.WriteFile(conf, b.Bytes(), 0o600); err != nil {
		return err
	}
	return spawn(ctx, dir, "nginx", "-c", conf)
}

func startHAProxy(ctx context.Context, dir string, list []*service) error {
	var b bytes.Buffer
	b.WriteString("global\n ssl-default-bind-options ssl-min-ver TLSv1.3\n ssl-default-bind-curves X25519:P-256\ndefaults\n mode http\n timeout client 5s\n timeout server 5s\n timeout connect 5s\nfrontend all\n http-request return status 200\n")
	for _, s := range list {
		if s.auth != "" && s.authFile == "" {
			continue // it cannot ask without naming authorities
		}
		fmt.Fprintf(&b, " bind %s ssl crt %s", addr(s), s.bundleFile)
		if s.authFile != "" {
			fmt.Fprintf(&b, " verify optional ca-file %s", s.authFile)
		}
		b.WriteString("\n")
	}
	conf := dir + "/haproxy.cfg"
	if err := os.WriteFile(conf, b.Bytes(), 0o600); err != nil {
		return err
	}
	return spawn(ctx, dir, "haproxy", "-db", "-f", conf)
}
