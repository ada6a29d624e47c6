.DEFAULT_GOAL := help
.PHONY: help run test crash bench fmt lint audit

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Demo: server, nginx and a small API, driven by curl; serves until Ctrl-C (DEMO=once ends after it, DATA=DIR keeps the data)
	@DEMO='$(DEMO)' DATA='$(DATA)' GATEWAY='$(GATEWAY)' scripts/demo

test: ## Everything that must pass before a change lands, on SQLite and on a throw-away PostgreSQL
	@scripts/with-postgres scripts/test

crash: ## The long crash test: hundreds of kills, on both engines
	@scripts/with-postgres scripts/crash

bench: ## Measure a release build, on SQLite and on a throw-away PostgreSQL
	cargo build --release --locked -p claviger-server
	@scripts/with-postgres cargo run --release --locked -p claviger-bench

fmt: ## Format the Rust code
	cargo fmt --all

lint: ## Formatting, clippy, and the dependency rules where cargo-deny is installed
	@scripts/lint

audit: ## Ask the RustSec database about the dependencies (needs cargo-deny and the network)
	cargo deny check advisories
