// Package report writes findings and lists for people and programs, one file
// per output: table, json, jsonl, csv, markdown.
//
// Names, certificates and files come from strangers. Each output escapes them
// for what it is read by: a terminal, a spreadsheet, a Markdown renderer, a
// program. What is too long is shortened in tables only.
//
// The package judges nothing and reads no clock: what is a finding is decided
// in discover/coverage, whether colour is wanted and how wide the terminal is
// by the caller.
package report
