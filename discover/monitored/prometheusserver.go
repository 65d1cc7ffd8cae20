package monitored

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

var errNoObject = errors.New("the JSON is no object")

// Bounds on asking a server.
const (
	apiTimeout   = 30 * time.Second
	maxRedirects = 5
	maxToken     = 64 << 10
)

// apiServer is a Prometheus server that is asked over HTTP.
type apiServer struct {
	base   url.URL // without credentials
	user   *url.Userinfo
	token  string
	client *http.Client
}

// newAPIServer reads the source's URL, which may hold a user and a password,
// and its options bearer and ca. No proxy is used: the environment is not read.
func newAPIServer(in *input) (*apiServer, error) {
	u, err := url.Parse(in.Path)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("monitored source %s: no URL of a Prometheus server: write http://host:9090", quote(in.Path))
	}
	base, _, _ := strings.Cut(u.Path, "/api/v1")
	s := &apiServer{base: url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(base, "/")}, user: u.User}
	if s.token, err = readToken(in.Options["bearer"]); err != nil {
		return nil, err
	}
	roots, err := readRoots(in.Options["ca"])
	if err != nil {
		return nil, err
	}
	s.client = &http.Client{
		Timeout:       apiTimeout,
		CheckRedirect: checkRedirect,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}
	return s, nil
}

// name is the server's URL without credentials.
func (s *apiServer) name() string { return s.base.String() }

// readToken reads a file with a bearer token.
func readToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("bearer token: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("bearer token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" || len(data) > maxToken || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("bearer token: %s holds no token: it must be one word", path)
	}
	return token, nil
}

// readRoots reads a PEM file of roots, nil for the system's.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(text)) {
		return nil, fmt.Errorf("%s:1:1: no certificate in PEM", path)
	}
	return roots, nil
}

// checkRedirect follows a few redirects. It refuses those that leave TLS or the
// host: credentials and answers belong to the server that the user named.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("redirected more than %d times", maxRedirects)
	case next.URL.Hostname() != first.Hostname():
		return fmt.Errorf("redirected to another host, %s: is it behind a login? Give the server itself", quote(next.URL.Host))
	case first.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("redirected from https to http")
	}
	return nil
}

// get asks for a path with its query and returns the JSON that is answered.
func (s *apiServer) get(path string) (string, error) {
	name := s.name() + path
	request, err := http.NewRequest(http.MethodGet, name, nil)
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", name, err)
	}
	request.Header.Set("Accept", "application/json")
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	} else if s.user != nil {
		password, _ := s.user.Password()
		request.SetBasicAuth(s.user.Username(), password)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", name, withoutURL(err))
	}
	defer response.Body.Close()
	return readAnswer(name, response)
}

// withoutURL is the cause of an HTTP client's error: the message names the URL
// already.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// readAnswer reads the body of a response, up to maxFile.
func readAnswer(name string, response *http.Response) (string, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxFile+1))
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", name, withoutURL(err))
	}
	if len(body) > maxFile {
		return "", fmt.Errorf("ask %s: the answer is larger than %d MB", name, maxFile>>20)
	}
	text, err := decodeText(body)
	if err != nil {
		return "", fmt.Errorf("%s%w", name, err)
	}
	isJSON := strings.HasPrefix(strings.TrimSpace(text), "{")
	if response.StatusCode != http.StatusOK && !(isJSON && response.StatusCode/100 != 3) || !isJSON {
		return "", fmt.Errorf("ask %s: %s", name, whatStatusMeans(response.StatusCode))
	}
	return text, nil
}

// whatStatusMeans says what to do about an answer that is none of the API.
func whatStatusMeans(code int) string {
	status := fmt.Sprintf("%d %s", code, http.StatusText(code))
	switch code {
	case http.StatusOK:
		return "the answer is no JSON: is it behind a login, or not Prometheus? Give the server's own URL, as http://host:9090"
	case http.StatusUnauthorized, http.StatusForbidden:
		return status + ": give user:password@ in the URL, or bearer=FILE with a token"
	case http.StatusNotFound:
		return status + ": no Prometheus API there: give the URL before /api/v1, as http://host:9090"
	}
	return status
}
