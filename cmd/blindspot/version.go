package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print version, commit and Go version",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, "unexpected argument %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version())
			return err
		},
	}
}

// version describes the build: module version, commit, Go version.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "blindspot (built without module information) " + runtime.Version()
	}
	s := "blindspot " + info.Main.Version
	set := map[string]string{}
	for _, v := range info.Settings {
		set[v.Key] = v.Value
	}
	if commit := set["vcs.revision"]; commit != "" {
		s += " commit " + commit
		if set["vcs.modified"] == "true" {
			s += " (modified)"
		}
		s += " of " + set["vcs.time"]
	}
	return s + " " + info.GoVersion + " " + runtime.GOOS + "/" + runtime.GOARCH
}

// versionParts are version, commit and Go version of the build.
func versionParts() (version, commit, goVersion string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", "unknown", runtime.Version()
	}
	commit = "unknown"
	for _, v := range info.Settings {
		if v.Key == "vcs.revision" {
			commit = v.Value
		}
	}
	return info.Main.Version, commit, info.GoVersion
}
