// Package show writes the lists that are made of a comparison: the checks, and
// the map of surfaces. Layout and escaping are those of discover/report, which
// writes them wherever a list is enough.
package show
