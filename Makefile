# Targets: make help

GO       ?= go
BIN      := bin/blindspot
DEMO     := testdata/pcaps/demo.pcap
CONFIG   := testdata/pcaps/demo/blindspot.yml
FUZZTIME ?= 60
TESTFLAGS ?=
# BENCHFLAGS: --small for a tenth of the workloads, --runs N
BENCHFLAGS ?= --runs 3
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.DEFAULT_GOAL := help
.PHONY: help need build demo test race lint fuzz bench lab clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z]*\):[^#]*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 16

need:
	@GO=$(GO) .ci/need

build: need ## build bin/blindspot
	CGO_ENABLED=1 $(GO) build -buildvcs=auto -trimpath -o $(BIN) ./cmd/blindspot

demo: build ## run the main job on a shipped capture and print the report
	$(BIN) gap --pcap $(DEMO) --config $(CONFIG)

test: need ## run the tests
	$(GO) test $(TESTFLAGS) ./...

race: need ## run the tests with the race detector
	$(GO) test -race $(TESTFLAGS) ./...

lint: need ## formatting, vet, staticcheck (and golangci-lint where installed)
	@files=$$(gofmt -l cmd capture discover store tlsparse testdata .ci/*.go); \
	if [ -n "$$files" ]; then echo "not formatted (run gofmt -w on them):"; echo "$$files"; exit 1; fi
	$(GO) vet ./... ./testdata/pcaps/gen ./testdata/lengths/measure
	$(GO) run $(STATICCHECK) ./... ./testdata/pcaps/gen ./testdata/lengths/measure
	@if command -v golangci-lint >/dev/null; then golangci-lint run; fi

fuzz: need ## run every fuzz target; FUZZTIME seconds for all together
	GO=$(GO) .ci/fuzz $(FUZZTIME)

bench: build ## Go benchmarks, then packets/s, bytes/s and memory beside tshark and ndpiReader
	$(GO) test -run '^$$' -bench . -benchmem -benchtime 200ms ./...
	GO=$(GO) .ci/bench $(BIN) $(BENCHFLAGS)

lab: build ## (root) build the laboratories anew and assert their reports
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	$(GO) run ./testdata/pcaps/gen --dir "$$dir" --only 'lab-*,lab13-*' && \
	BLINDSPOT_LAB="$$dir" $(GO) test -count=1 -run '^TestLab$$' ./cmd/blindspot

clean: ## remove what was built
	rm -rf bin
