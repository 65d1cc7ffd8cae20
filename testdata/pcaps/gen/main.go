//go:build linux

// Gen makes the captures of testdata/pcaps from real servers and clients, and
// beside each one a file that says what they really did.
//
//	go run ./testdata/pcaps/gen [--only GLOB[,GLOB]] [--list]
//
// It needs root (network namespaces, tcpdump) and Linux. Nothing leaves the
// namespaces that it makes. Keys and certificates come from testdata/pcaps/pki
// and are made where they are missing.
package main

//go:generate go run .

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A scenario is one capture: what it shows, and how to make it.
type scenario struct {
	name  string // file name of the capture
	stack string // which programs talk
	point string // what it is for
	run   func(*lab) error
}

// groups are run one after the other; the scenarios within one side by side.
// Later groups may read what earlier ones wrote.
var groups = [][]scenario{
	append(append(append(append([]scenario{demoScenario}, opensslScenarios...), gnutlsScenarios...), goScenarios...), proxyScenarios...),
	slices.Concat(quicScenarios, ngtcp2Scenarios, chromiumScenarios, dtlsScenarios, tunnelScenarios),
	slices.Concat(starttlsScenarios, prefaceScenarios),
	slices.Concat(labScenarios, lab13Scenarios),
	append(append([]scenario{}, linkScenarios...), trapScenarios...),
}

// workers bounds the scenarios under way at once.
const workers = 6

func main() {
	only := flag.String("only", "", "make these captures only (comma-separated globs on file names)")
	list := flag.Bool("list", false, "list the captures and their point")
	dir := flag.String("dir", "", "write here (default: testdata/pcaps of the module)")
	flag.Parse()
	keepDescriptors()
	if err := gen(*dir, *only, *list); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func gen(dir, only string, list bool) error {
	if list {
		for _, g := range groups {
			for _, s := range g {
				fmt.Printf("%-40s %s\n", s.name, s.point)
			}
		}
		return nil
	}
	if err := checkTools(); err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	home := filepath.Join(root, "testdata", "pcaps")
	elsewhere := dir != ""
	if !elsewhere {
		dir = home
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	g := &generator{ctx: ctx, dir: dir, pki: newPKI(filepath.Join(home, "pki"))}
	if err := g.pki.prepare(); err != nil {
		return err
	}
	for _, group := range groups {
		g.runGroup(selected(group, only))
	}
	g.printTable()
	var readme error
	if !elsewhere || only == "" { // else not all are there
		readme = g.writeReadme()
	}
	if len(g.failed) > 0 {
		return fmt.Errorf("%d captures could not be made:\n%w", len(g.failed), errors.Join(append(g.failed, readme)...))
	}
	return readme
}

// keepDescriptors keeps what the caller left open, such as the descriptor of a
// lock, from the servers: one that outlives us would hold on to it.
func keepDescriptors() {
	for fd := 3; fd < 16; fd++ {
		syscall.CloseOnExec(fd)
	}
}

func selected(group []scenario, only string) []scenario {
	if only == "" {
		return group
	}
	var out []scenario
	for _, s := range group {
		for glob := range strings.SplitSeq(only, ",") {
			if ok, _ := path.Match(glob, s.name); ok || strings.TrimSuffix(s.name, ".pcap") == glob {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

type generator struct {
	ctx context.Context
	dir string
	pki *pki

	mu     sync.Mutex
	failed []error
	made   []row
}

type row struct {
	scenario
	size       int64
	handshakes int
	checked    string
	took       time.Duration
}

func (g *generator) runGroup(group []scenario) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, workers)
	for _, s := range group {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			g.runOne(s)
		})
	}
	wg.Wait()
}

func (g *generator) runOne(s scenario) {
	start := time.Now()
	err := g.ctx.Err()
	var l *lab
	if err == nil {
		err = needed(s.name)
	}
	if err == nil {
		l, err = newLab(g, s)
	}
	if err == nil {
		err = s.run(l)
	}
	if err == nil {
		err = l.finish()
	}
	if l != nil {
		l.close()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.failed = append(g.failed, fmt.Errorf("%s: %w", s.name, err))
		return
	}
	info, err := os.Stat(filepath.Join(g.dir, s.name))
	if err != nil {
		g.failed = append(g.failed, err)
		return
	}
	g.made = append(g.made, row{s, info.Size(), len(l.truth.Handshakes), l.checked, time.Since(start)})
}

func (g *generator) printTable() {
	sort.Slice(g.made, func(i, j int) bool { return g.made[i].name < g.made[j].name })
	var total int64
	for _, r := range g.made {
		fmt.Printf("%-40s %8d bytes %4d handshakes %6.1fs  tshark: %s\n", r.name, r.size, r.handshakes, r.took.Seconds(), r.checked)
		total += r.size
	}
	fmt.Printf("%d captures, %d bytes\n", len(g.made), total)
}

// moduleRoot finds the directory of go.mod at or above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("no go.mod at or above %s: run this inside the repository", dir)
		}
	}
}

// tools are the programs that the scenarios need, and the Debian package of each.
var tools = []struct{ program, pkg string }{
	{"ip", "iproute2"}, {"sysctl", "procps"}, {"ethtool", "ethtool"}, {"tcpdump", "tcpdump"}, {"tshark", "tshark"},
	{"gtlsclient", "ngtcp2-client"}, {"gtlsserver", "ngtcp2-server"}, {"chromium", "chromium"}, {"turnserver", "coturn"},
	{"openssl", "openssl"}, {"gnutls-serv", "gnutls-bin"}, {"gnutls-cli", "gnutls-bin"},
	{"postfix", "postfix"}, {"dovecot", "dovecot-imapd"}, {"slapd", "slapd"}, {"ldapsearch", "ldap-utils"}, {"psql", "postgresql"}, {"setpriv", "util-linux"},
	{"nginx", "nginx-light"}, {"haproxy", "haproxy"}, {"curl", "curl"},
	{"prometheus", "prometheus"}, {"prometheus-blackbox-exporter", "prometheus-blackbox-exporter"},
}

func checkTools() error {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces and tcpdump need root: run it with sudo")
	}
	var missing, pkgs []string
	for _, t := range tools {
		if _, err := exec.LookPath(t.program); err != nil {
			missing, pkgs = append(missing, t.program), append(pkgs, t.pkg)
		}
	}
	if missing != nil {
		return fmt.Errorf("not installed: %s; on Debian: apt-get install %s", strings.Join(missing, ", "), strings.Join(pkgs, " "))
	}
	return nil
}
