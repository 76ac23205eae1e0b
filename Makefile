# Every target may be run again and again, and in clones side by side.

TARGET := $(or $(CARGO_TARGET_DIR),target)
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(TARGET)/tools/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny

.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo up down test fmt fmt-check lint deny bench pretrained docs pictures clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what building and running need, by apt (PostgreSQL, C and C++ compilers, OpenSSL, zlib)
	@scripts/setup.sh

setup-test: ## Beside that what the tests need: Java, Maven, Python, Chromium and Node.js by apt, the rest into target/ (Apache Kafka, MLflow, linters, what drives Chromium)
	@scripts/setup.sh test

demo: setup ## Everything on bundled real data; on a terminal the tables stay up until Ctrl-C
	cargo build --release --locked
	@if [ -t 1 ]; then exec $(TARGET)/release/viewtide demo; else exec $(TARGET)/release/viewtide demo --once; fi

up: ## Run the whole chain on this machine: Kafka, viewtide with its Postgres, MLflow, and Metabase if METABASE_JAR names its jar
	@scripts/setup.sh up
	@[ -n "$$VIEWTIDE_BIN" ] || cargo build --release --locked
	@scripts/chain.sh up

down: ## End what make up started; its data stays
	@scripts/chain.sh down

test: setup-test ## All tests, against a real Kafka and a real Postgres
	cargo test --workspace --locked

fmt: ## Format the code
	cargo fmt --all

fmt-check: ## Fail where the code is not formatted
	cargo fmt --all -- --check

lint: setup ## Clippy, with every warning an error
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny: $(CARGO_DENY) ## Check licences, sources and bans of all dependencies
	$(CARGO_DENY) --locked check bans licenses sources

# A debug build: it takes about a minute less, and the check a second all the same.
$(CARGO_DENY):
	cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --debug \
		--root $(TARGET)/tools/cargo-deny-$(CARGO_DENY_VERSION)

bench: setup-test ## Print the figures of the operator, the dataflow and the whole pipeline as one table, then criterion's
	@cargo bench -q -p viewtide-dataflows --bench figures --locked
	@cargo bench -q -p viewtide --bench end_to_end --locked
	@cargo bench -q -p viewtide-dataflows --bench series --locked

pretrained: setup ## Train the models that come with viewtide anew: the same data and recipe give the same bytes
	cargo run --release --locked -- train --csv data/tracked_dense.csv.gz --leave-out-fold 0 --out models/pretrained

docs: setup-test ## Write docs/ anew: what commands say of themselves, and the comments of the tables
	VIEWTIDE_WRITE_DOCS=1 cargo test --locked --test it -- docs::

pictures: setup ## Make the pictures in docs/pictures/ anew, of the demo's pages
	@scripts/setup.sh pictures
	cargo build --release --locked
	@scripts/pictures.sh $(TARGET)/release/viewtide

clean: ## Remove all that was built and fetched
	cargo clean
