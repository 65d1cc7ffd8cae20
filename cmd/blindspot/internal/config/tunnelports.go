package config

import (
	"blindspot/cmd/blindspot/internal/ports"

	"go.yaml.in/yaml/v3"
)

// tunnelPorts reads the UDP ports on which tunnels are looked for beside the
// usual ones.
func (d *decoder) tunnelPorts(n *yaml.Node) error {
	return d.anyMapping(n, func(key, value *yaml.Node) error {
		if err := ports.Tunnel(key.Value); err != nil {
			return d.errorf(key, "%v", err)
		}
		if isNull(value) {
			return nil
		}
		return d.list(value, func(n *yaml.Node) error {
			word, err := d.text(n, "a port")
			if err != nil {
				return err
			}
			port, err := ports.Port(word)
			if err != nil {
				return d.errorf(n, "%v", err)
			}
			f := d.file
			f.TunnelPorts = append(f.TunnelPorts, ports.Change{Tunnel: key.Value, Port: port})
			if _, err := ports.Apply(f.TunnelPorts); err != nil {
				return d.errorf(n, "%v", err)
			}
			return nil
		})
	})
}
