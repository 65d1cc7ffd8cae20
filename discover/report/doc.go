// Package report writes findings and lists for people and programs, one file
// per output: table, json, jsonl, csv, markdown, html. It also compares two
// reports (Diff), and writes the configuration of a monitor that would close
// the gap (CloseLoop).
//
// Names, certificates and files come from strangers. Each output escapes them
// for what it is read by: a terminal, a spreadsheet, a Markdown renderer, a
// browser, a program. What is too long is shortened in tables and pictures only.
//
// The package judges nothing and reads no clock: what is a finding is decided
// in discover/coverage, whether colour is wanted and how wide the terminal is
// by the caller.
package report
