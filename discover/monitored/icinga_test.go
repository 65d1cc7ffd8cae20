package monitored

import (
	"reflect"
	"testing"
)

// TestVariablesAgreeWithIcinga holds what the custom variables say against the
// command lines that Icinga 2.13.6 (Debian 12) ran for them.
func TestVariablesAgreeWithIcinga(t *testing.T) {
	for _, path := range []string{"testdata/icinga/services.json", "testdata/icinga/hosts.json"} {
		text, err := readText(path)
		if err != nil {
			t.Fatal(err)
		}
		results, err := parseIcinga(path, text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range results {
			o, host := &results[i].V.Attrs, results[i].V.Joins.Host
			if host == nil {
				host = o
			}
			if _, known := icingaCommands[o.Command]; !known {
				continue
			}
			t.Run(results[i].V.Name.V, func(t *testing.T) {
				if o.LastResult == nil {
					t.Fatal("the fixture has no result")
				}
				want := checkOfIcinga(t, o, host)
				o.LastResult = nil
				got := checkOfIcinga(t, o, host)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got\n\t%+v\nof the variables, want\n\t%+v\nof the command line", got, want)
				}
			})
		}
	}
}

func checkOfIcinga(t *testing.T, o, host *icingaObject) Check {
	t.Helper()
	name, args, err := icingaCommand(o, host)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pluginCheck("icinga", "ref", name, args)
	if err != nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return c
}

// TestIcingaHosts reads services without their hosts.
func TestIcingaHosts(t *testing.T) {
	services := write(t, `{"results":[
 {"name":"edge1!https","type":"Service","attrs":{"name":"https","host_name":"edge1","check_command":"http","vars":{"http_ssl":true,"http_sni":true},"last_check_result":null},"joins":{}}]}`)
	r, err := Read([]Spec{{Kind: "icinga", Path: services}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Checks) != 0 || len(r.Warnings) != 1 || r.Warnings[0].Ref != services+":2" {
		t.Errorf("without hosts: got %+v, want one warning in line 2", r)
	}
	r, err = Read([]Spec{{Kind: "icinga", Path: services, Options: map[string]string{"hosts": "testdata/icinga/hosts.json"}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Checks) != 1 || r.Checks[0].Hostname != "www.shop.example" || r.Checks[0].Address != "10.77.0.10" || r.Checks[0].Owner != "infra" {
		t.Errorf("with hosts: got %+v, want www.shop.example at 10.77.0.10", r)
	}
}

func FuzzIcinga(f *testing.F) {
	fuzzKind(f, "icinga", "testdata/icinga/services.json", "testdata/icinga/hosts.json")
}
