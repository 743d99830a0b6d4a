# `make` alone lists the targets. A fresh clone needs no step before any of them.
.DEFAULT_GOAL := help
.PHONY: help demo test fuzz build static static-for-tests fmt lint doc deny bench clean

# Where cargo builds. The demo is run from there: `cargo run` would build its dependencies again, with fewer features.
TARGET = "$(shell cargo metadata --locked --no-deps --format-version 1 | sed -E 's/.*"target_directory":"([^"]*)".*/\1/')"

# Static binaries are for the machine that builds them. The target is named, so that only the program is linked statically and
# not what the compiler loads: macros. Random numbers come from the kernel by name: a static program has no other way to find
# the call than /dev/urandom, which an empty root file system does not have.
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
BUILD_STATIC = RUSTFLAGS='-C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom"' cargo build --locked --package tarscli --target $(HOST)

# The interfaces of the repository; those below tars2rs/tests are odd on purpose.
TARS_FILES = $(wildcard idl/*.tars examples/*/*.tars tests/system/idl/*.tars)

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 16

demo: ## run the whole system on this machine from nothing (ONCE=1: check the answers and end)
	@scripts/install-test-tools demo
	@echo "building (a few minutes the first time)"
	@cargo build --locked --quiet --workspace --bins
	@exec $(TARGET)/debug/demo $(if $(ONCE),--once)

test: ## install what the tests need and run all of them
	scripts/install-test-tools
	cargo build --locked --workspace --bins
	$(MAKE) static-for-tests
	cargo test --locked --workspace --doc
	$(MAKE) demo ONCE=1
	scripts/with-mariadb cargo nextest run --locked --workspace

fuzz: ## fuzz the IDL compiler, each target for so many SECONDS (60)
	scripts/fuzz all $(or $(SECONDS),60)

build: ## build everything for release
	cargo build --locked --workspace --release

static: ## build tarscli for release as one static file
	CARGO_PROFILE_RELEASE_STRIP=symbols $(BUILD_STATIC) --release
	@echo $(TARGET)/$(HOST)/release/tarscli

# Without optimisation: it takes a minute, and nothing else in the tests needs it.
static-for-tests:
	CARGO_PROFILE_DEV_DEBUG=false $(BUILD_STATIC)

fmt: ## format the code
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	cargo run --locked --quiet --package tars2rs -- fmt $(TARS_FILES)

lint: ## check format and lints as the gate does
	cargo fmt --all -- --check
	cargo fmt --manifest-path fuzz/Cargo.toml -- --check
	cargo run --locked --quiet --package tars2rs -- fmt --check $(TARS_FILES)
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --package tars2rs-runtime --package tars2rs --no-default-features -- -D warnings

doc: ## build the documentation as the gate does
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items

deny: ## check licences and sources of the dependencies (needs cargo-deny)
	cargo deny check bans licenses sources

bench: ## run the benchmarks
	cargo bench --locked --package tars2rs-runtime --package tars2rs

clean: ## remove what was built
	cargo clean
	rm -rf tests/system/node/node_modules examples/trace/node/node_modules
