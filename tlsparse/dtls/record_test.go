package dtls

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var recordFlag = flag.Bool("record", false, "write testdata/*.trace with the openssl and gnutls-bin of this machine")

// recording is a conversation of two real peers. In the commands PORT is the
// port to listen on or to connect to; certificates are made by makeCertificates.
type recording struct {
	name           string
	server, client string
	first          string // a client that comes before and is not recorded
	sni            string
	serverChain    []string // files of certificates
	clientChain    []string
	lost           []int // datagrams, from 0, that the relay drops
}

var recordings = []recording{
	{
		name:        "openssl-mutual",
		server:      "openssl s_server -dtls1_2 -listen -accept 127.0.0.1:PORT -cert rsa.pem -key rsa.key -cert_chain ec.pem -Verify 1 -mtu 300 -quiet",
		client:      "openssl s_client -dtls1_2 -connect 127.0.0.1:PORT -cert ec.pem -key ec.key -servername mutual.example -mtu 300",
		sni:         "mutual.example",
		serverChain: []string{"rsa.pem", "ec.pem"}, clientChain: []string{"ec.pem"},
	},
	{
		name:        "openssl-lossy",
		server:      "openssl s_server -dtls1_2 -accept 127.0.0.1:PORT -cert rsa.pem -key rsa.key -cert_chain ec.pem -Verify 1 -mtu 300 -quiet",
		client:      "openssl s_client -dtls1_2 -connect 127.0.0.1:PORT -cert rsa.pem -key rsa.key -servername lossy.example -mtu 300",
		sni:         "lossy.example",
		serverChain: []string{"rsa.pem", "ec.pem"}, clientChain: []string{"rsa.pem"},
		lost: []int{2, 4, 15, 16},
	},
	{
		name:        "openssl-dtls10",
		server:      "openssl s_server -dtls1 -cipher DEFAULT@SECLEVEL=0 -accept 127.0.0.1:PORT -cert rsa.pem -key rsa.key -Verify 1 -quiet",
		client:      "openssl s_client -dtls1 -cipher DEFAULT@SECLEVEL=0 -connect 127.0.0.1:PORT -cert rsa.pem -key rsa.key -servername old.example",
		sni:         "old.example",
		serverChain: []string{"rsa.pem"}, clientChain: []string{"rsa.pem"},
	},
	{
		name:        "openssl-rejected",
		server:      "openssl s_server -dtls1_2 -accept 127.0.0.1:PORT -cert rsa.pem -key rsa.key -quiet",
		client:      "openssl s_client -dtls1_2 -connect 127.0.0.1:PORT -CAfile ec.pem -verify_return_error -servername rejected.example",
		sni:         "rejected.example",
		serverChain: []string{"rsa.pem"},
	},
	{
		name:   "openssl-resumed",
		server: "openssl s_server -dtls1_2 -accept 127.0.0.1:PORT -cert ec.pem -key ec.key -quiet",
		first:  "openssl s_client -dtls1_2 -connect 127.0.0.1:PORT -servername resumed.example -sess_out session.pem",
		client: "openssl s_client -dtls1_2 -connect 127.0.0.1:PORT -servername resumed.example -sess_in session.pem",
		sni:    "resumed.example",
	},
	{
		name:        "gnutls-mutual",
		server:      "gnutls-serv --udp --mtu 400 --port PORT --x509certfile rsa.pem --x509keyfile rsa.key --require-client-cert --quiet",
		client:      "gnutls-cli --udp --mtu 400 --insecure --x509certfile rsa.pem --x509keyfile rsa.key --sni-hostname gnu.example -p PORT 127.0.0.1",
		sni:         "gnu.example",
		serverChain: []string{"rsa.pem"}, clientChain: []string{"rsa.pem"},
	},
	{
		name:        "gnutls-lossy",
		server:      "gnutls-serv --udp --nocookie --mtu 400 --port PORT --x509certfile rsa.pem --x509keyfile rsa.key --require-client-cert --quiet",
		client:      "gnutls-cli --udp --mtu 400 --insecure --x509certfile rsa.pem --x509keyfile rsa.key --sni-hostname gnu.example -p PORT 127.0.0.1",
		sni:         "gnu.example",
		serverChain: []string{"rsa.pem"}, clientChain: []string{"rsa.pem"},
		lost: []int{3, 16},
	},
}

// TestRecord makes the traces in testdata. It is no test.
func TestRecord(t *testing.T) {
	if !*recordFlag {
		t.Skip("traces are made with -record, which needs openssl and gnutls-bin")
	}
	for _, r := range recordings {
		t.Run(r.name, func(t *testing.T) { r.run(t) })
	}
}

func (r *recording) run(t *testing.T) {
	dir := t.TempDir()
	makeCertificates(t, dir)
	serverPort := freePort(t)
	start(t, dir, r.server, serverPort)
	time.Sleep(500 * time.Millisecond)
	if r.first != "" {
		talk(t, dir, r.first, serverPort)
		time.Sleep(time.Second)
	}
	relay := newRelay(t, serverPort, r.lost)
	talk(t, dir, r.client, relay.port)

	var out bytes.Buffer
	fmt.Fprintf(&out, "# %s\n# server %s\n# client %s\n", toolVersion(r.client), r.server, r.client)
	fmt.Fprintf(&out, "sni %s\n", r.sni)
	fmt.Fprintf(&out, "server-chain %s\n", fingerprints(t, dir, r.serverChain))
	fmt.Fprintf(&out, "client-chain %s\n", fingerprints(t, dir, r.clientChain))
	relay.mu.Lock()
	defer relay.mu.Unlock()
	for _, line := range relay.lines {
		fmt.Fprintln(&out, line)
	}
	if err := os.WriteFile(filepath.Join("testdata", r.name+".trace"), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// toolVersion returns the first line that a command's program says of itself.
func toolVersion(line string) string {
	name, argument := strings.Fields(line)[0], "--version"
	if name == "openssl" {
		argument = "version"
	}
	out, _ := exec.Command(name, argument).Output()
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

func makeCertificates(t *testing.T, dir string) {
	for name, key := range map[string]string{"rsa": "rsa:2048", "ec": "ec -pkeyopt ec_paramgen_curve:P-256"} {
		cmd := command(dir, "openssl req -x509 -newkey "+key+" -nodes -keyout "+name+".key -out "+name+
			".pem -days 3650 -subj /CN="+name+".example -addext subjectAltName=DNS:"+name+".example", 0)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("make a certificate with openssl: %v %s", err, out)
		}
	}
}

func fingerprints(t *testing.T, dir string, files []string) string {
	var sums []string
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		sum := sha256.Sum256(block.Bytes)
		sums = append(sums, hex.EncodeToString(sum[:]))
	}
	return strings.Join(sums, ",")
}

func command(dir, line string, port int) *exec.Cmd {
	words := strings.Fields(strings.ReplaceAll(line, "PORT", fmt.Sprint(port)))
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	return cmd
}

func start(t *testing.T, dir, line string, port int) {
	cmd := command(dir, line, port)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// talk runs a client that sends a line once connected, and leaves.
func talk(t *testing.T, dir, line string, port int) {
	cmd := command(dir, line, port)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	time.Sleep(8 * time.Second)
	fmt.Fprintln(stdin, "hello")
	time.Sleep(500 * time.Millisecond)
	stdin.Close()
	time.Sleep(500 * time.Millisecond)
	cmd.Process.Kill()
	cmd.Wait()
	t.Logf("%.2000s", out.String())
}

func freePort(t *testing.T) int {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// relay passes datagrams between one client and a server and writes them down.
type relay struct {
	port  int
	mu    sync.Mutex
	lost  []int
	count int
	lines []string
}

func newRelay(t *testing.T, serverPort int, lost []int) *relay {
	front, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	back, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: serverPort})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { front.Close(); back.Close() })
	r := &relay{port: front.LocalAddr().(*net.UDPAddr).Port, lost: lost}
	client := make(chan *net.UDPAddr, 1)
	go func() {
		var known bool
		b := make([]byte, 1<<16)
		for {
			n, from, err := front.ReadFromUDP(b)
			if err != nil {
				return
			}
			if !known {
				known = true
				client <- from
			}
			if r.write('>', b[:n]) {
				back.Write(b[:n])
			}
		}
	}()
	go func() {
		to := <-client
		b := make([]byte, 1<<16)
		for {
			n, err := back.Read(b)
			if err != nil {
				return
			}
			if r.write('<', b[:n]) {
				front.WriteToUDP(b[:n], to)
			}
		}
	}()
	return r
}

// write writes a datagram down and reports whether it is passed on.
func (r *relay) write(direction byte, b []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	mark := ""
	for _, i := range r.lost {
		if i == r.count {
			mark = "lost"
		}
	}
	r.count++
	r.lines = append(r.lines, fmt.Sprintf("%s%c %x", mark, direction, b))
	return mark == ""
}
