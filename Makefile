# Targets: make help

GO       ?= go
BIN      := bin/blindspot
DEMO     := testdata/pcaps/demo.pcap
CONFIG   := testdata/pcaps/demo/blindspot.yml
FUZZTIME ?= 60
TESTFLAGS ?=
# BENCH: which benchmarks; COUNT: how often each, for benchstat
BENCH    ?= .
COUNT    ?= 1
WORKLOADS := $(or $(TMPDIR),/tmp)/blindspot-workloads
SOAK ?= 1h
# what make profile reads
WORKLOAD ?= $(WORKLOADS)/handshakes.pcap
# what make pgo reads: captures like those of whom it is for, whole paths
CAPTURES ?= $(foreach w,bulk handshakes repeats,$(WORKLOADS)/$(w).pcap)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.DEFAULT_GOAL := help
.PHONY: help need build demo test race lint fuzz bench bench-check bench-record curves profile pgo soak live-rate lab clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z]*\):[^#]*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 16

need:
	@GO=$(GO) .ci/need

build: need ## build bin/blindspot
	CGO_ENABLED=1 $(GO) build -buildvcs=auto -trimpath -o $(BIN) ./cmd/blindspot

demo: build ## run the main job on a shipped capture and print the report
	$(BIN) gap --pcap $(DEMO) --config $(CONFIG)

test: need ## run the tests
	$(GO) test -pgo=off $(TESTFLAGS) ./...

race: need ## run the tests with the race detector
	$(GO) test -pgo=off -race $(TESTFLAGS) ./...

lint: need ## formatting, vet, staticcheck (and golangci-lint where installed)
	@files=$$(gofmt -l cmd capture discover store tlsparse testdata packaging .ci/*.go); \
	if [ -n "$$files" ]; then echo "not formatted (run gofmt -w on them):"; echo "$$files"; exit 1; fi
	$(GO) vet ./... ./testdata/pcaps/gen ./testdata/lengths/measure ./testdata/bench
	$(GO) run $(STATICCHECK) ./... ./testdata/pcaps/gen ./testdata/lengths/measure ./testdata/bench
	@if command -v golangci-lint >/dev/null; then golangci-lint run; fi

fuzz: need ## run every fuzz target; FUZZTIME seconds for all together
	GO=$(GO) .ci/fuzz $(FUZZTIME)

bench: build ## Go benchmarks into bin/bench.txt (COUNT=10 for benchstat), then whole processes beside tshark and ndpiReader
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime 200ms -count $(COUNT) -timeout 2h ./... | tee $(BIN:blindspot=bench.txt)
	@echo 'Compare two of these: go run golang.org/x/perf/cmd/benchstat@latest OLD bin/bench.txt'
	$(GO) run ./testdata/bench table $(BIN)

bench-check: build ## processor time against what is recorded: fails at 1.5 times it
	$(GO) build -o bin/bench ./testdata/bench && bin/bench check $(BIN)

bench-record: build ## record the processor time that bench-check compares with
	$(GO) build -o bin/bench ./testdata/bench && bin/bench record $(BIN)

curves: need ## measure and draw cost by flows and by names: testdata/bench/*.svg
	@mkdir -p bin
	{ $(GO) test -run '^$$' -bench '/names=' -benchtime 200ms -count $(COUNT) -timeout 2h ./discover -discover.names=10000000 && \
	  $(GO) test -run '^$$' -bench '/flows=' -benchtime 200ms -count $(COUNT) -timeout 2h ./discover/flow; } | tee bin/curves.txt
	$(GO) run ./testdata/bench curves bin/curves.txt testdata/bench

profile: need ## flame graphs of processor time and allocations: bin/profile/*.svg
	@mkdir -p bin/profile $(WORKLOADS)
	$(GO) run ./testdata/bench workload $(WORKLOADS)
	@for command in pcap gap; do \
	  BLINDSPOT_WORKLOAD=$(WORKLOAD) $(GO) test -run '^$$' -bench "^BenchmarkCommand$$/^$$command\$$" -benchtime 5x \
	    -cpuprofile bin/profile/$$command.cpu -memprofile bin/profile/$$command.mem -memprofilerate 65536 -o bin/profile/test ./cmd/blindspot && \
	  for kind in cpu mem; do $(GO) run ./testdata/bench flame bin/profile/$$command.$$kind bin/profile/$$command-$$kind.svg || exit 1; done || exit 1; \
	done
	@ls bin/profile/*.svg

# The compiler takes default.pgo where it builds the command; tests are built
# without it (-pgo=off), else everything would be compiled once more for them.
pgo: need ## the profile that guides the compiler, of CAPTURES: cmd/blindspot/default.pgo
	@rm -rf bin/pgo && mkdir -p bin/pgo $(WORKLOADS)
	$(GO) run ./testdata/bench workload $(WORKLOADS)
	@for capture in $(CAPTURES); do \
	  BLINDSPOT_WORKLOAD=$$capture $(GO) test -pgo=off -trimpath -run '^$$' -bench '^BenchmarkCommand$$' -benchtime 5s -timeout 1h \
	    -cpuprofile bin/pgo/$$(basename $$capture).cpu -o bin/pgo/test ./cmd/blindspot || exit 1; \
	done
	$(GO) run ./testdata/bench pgo bin/pgo cmd/blindspot/default.pgo

soak: need ## (root) a sensor at a steady rate for SOAK: memory and goroutines stay flat
	BLINDSPOT_SOAK=$(SOAK) $(GO) test -count=1 -v -timeout 24h -run '^TestLiveSoak$$' ./cmd/blindspot

live-rate: need ## (root) tcpreplay at full speed into a sensor: what was seen, dropped, cut off and handled
	BLINDSPOT_RATE=1 $(GO) test -count=1 -v -timeout 1h -run '^TestLiveRate$$' ./cmd/blindspot

lab: build ## (root) build the laboratories anew and assert their reports
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	$(GO) run ./testdata/pcaps/gen --dir "$$dir" --only 'lab-*,lab13-*' && \
	BLINDSPOT_LAB="$$dir" $(GO) test -count=1 -run '^TestLab$$' ./cmd/blindspot

clean: ## remove what was built
	rm -rf bin
