package coverage

import (
	"fmt"
	"testing"

	"blindspot/discover/monitored"
)

func TestUnusedCheck(t *testing.T) {
	use := func(s *scene) { s.see(shop, edge, wildcard(s), 5, users(3)) }
	gone := exact("gone.shop.example", 443)
	smtp := exact("mail.shop.example", 25)
	smtp.StartTLS = "smtp"
	var many []monitored.Check
	for i := range 30 {
		many = append(many, exact(fmt.Sprintf("n%02d.shop.example", i), 443))
	}
	runReports(t, []reportCase{
		{"nobody uses the name", use, []monitored.Check{exact(shop, 443), gone}, Config{}, []string{"notice unused-check gone.shop.example"}},
		{"only the check itself does", func(s *scene) {
			use(s)
			s.see("gone.example.net", edge, s.leaf("g", []string{"gone.example.net"}), 5, users(1), byMonitor)
		}, []monitored.Check{exact(shop, 443), exact("gone.example.net", 443)}, Config{}, []string{"notice unused-check gone.example.net"}},
		{"another port of the name", use, []monitored.Check{exact(shop, 443), exact(shop, 8443)}, Config{}, nil},
		{"many are one", use, append(many, exact(shop, 443)), Config{}, []string{"notice unused-check n00.shop.example"}},
		{"not where the place is not seen", use, []monitored.Check{exact(shop, 443), exact("www.example.net", 443)}, Config{}, nil},
		{"not without any traffic", func(*scene) {}, one(gone), Config{}, nil},
		{"not where clients ask and nobody answers", func(s *scene) {
			use(s)
			s.see("gone.shop.example", edge, none, 5, users(3), unanswered)
		}, []monitored.Check{exact(shop, 443), gone}, Config{}, nil},
		{"not for a ping", use, []monitored.Check{exact(shop, 443), ping("gone.shop.example")}, Config{}, nil},
		{"not for STARTTLS that was not seen", use, []monitored.Check{exact(shop, 443), smtp}, Config{}, nil},
		{"not for a disabled check", use, []monitored.Check{exact(shop, 443), func() monitored.Check { c := gone; c.Enabled = false; return c }()}, Config{}, nil},
		{"not outside of the scope", use, []monitored.Check{exact(shop, 443), gone}, Config{Scope: Scope{Servers: prefixes("10.0.0.0/8")}}, nil},
	})
}
