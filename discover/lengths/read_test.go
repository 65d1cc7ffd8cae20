package lengths

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"blindspot/tlsparse"
)

// sampled is a handshake that testdata/lengths/measure made with a real server
// and client, with the truth.
type sampled struct {
	Name    string
	Client  string
	Suite   uint16
	Records []int
	Lengths []int
	Key     string
	Stapled int
}

func samples(t testing.TB) []sampled {
	t.Helper()
	f, err := os.Open("testdata/flights.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []sampled
	for s := bufio.NewScanner(f); s.Scan(); {
		var x sampled
		if err := json.Unmarshal(s.Bytes(), &x); err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

// hellos are those of the samples, by client.
func hellos(t testing.TB) map[string]*tlsparse.ClientHello {
	t.Helper()
	b, err := os.ReadFile("testdata/hellos.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*tlsparse.ClientHello{}
	for line := range strings.Lines(string(b)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
		body, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		h := &tlsparse.ClientHello{}
		if err := tlsparse.ParseClientHello(body, h); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = h
	}
	return out
}

// Every flight of a real server is read as the server was told to serve.
func TestReadReal(t *testing.T) {
	habits := map[string]Habit{
		"OpenSSL": Separable, "GnuTLS": Separable, "Go": Separable, "Java": Padded,
		"BoringSSL": Packed, "NGINX": Separable, "HAProxy": Separable,
	}
	clients, seen := hellos(t), map[string]bool{}
	for _, x := range samples(t) {
		stack, _, _ := strings.Cut(x.Name, " ")
		seen[stack] = true
		e := Read(Flight{x.Records, x.Suite, AsksOf(clients[x.Client])})
		if e.Habit != habits[stack] {
			t.Errorf("%s: got habit %s, want %s: %v", x.Name, e.Habit, habits[stack], x.Records)
		}
		if e.Habit == Packed {
			continue
		}
		plain := Message(x.Lengths)
		switch {
		case e.Certificate == plain:
			if !e.Fits(x.Lengths, x.Key) {
				t.Errorf("%s: %s does not fit its own chain", x.Name, e.String())
			}
		case e.Asks.Extra&Status == 0 || e.Certificate != x.Stapled:
			t.Errorf("%s: got a message of %d bytes, want %d, or %d with its staple", x.Name, e.Certificate, plain, x.Stapled)
		}
		if e.Key != x.Key {
			t.Errorf("%s: got key %s, want %s", x.Name, e.Key, x.Key)
		}
	}
	for stack := range habits {
		if !seen[stack] {
			t.Errorf("no flight of %s", stack)
		}
	}
}

const (
	sha256Suite = 0x1301
	sha384Suite = 0x1302
)

func TestRead(t *testing.T) {
	tests := []struct {
		name    string
		records []int
		suite   uint16
		extra   Extra
		want    string
	}{
		// 876 and 862 bytes of DER: 4+1+3+(3+876+2)+(3+862+2) = 1756.
		{"two certificates, RSA", []int{23, 1773, 281, 53}, sha256Suite, 0, "separable cert=1756 key=rsa-2048"},
		{"with SHA-384", []int{23, 1773, 281, 69}, sha384Suite, 0, "separable cert=1756 key=rsa-2048"},
		{"ECDSA, a short signature", []int{23, 1116, 94, 53}, sha256Suite, 0, "separable cert=1099 key=p256"},
		{"ECDSA, a long one", []int{23, 1116, 97, 53}, sha256Suite, 0, "separable cert=1099 key=p256"},
		{"Ed25519", []int{23, 1116, 89, 53}, sha256Suite, 0, "separable cert=1099 key=ed25519"},
		{"a request of the client's certificate", []int{23, 14823, 1773, 281, 69}, sha384Suite, 0, "separable cert=1756 key=rsa-2048 request=14806"},
		{"tickets and data behind", []int{23, 1773, 281, 69, 268, 268, 16401, 53}, sha384Suite, 0, "separable cert=1756 key=rsa-2048"},
		{"data that looks like the end of another flight", []int{23, 1773, 281, 53, 900, 281, 53}, sha256Suite, 0, "separable cert=1756 key=rsa-2048"},
		{"over 16 KB", []int{23, 16401, 117, 281, 53}, sha256Suite, 0, "separable cert=16484 key=rsa-2048"},
		{"a request over 16 KB", []int{23, 16401, 117, 1773, 281, 53}, sha256Suite, 0, "separable cert=1756 key=rsa-2048 request=16484"},
		{"Java's padding", []int{49, 1789, 297, 69}, sha256Suite, 0, "padded cert=1756 key=rsa-2048"},
		{"a tag of 8 bytes", []int{15, 1765, 273, 45}, 0x1305, 0, "separable cert=1756 key=rsa-2048"},
		{"a status asked for", []int{23, 1773, 281, 53}, sha256Suite, Status, "separable cert=1756 key=rsa-2048"},
		// RFC 8448 §3: the server's flight of 657 bytes in one record.
		{"packed, RFC 8448", []int{674}, sha256Suite, 0, "packed total=608"},
		{"packed, over 16 KB", []int{16401, 500}, sha256Suite, 0, "packed total=16800"},

		{"nothing", nil, sha256Suite, 0, ""},
		{"a resumption", []int{23, 53}, sha256Suite, 0, ""},
		{"a resumption, packed", []int{59}, sha256Suite, 0, ""},
		{"a resumption, and data", []int{23, 53, 281, 53, 1000}, sha256Suite, 0, ""},
		{"not whole", []int{23, 1773, 281}, sha256Suite, 0, ""},
		{"three messages before the signature", []int{23, 100, 100, 1773, 281, 53}, sha256Suite, 0, ""},
		{"a signature of no key", []int{23, 1773, 300, 53}, sha256Suite, 0, ""},
		{"padded to 512", []int{529, 2065, 529, 529}, sha256Suite, 0, ""},
		{"the hash of another suite", []int{23, 1773, 281, 69}, sha256Suite, 0, ""},
		{"an unknown suite", []int{23, 1773, 281, 53}, 0x13ff, 0, ""},
		{"no suite of TLS 1.3", []int{23, 1773, 281, 53}, 0xc02f, 0, ""},
		{"small records asked for", []int{23, 1773, 281, 53}, sha256Suite, SmallRecord, ""},
		{"too long an answer to read", []int{23, 16401, 16401, 16401, 16401, 16401, 16401, 16401, 16401, 16401, 16401, 16401, 16401, 16401, 16401, 99, 281, 53}, sha256Suite, 0, ""},
		{"zeros", []int{0, 0, 0, 0, 0}, sha256Suite, 0, ""},
		{"less than a record's overhead", []int{1, 2, 3, 53}, sha256Suite, 0, ""},
	}
	for _, tt := range tests {
		e := Read(Flight{tt.records, tt.suite, Asks{Hash: 0x3f2a, Extra: tt.extra}})
		want := tt.want
		if want != "" {
			want += " asks=3f2a"
			if tt.extra != 0 {
				want += " may=" + tt.extra.String()
			}
		}
		if got := e.String(); got != want {
			t.Errorf("%s: got %q, want %q", tt.name, got, want)
		}
	}
}

// A flight that breaks off tells nothing exact.
func TestReadPrefixes(t *testing.T) {
	for _, x := range samples(t) {
		whole := Read(Flight{Records: x.Records, Suite: x.Suite})
		for i := range x.Records {
			e := Read(Flight{Records: x.Records[:i], Suite: x.Suite})
			if e.Exact() && e != whole {
				t.Errorf("%s: %d records: got %s, whole %s", x.Name, i, e.String(), whole.String())
			}
		}
	}
}

func TestFits(t *testing.T) {
	e := Read(Flight{Records: []int{23, 1773, 281, 53}, Suite: sha256Suite})
	tests := []struct {
		name  string
		chain []int
		key   string
		want  bool
	}{
		{"its own", []int{876, 862}, "rsa-2048", true},
		{"another of the same length", []int{870, 868}, "rsa-2048", true},
		{"another length", []int{877, 862}, "rsa-2048", false},
		{"another key", []int{876, 862}, "rsa-3072", false},
		{"the leaf alone", []int{876}, "rsa-2048", false},
		{"no chain", nil, "rsa-2048", false},
	}
	for _, tt := range tests {
		if got := e.Fits(tt.chain, tt.key); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	packed := Read(Flight{Records: []int{674}, Suite: sha256Suite})
	if packed.Fits(nil, "") || packed.Fits([]int{0}, "") {
		t.Error("packed messages fit something")
	}
}

// Of is done once a handshake.
func BenchmarkOf(b *testing.B) {
	h := hellos(b)["Go"]
	b.ReportAllocs()
	for b.Loop() {
		if Of([]int{23, 1773, 281, 53}, h, sha256Suite) == "" {
			b.Fatal("no evidence")
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{0, 23, 6, 237, 1, 25, 0, 53}, uint16(sha256Suite), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, suite, extra uint16) {
		var records []int
		for i := 0; i+1 < len(b); i += 2 {
			records = append(records, int(b[i])<<8|int(b[i+1]))
		}
		e := Read(Flight{records, suite, Asks{Hash: extra, Extra: Extra(extra) & (1<<len(extraWords) - 1)}})
		text := e.String()
		if text == "" {
			return
		}
		if back, ok := Parse(text); !ok || back != e {
			t.Errorf("%q: got %+v, want %+v", text, back, e)
		}
	})
}
