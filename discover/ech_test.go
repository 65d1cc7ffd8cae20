package discover

import (
	"maps"
	"testing"
)

// TestPublicName: a known public name hides the one that is asked for, and only
// beside an offer of ECH.
func TestPublicName(t *testing.T) {
	tests := []struct {
		name, sni, ech string
		more           []string
		outcome        Outcome
		want           NameKind
		inUse          int // hostnames
	}{
		{"a provider's name", "cloudflare-ech.com", ECHOffered, nil, Established, NamePublic, 0},
		{"accepted, as keys show", "public.tls-ech.dev", ECHAccepted, nil, Established, NamePublic, 0},
		{"unanswered", "cover.defo.ie", ECHOffered, nil, Unanswered, NamePublic, 0},
		{"without ECH it is a name like others", "cloudflare-ech.com", "", nil, Established, NameValid, 1},
		{"GREASE beside an ordinary name", "www.shop.example", ECHOffered, nil, Established, NameValid, 1},
		{"a name below is another", "www.cloudflare-ech.com", ECHOffered, nil, Established, NameValid, 1},
		{"of the configuration", "ech.shop.example", ECHOffered, []string{"ech.shop.example"}, Established, NamePublic, 0},
		{"of the configuration, without ECH", "ech.shop.example", "", []string{"ech.shop.example"}, Established, NameValid, 1},
		{"beside those of the configuration", "cloudflare-ech.com", ECHOffered, []string{"ech.shop.example"}, Established, NamePublic, 0},
		{"no name", "", ECHOffered, nil, Established, NameNone, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := NewAggregator(AggregatorConfig{ECHPublicNames: tt.more})
			o := observation(tt.sni, 1, tt.outcome)
			o.ECH = tt.ech
			a.Add(o)
			s := a.Drain(false).All()[0]
			if s.Name != tt.want || s.Hostname != tt.sni || o.ECHPublic != (tt.want == NamePublic) {
				t.Errorf("got %v %q, public %v; want %v %q", s.Name, s.Hostname, o.ECHPublic, tt.want, tt.sni)
			}
			if n := a.Stats(); n.Names != tt.inUse || n.AskedOnly != 0 {
				t.Errorf("got %d names in use and %d asked for, want %d and 0", n.Names, n.AskedOnly, tt.inUse)
			}
		})
	}
}

// TestPublicNamesNormalised: a name that no hello can be matched with would be
// listed in vain.
func TestPublicNamesNormalised(t *testing.T) {
	for name, provider := range echPublicNames {
		if got, ok := Hostname(name); !ok || got != name {
			t.Errorf("%s: got %q", name, got)
		}
		if provider == "" || ECHPublicProvider(name) != provider {
			t.Errorf("%s has no provider", name)
		}
	}
}

// TestHiddenCounts: one handshake counts under all that it hides, and the
// counts of a bucket are those of the run.
func TestHiddenCounts(t *testing.T) {
	a := NewAggregator(AggregatorConfig{})
	for i, edit := range []func(*Observation){
		func(*Observation) {},
		func(o *Observation) { o.ECH = ECHOffered },
		func(o *Observation) { o.ECH, o.SNI = ECHOffered, "cloudflare-ech.com" },
		func(o *Observation) { o.ECH, o.ESNI, o.SNI, o.HasSNI = ECHOffered, true, "", false },
		func(o *Observation) { o.EarlyData, o.CertsHidden = true, HiddenResumed },
	} {
		o := observation("www.shop.example", i, Established)
		edit(o)
		a.Add(o)
	}
	want := map[string]uint64{"encrypted": 4, "resumed": 1, "ech": 3, "ech_public": 1, "esni": 1, "early_data": 1}
	if got := a.Stats().Hidden; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	v := a.Drain(false).Visibility[0]
	if !maps.Equal(v.Hidden, want) {
		t.Errorf("in the bucket: got %v, want %v", v.Hidden, want)
	}
	var certificates uint64
	for cause, n := range v.Hidden {
		if HidesCertificate(cause) {
			certificates += n
		}
	}
	if certificates != v.Handshakes {
		t.Errorf("got %d hidden certificates of %d handshakes", certificates, v.Handshakes)
	}
}
