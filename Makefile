# Two commands for a stranger: `make demo` and `make test`. Both create what they need in .venv and touch nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SHELL  := /bin/bash

.DEFAULT_GOAL := help
.PHONY: help demo test test-kit simulate chaos lint format programs kernels check-programs bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "dexroute needs Python 3.11 or newer; name one: make PYTHON=python3.12 demo" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "this Python cannot make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }
	@echo "==> virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.created pyproject.toml constraints.txt
	@echo "==> installing dexroute (the first time takes about a minute)"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on -c constraints.txt -e .
	@$(BIN)/python -m compileall -q dexroute # as pip does with all else: where PYTHONDONTWRITEBYTECODE is set, every start would
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "==> installing what the tests need"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(VENV)/.runtime ## the main job, offline: quote, swap and record on the embedded cluster
	@$(BIN)/dex demo

test: $(VENV)/.dev ## all tests (minutes: one process for each core)
	$(BIN)/pytest -n auto

test-kit: $(VENV)/.dev ## the embedded cluster driven by npm's @solana/kit and @solana/web3.js
	@$(BIN)/python tests/localnet/kit/run.py

simulate: $(VENV)/.dev ## 10,000 seeds of the executor in bad weather, on virtual time (SEEDS=n for more or fewer)
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),10000)

chaos: $(VENV)/.dev ## orders through dex against a badly behaved cluster; processes, workers' PostgreSQL and Redis killed at random (STORIES=n)
	@$(BIN)/python -m tests.e2e.soak --stories $(or $(STORIES),5)
	@$(BIN)/python -m tests.e2e.soak --stories $(or $(STORIES),5) --chaos
	@$(BIN)/python -m tests.cli.worker_chaos --stories $(or $(STORIES),5)

bench: $(VENV)/.dev ## quotes against the venues' official SDKs, memory of loaded pools, start of dex, cost of reading, routes, orders, a long journal; writes docs/benchmarks*.md
	@$(BIN)/python -m benchmarks.quotes
	@$(BIN)/python -m benchmarks.startup
	@$(BIN)/python -m benchmarks.orders
	@$(BIN)/python -m benchmarks.orders_workers
	@$(BIN)/python -m benchmarks.journal
	@$(BIN)/python -m benchmarks.freshness
	@$(BIN)/python -m benchmarks.routing

lint: $(VENV)/.dev ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

programs: $(VENV)/.dev ## build the on-chain programs and their manifests
	@$(BIN)/python programs/pool/idl/generate.py
	@$(BIN)/python -m programs.toolchain build
	@$(BIN)/python -m tests.programs.compute_units --update

kernels: $(VENV)/.dev ## build the router's compiled solver
	@$(BIN)/python -m kernels build

check-programs: $(VENV)/.dev ## do the committed programs and kernels match their sources? rebuilds and compares
	@$(BIN)/python programs/pool/idl/generate.py --check
	@$(BIN)/python -m programs.toolchain check
	@$(BIN)/python -m kernels check

clean: ## remove what make created
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
