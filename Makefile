# `make run` and `make test` do everything, set-up included.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# The first of these that is new enough makes the environment; `make PYTHON=... setup` names one.
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.PHONY: run test setup bench
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
	$(PIP) hatchling editables
	$(PIP) --no-build-isolation --editable '.[test]'
	touch $@

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

bench: setup
	$(BIN)/python -m bench
