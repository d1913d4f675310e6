# Everything a person needs is a target here; `make` alone lists them. CI calls the same targets (.ci/run).
#
# One target directory for people and CI, outside of the tree: RocksDB compiles once a profile, not once a clone. RUSTFLAGS is
# never set: it is part of every fingerprint, so a change would compile RocksDB again.

export CARGO_TARGET_DIR ?= $(HOME)/.cache/relevo/target
# Debian's ccache stands in for clang where it is installed, so that the second profile of RocksDB comes from the cache.
export PATH := /usr/lib/ccache:$(PATH)

# Where `make run` keeps the log, the views and the keys.
DATA ?= data
BIN := $(CARGO_TARGET_DIR)/release/relevo
DEBUG_BIN := $(CARGO_TARGET_DIR)/debug/relevo

.DEFAULT_GOAL := help
.PHONY: help setup setup-web build run stop test examples web lint fmt chaos delivery fence bulk pausing clean soak laws fuzz bench live dist peer

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "make %-8s %s\n", $$1, $$2}'

setup: ## install what is missing (Debian packages, cargo-nextest, nats-server)
	@scripts/setup.sh

# The page's node and browser are installed for those who run it: make test, make web.
setup-web:
	@scripts/setup.sh web

build: setup ## the release binary
	@scripts/first-build.sh release
	cargo build --release -p relevo --locked
	@echo "built $(BIN)"

run: build ## start the demo, play its sample traffic, print the inbox; again: keeps the data
	@DATA="$(DATA)" BIN="$(BIN)" scripts/demo.sh start

stop: ## stop the demo that `make run` started; its data stays
	@DATA="$(DATA)" BIN="$(BIN)" scripts/demo.sh stop

test: setup-web ## format, lints, the examples and every test
	cargo fmt --all --check
	@scripts/first-build.sh debug
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo nextest run --workspace --locked --no-run
	@BIN="$(DEBUG_BIN)" scripts/examples.sh python
	@BIN="$(DEBUG_BIN)" scripts/examples.sh bot
	@BIN="$(DEBUG_BIN)" scripts/examples.sh web
	cargo nextest run --workspace --locked

web: setup-web ## drive the example page in headless Chromium against a demo broker of its own
	@scripts/first-build.sh debug
	cargo build -p relevo --locked
	@BIN="$(DEBUG_BIN)" scripts/examples.sh web

examples: setup-web ## that, and the Python examples
	@scripts/first-build.sh debug
	cargo build -p relevo --locked
	@BIN="$(DEBUG_BIN)" scripts/examples.sh python
	@BIN="$(DEBUG_BIN)" scripts/examples.sh bot
	@BIN="$(DEBUG_BIN)" scripts/examples.sh web

lint: setup ## format and lints alone
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

fmt: ## format the tree
	cargo fmt --all

chaos: setup ## break everything on purpose (kills, torn files, full disks, clocks, partitions) and count (SEED=1 PARTS="kills cluster")
	@scripts/first-build.sh release
	cargo build --release -p relevo -p relevo-tests --bin relevo --bin chaos --locked
	@RELEVO_BIN="$(BIN)" "$(CARGO_TARGET_DIR)/release/chaos" $(or $(SEED),1) $(PARTS)

delivery: setup ## send everything on every channel, kill the broker meanwhile, and count (CASES="kill")
	@scripts/first-build.sh release
	cargo build --release -p relevo -p relevo-tests --bin relevo --bin delivery --locked
	@RELEVO_BIN="$(BIN)" "$(CARGO_TARGET_DIR)/release/delivery" $(if $(CASES),"$(CASES)")

fence: setup ## look for a message of a paused bot: a model of two nodes, and a hostile bot against two real ones, and count (ROUNDS=10000)
	@scripts/first-build.sh release
	cargo build --release -p relevo --locked
	RELEVO_BIN="$(BIN)" cargo run --release -p relevo-tests --bin fence --locked -- $(or $(ROUNDS),10000)

bulk: setup ## pause ten thousand conversations through a kill -9, take them back, and count (CONVERSATIONS=10000)
	@scripts/first-build.sh release
	cargo build --release -p relevo --locked
	RELEVO_BIN="$(BIN)" cargo run --release -p relevo-tests --bin bulk --locked -- $(or $(CONVERSATIONS),10000)

pausing: setup ## time PauseBot under 400 messages a second, next to the log's own append (PAUSES=600)
	@scripts/first-build.sh release
	cargo build --release -p relevo --locked
	RELEVO_BIN="$(BIN)" cargo run --release -p relevo-tests --bin pausing --locked -- $(or $(PAUSES),600)

soak: setup ## two hundred watchers while everything changes, three of whom do not read: memory and misses (MINUTES=10 SEED=1)
	@scripts/first-build.sh release
	cargo build --release -p relevo --locked
	RELEVO_BIN="$(BIN)" cargo run --release -p relevo-tests --bin soak --locked -- $(or $(MINUTES),10) $(or $(SEED),1)

laws: setup ## every projector's laws over a history of 100,000 commits (COMMITS=100000 SEED=1)
	@scripts/first-build.sh release
	cargo run --release -p relevo-benches --bin laws --locked -- $(or $(COMMITS),100000) $(or $(SEED),1)

fuzz: setup ## fuzz every parser that meets the outside, and count (MINUTES=1 of CPU a target, TARGETS="mail html")
	@scripts/fuzz.sh $(TARGETS)

bench: setup ## measure what is promised, each figure beside its limit, and write docs/performance.* (ARGS="trace lists": these parts alone)
	@scripts/first-build.sh release
	cargo build --release -p relevo -p relevo-benches --bin relevo --bin bench --locked
	@RELEVO_BIN="$(BIN)" "$(CARGO_TARGET_DIR)/release/bench" --docs docs --profile $(ARGS)

dist: build ## an archive that needs no compiler: binaries, nats-server, configuration, sums; unpacked and tried
	@BIN="$(BIN)" scripts/dist.sh
	@scripts/dist-check.sh "$$(ls -t "$${DIST:-$(CARGO_TARGET_DIR)/dist}"/relevo-*.tar.gz | head -n 1)"

peer: ## the same trace on django-helpdesk and PostgreSQL (PEER_SECONDS=20 TRACE=file; see benches/peers/README.md)
	@benches/peers/run.sh --seconds $(or $(PEER_SECONDS),20) $(if $(TRACE),--trace "$(TRACE)")

live: build ## send one message with real credentials to a number that you name (opt-in; see scripts/live.sh)
	@BIN="$(BIN)" scripts/live.sh

clean: stop ## remove the demo's data (asks first); compiled files stay in CARGO_TARGET_DIR
	@printf 'Remove every conversation in ./%s? [y/N] ' '$(DATA)'; read -r answer; \
	if [ "$$answer" = y ]; then rm -rf -- './$(DATA)' && echo removed; else echo 'nothing removed'; fi
