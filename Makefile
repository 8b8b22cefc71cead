# `make run` and `make test` do everything, set-up included.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
INSTALL := $(PIP) install --constraint constraints.txt

# The first of these that is new enough makes the environment; `make PYTHON=... setup` names one.
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.PHONY: run test setup bench parity clean build watch release
run: setup
	$(BIN)/python -m harness run scenarios/duplicate_put.yaml

setup: $(VENV)/.ready

# The stamp comes last: it is there only when all the rest is, and then a second call does no work.
$(VENV)/.ready: pyproject.toml constraints.txt
	@for python in $(PYTHONS); do \
		if "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null; then exec "$$python" -m venv $(VENV); fi; \
	done; \
	echo "make: harness needs Python 3.11 or newer, with venv. Tried: $(PYTHONS)." >&2; \
	echo "make: name one that you have: make PYTHON=/path/to/python3 setup" >&2; \
	exit 1
	$(INSTALL) hatchling editables
	$(INSTALL) --no-build-isolation --editable '.[test]'
	touch $@

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

bench: setup
	$(BIN)/python -m bench

# The embedded DynamoDB against the official DynamoDB Local: 10,000 sequences of calls, others each time.
parity: setup
	PARITY=10000 $(BIN)/python -m pytest -p no:cacheprovider tests/conformance/test_parity.py

# The function's package, and what is in it.
build: setup
	$(BIN)/python -m harness build

# Deployed to LocalStack, and again on every change, until Ctrl-C.
watch: setup
	$(BIN)/python -m harness watch

# What was made of the sources; neither the environment nor the results of runs.
clean:
	rm -rf dist .mypy_cache .ruff_cache .pytest_cache
	find bench harness lambda scenarios tests tools -name __pycache__ -prune -exec rm -rf {} +

# One after another, whatever -j says.
release: setup
	$(MAKE) clean
	$(MAKE) build
	$(MAKE) test
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .
