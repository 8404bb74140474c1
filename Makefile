# Thin on purpose: each target calls one script. `make help` lists them.

PG_CONFIG ?=
PG ?= all
AWS ?= localstack
KEEP ?=
SEEDS ?=
SEED ?=
TARGETS ?=

.DEFAULT_GOAL := help
.PHONY: help demo bench sim test test-unit test-loom test-regress test-e2e test-postgres fuzz fuzz-smoke lint deny build install clean deps

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: deps ## A throwaway server, a local AWS, a load, and its decrypted events; KEEP=1 leaves it up
	@KEEP='$(KEEP)' scripts/demo.sh

test: ## Everything: lints, dependencies, unit, property, loom, simulation and fuzz tests, pg_regress on 15-18, PostgreSQL's own tests, end-to-end tests
	@scripts/test.sh

test-unit: deps ## Unit and property tests of the crates, which need no PostgreSQL
	@scripts/unit.sh

test-loom: deps ## The ring under loom
	@scripts/loom.sh

test-regress: deps ## pg_regress; PG=15|16|17|18|all
	@scripts/regress.sh $(PG)

test-e2e: deps ## End-to-end tests; AWS=localstack|ministack, ARGS='-k name' for pytest
	@scripts/e2e.sh $(AWS) $(ARGS)

test-postgres: deps ## PostgreSQL's own regression and isolation suites, with the extension and without; ACTIVITY_MODE=sync
	@scripts/postgres-suite.sh

sim: deps ## Delivery simulated in a hostile world; SEEDS=100000 for a long run, SEED=N repeats one
	@SEEDS='$(SEEDS)' SEED='$(SEED)' scripts/sim.sh

fuzz: deps ## libFuzzer on every decoder, two at a time; FUZZ_SECONDS=3600 each; TARGETS='redact ring' for some of them
	@scripts/fuzz.sh long $(TARGETS)

fuzz-smoke: deps ## The same for a minute each, as in `make test`
	@scripts/fuzz.sh smoke $(TARGETS)

bench: deps ## The figures of the README: pgbench with and without, sync mode, instructions; BENCH_QUICK=1 for one short pass
	@scripts/bench.sh

lint: deps ## Format and lints
	@scripts/lint.sh

deny: deps ## cargo-deny: licences, sources and bans of dependencies; advisories where their database can be had
	@scripts/deny.sh

build: deps ## The release library for PG_CONFIG (PostgreSQL 15), and activity-consumer
	@PROFILE=release scripts/build.sh "$(or $(PG_CONFIG),/usr/lib/postgresql/15/bin/pg_config)"

install: ## Builds a release and puts it into the PostgreSQL of PG_CONFIG=/path/to/pg_config
	@PROFILE=release scripts/install.sh "$(PG_CONFIG)"

clean: ## Removes what was built and downloaded here
	rm -rf target .state

deps:
	@scripts/deps.sh
