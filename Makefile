# What people type. Every target may be run again; a second run does only what changed.
.DEFAULT_GOAL := help
.SUFFIXES:

PYTHON ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
ARGS ?=

# uv reads no pip settings: a mirror given to pip is handed on, unless uv has one of its own.
ifneq ($(PIP_INDEX_URL),)
export UV_DEFAULT_INDEX ?= $(or $(UV_INDEX_URL),$(PIP_INDEX_URL))
endif

# The development environment holds the main one: where it is set up, or asked for, it serves for everything.
DEV := .venv/dev.ready
MAIN := $(if $(wildcard $(DEV))$(filter-out help demo down cluster-up cluster-demo cluster-down compile lock clean,$(MAKECMDGOALS)),$(DEV),.venv/main.ready)

# alibi-detect wants numpy 1, so the drift detector has an environment of its own; its tests need a few packages more.
DRIFT_DEV := .venv-drift/drift-dev.ready
DRIFT := $(if $(wildcard $(DRIFT_DEV))$(filter setup test test-drift bench-drift,$(MAKECMDGOALS)),$(DRIFT_DEV),.venv-drift/drift.ready)

# Every package by its hash, setuptools too, with which the few source packages and driftloop itself are built.
INSTALL := --python .venv --build-constraints requirements/main.txt
INSTALL_DRIFT := --python .venv-drift --build-constraints requirements/drift.txt

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: $(DEV) drift-env  ## environments for development in .tools/, .venv/ and .venv-drift/

.PHONY: drift-env
drift-env: $(DRIFT)  ## the drift detector's own environment in .venv-drift/; it holds alibi-detect, BSL 1.1

.PHONY: demo
demo: $(MAIN) $(DRIFT)  ## the whole loop on this machine: train, serve, a year of live traffic, drift, retrain, canary
	$(BIN)/driftloop demo $(ARGS)

# Two files at a time, which start servers and kill them. A test that failed is told, and must pass alone.
BESIDE := --numprocesses 2 --dist loadgroup --no-loadscope-reorder
ALONE := --last-failed --last-failed-no-failures none

.PHONY: test
test: $(DEV) $(if $(ARGS),,test-drift)  ## every test that needs no cluster; ARGS='-k window' for some
	$(BIN)/python -m pytest $(or $(ARGS),$(BESIDE) || $(BIN)/python -m pytest $(ALONE))

# The same tests run in .venv/ too, but for those that need alibi-detect. What other tests need is not installed here.
.PHONY: test-drift
test-drift: $(DRIFT)
	.venv-drift/bin/python -m pytest --confcutdir tests/serving/drift tests/serving/drift
	@echo "The drift detector passed in its own environment."

.PHONY: down
down: $(MAIN)  ## stop everything that runs on this machine
	$(BIN)/driftloop down

.PHONY: compile
compile: $(MAIN)  ## write pipelines/compiled/ anew
	$(BIN)/driftloop compile

.PHONY: lock
lock: .tools/ready  ## write requirements/ anew from pyproject.toml; ARGS=--upgrade for newer versions
	.tools/bin/python scripts/lock.py $(ARGS)

.PHONY: bench-scale
bench-scale: $(DEV)  ## what training costs as the data grows
	$(BIN)/python benchmarks/scale.py $(ARGS)

.PHONY: bench-worth
bench-worth: $(DEV)  ## what the loop is worth in a year of flights, against a calendar; ARGS='--seeds 13' for one seed
	$(BIN)/python benchmarks/worth.py $(ARGS)

.PHONY: bench-kills
bench-kills: $(DEV) $(DRIFT)  ## is anything lost? each process killed with -9 under load; ARGS='--rounds 3' for more
	$(BIN)/python benchmarks/kills.py $(ARGS)

.PHONY: bench-canaries
bench-canaries: $(DEV) $(DRIFT)  ## bad versions do not get through: rolled out on the real servers, under traffic
	$(BIN)/python benchmarks/canaries.py $(ARGS)

.PHONY: bench-quiet
bench-quiet: $(DEV) $(DRIFT)  ## quiet where nothing drifts: 50,000 requests through the real loop; ARGS='--rows 10000'
	$(BIN)/python benchmarks/quiet.py $(ARGS)

.PHONY: bench-fuzz
bench-fuzz: $(DEV)  ## the predictor under 100,000 requests that no client should send; ARGS='--seed 2' for others
	$(BIN)/python benchmarks/fuzz.py $(ARGS)

.PHONY: bench-serving
bench-serving: $(DEV)  ## the predictor beside KServe's server, MLServer and FastAPI; ARGS='--only json-1 start' for some
	$(BIN)/python benchmarks/servers.py $(ARGS)

.PHONY: bench-overload
bench-overload: $(DEV)  ## what the predictor does with three times what it can
	$(BIN)/python benchmarks/overload.py $(ARGS)

.PHONY: bench-drain
bench-drain: $(DEV)  ## 200 predictors replaced behind Envoy: no request fails; ARGS='--restarts 20' for fewer
	$(BIN)/python benchmarks/drain.py $(ARGS)

.PHONY: bench-drift
bench-drift: $(DRIFT)  ## what a window costs with each drift backend
	.venv-drift/bin/python benchmarks/drift.py $(ARGS)

# Not in CI: it wants root, Debian's packages and minutes. A second proof builds only what changed.
.PHONY: image-proof
image-proof: $(DEV)  ## build both images without a registry, start every service from them; as root, on Debian
	$(BIN)/python -m pytest -rP $(ARGS) tests/images/proof_*.py

.PHONY: check
check: check-style check-types check-imports check-lock check-pipelines check-files  ## everything CI checks but the tests

.PHONY: check-style
check-style: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: check-types
check-types: $(DEV)
	$(BIN)/mypy

.PHONY: check-imports
check-imports: $(DEV)
	$(BIN)/lint-imports

.PHONY: check-lock
check-lock: .tools/ready
	.tools/bin/python scripts/lock.py --check

.PHONY: check-pipelines
check-pipelines: $(DEV)
	$(BIN)/driftloop compile --check

.PHONY: check-files
check-files: $(DEV)
	$(BIN)/python scripts/check_files.py
	git ls-files -z -- '*.yaml' '*.yml' ':!pipelines/compiled' | xargs -0 $(BIN)/yamllint --strict
	$(BIN)/hadolint Dockerfile
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jactionlint --strict-exit --no-hints
	git grep -lzE '^#!.*\b(ba)?sh$$' -- ':!*.md' ':!Makefile' | xargs -0 $(BIN)/shellcheck

# The same tests are part of `make test`.
.PHONY: check-manifests
check-manifests: $(DEV)  ## every overlay with every option: schemas, references, rights, network policies
	$(BIN)/python -m pytest tests/manifests $(ARGS)

# Against any cluster, also `driftloop up`: what `driftloop cluster env` or `driftloop env` prints says which.
.PHONY: test-cluster
test-cluster: $(DEV)  ## the loop on the cluster that the environment names; it trains and rolls out there
	DRIFTLOOP_CLUSTER_TESTS=1 $(BIN)/python -m pytest -m cluster --exitfirst $(or $(ARGS),tests/cluster)

.PHONY: cluster-up
cluster-up: $(MAIN)  ## the loop on a kind cluster of this machine: docs/cluster.md tells what it needs
	$(BIN)/driftloop cluster up $(ARGS)

.PHONY: cluster-demo
cluster-demo: $(MAIN)  ## train, serve and ask once, on that cluster
	$(BIN)/driftloop cluster demo

.PHONY: cluster-down
cluster-down: $(MAIN)  ## delete that cluster with everything in it
	$(BIN)/driftloop cluster down

.PHONY: clean
clean:  ## remove environments and caches; `make down` first. What runs keep, in .driftloop/, stays
	rm -rf .venv .venv-drift .tools .driftloop/bench/peers build *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.tools/ready: requirements/tools.txt
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --require-hashes --requirement requirements/tools.txt
	@touch $@

.venv/pyvenv.cfg: | .tools/ready
	$(UV) venv --python 3.11 .venv

.SECONDARY: .venv/main.synced .venv/dev.synced
.venv/%.synced: requirements/%.txt requirements/main.txt | .venv/pyvenv.cfg
	@rm -f .venv/*.synced .venv/*.ready
	$(UV) pip sync $(INSTALL) --compile-bytecode --require-hashes requirements/$*.txt
	@touch $@

.venv/%.ready: .venv/%.synced pyproject.toml
	$(UV) pip install $(INSTALL) --no-deps --editable .
	@touch $@

.venv-drift/pyvenv.cfg: | .tools/ready
	$(UV) venv --python 3.11 .venv-drift

.SECONDARY: .venv-drift/drift.synced .venv-drift/drift-dev.synced
.venv-drift/%.synced: requirements/%.txt requirements/drift.txt | .venv-drift/pyvenv.cfg
	@rm -f .venv-drift/*.synced .venv-drift/*.ready
	$(UV) pip sync $(INSTALL_DRIFT) --compile-bytecode --require-hashes requirements/$*.txt
	@touch $@

.venv-drift/%.ready: .venv-drift/%.synced pyproject.toml
	$(UV) pip install $(INSTALL_DRIFT) --no-deps --editable .
	@touch $@
