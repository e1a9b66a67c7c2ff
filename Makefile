PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ONLY ?=

.DEFAULT_GOAL := help
.PHONY: provider help install demo test test-all test-cloud bench peers optuna ray jupyter lint docs lock clean

help: ## show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The stamp is newer than the lock only when the environment matches it.
$(VENV)/.installed: requirements/dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

install: $(VENV)/.installed ## install into .venv

demo: install ## run the whole path on this machine: decide, run, report
	$(BIN)/situs demo

test: install ## the fast suite: everything but the slow and the browser tests
	$(BIN)/python -m pytest -n 2 -m "not slow and not browser and not bench"

test-all: install ## every test, with coverage
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

test-cloud: install peers ## rent machines of a Slurm cluster by SkyPilot, which gets them more often than not
	$(BIN)/python -m pytest -m rented

bench: install ## all benchmarks, or one: make bench ONLY=planner-1k
	$(BIN)/python -m bench $(ONLY)

# SkyPilot asks for versions of its own, so it has its own environment; only benchmarks and tests use it.
.venv-skypilot/.installed: requirements/peers.lock
	$(PYTHON) -m venv .venv-skypilot
	.venv-skypilot/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements/peers.lock
	touch $@

peers: .venv-skypilot/.installed ## install SkyPilot, for benchmarks and for tests of clouds

# Optuna, which one benchmark compares with.
.venv-optuna/.installed: requirements/optuna.lock
	$(PYTHON) -m venv .venv-optuna
	.venv-optuna/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements/optuna.lock
	touch $@

optuna: .venv-optuna/.installed ## install Optuna, for the benchmark of sweeps

# A Ray cluster; only tests use it, and situs speaks with it by HTTP.
.venv-ray/.installed: requirements/ray.lock
	$(PYTHON) -m venv .venv-ray
	.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/ray.lock
	touch $@

ray: .venv-ray/.installed ## install what tests of Ray clusters need

# A Jupyter that sessions find on their PATH; only tests use it.
.venv-jupyter/.installed: requirements/jupyter.lock
	$(PYTHON) -m venv .venv-jupyter
	.venv-jupyter/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements/jupyter.lock
	touch $@

jupyter: .venv-jupyter/.installed ## install what tests of Jupyter in sessions need

# An OpenID provider from npm; only tests use it.
.venv/oidc/.installed: tests/api/provider/package-lock.json
	mkdir -p .venv/oidc
	cp tests/api/provider/package.json tests/api/provider/package-lock.json .venv/oidc/
	npm ci --prefix .venv/oidc --silent --no-audit --no-fund --ignore-scripts
	touch $@

provider: install .venv/oidc/.installed ## install what tests of logins need

lint: install ## format, style, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: install ## renew what is generated from code
	$(BIN)/python -m docs.generate

lock: install ## renew the locked dependencies
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --all-extras \
	  --group dev pyproject.toml -o requirements/dev.lock --custom-compile-command "make lock"
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  requirements/peers.in -o requirements/peers.lock --custom-compile-command "make lock"
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  requirements/ray.in -o requirements/ray.lock --custom-compile-command "make lock"
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  requirements/optuna.in -o requirements/optuna.lock --custom-compile-command "make lock"
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  requirements/jupyter.in -o requirements/jupyter.lock --custom-compile-command "make lock"

clean: ## remove what was built
	rm -rf $(VENV) .venv-skypilot .venv-optuna .venv-ray .venv-jupyter .pytest_cache .mypy_cache .ruff_cache .situs demo-out htmlcov dist
