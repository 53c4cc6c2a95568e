# Every target prepares what it needs: `make demo` and `make test` work in a fresh clone.
# Paths are relative, so a checkout may lie in a directory whose name has spaces.

PYTHON ?= python3
# Test processes; each starts servers of its own, and waits for them a third of its time.
# A file's tests stay in one process: they share what its fixtures started.
WORKERS ?= 3
# More arguments for pytest: make test ARGS="-k signature -x"
ARGS ?=
# A copy of OSV's records of PyPI, for make audit.
OSV ?=
# make lock LOCK=--upgrade takes newer versions; without it only what changed is resolved again.
LOCK ?=

# Whose shell forbids it would have every process of the tests compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -qq
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(LOCK)

# A virtual environment knows its own path: after the checkout moved, it is made anew.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

.PHONY: help setup demo test tests explore chaos up lint format audit bench bench-memory bench-scale pictures lock clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## install what the lock names, and this project (the others do it by themselves)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Handrail needs Python 3.11 or newer, and $(PYTHON) is not."; \
		echo "Name another one: make PYTHON=python3.12"; exit 1; } >&2
	@if test -e $(STAMP) && test "$$(cat $(STAMP))" != "$(CURDIR)"; then rm -rf $(VENV); fi
	@test -x $(BIN)/python && $(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV) (a minute or two the first time) ..." >&2
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@printf '%s\n' "$(CURDIR)" > $(STAMP)

demo: $(STAMP) ## the twelve pilot districts, two years, in a sandbox
	@$(BIN)/python examples/demo.py

# At the same time: the tests leave a core idle while they wait for their servers.
test: $(STAMP) ## check, and run every test
	@$(MAKE) --no-print-directory -j2 lint tests

tests: $(STAMP)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

explore: $(STAMP) ## play random histories against the rules and the oracle (may find something new)
	@HYPOTHESIS_PROFILE=exploring $(BIN)/python -m pytest -n $(WORKERS) --timeout 1800 tests/domain $(ARGS)

chaos: $(STAMP) ## kill, stop and cut off servers while people work, then look at every promise (minutes)
	@$(BIN)/python -m tests.chaos $(ARGS)

up: $(STAMP) ## start Temporal, PostgreSQL, the mail catcher and the worker here
	@$(BIN)/handrail up

lint: $(STAMP) ## style, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(STAMP) ## rewrite what ruff can rewrite
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

audit: $(STAMP) ## look for known weaknesses of pinned packages in a copy of OSV's records (OSV=FILE)
	@$(BIN)/python -m tests.deploy.weaknesses $(if $(OSV),"$(OSV)")

bench: $(STAMP) ## measure
	@$(BIN)/python -m benchmarks

bench-memory: $(STAMP) ## measure the mail worker over a hundred thousand notices (many minutes)
	@$(BIN)/python -m benchmarks.memory

bench-scale: $(STAMP) ## measure rebuilding, overviews and erasing at ten thousand engagements (minutes)
	@$(BIN)/python -m benchmarks.scale

pictures: $(STAMP) ## draw every kind of mail with a Chromium, to be looked at in build/pictures
	@$(BIN)/python -m tests.mail.pictures build/pictures

# The development set is the larger one: the other two take their versions from it.
lock: $(STAMP) ## pin pyproject.toml's dependencies, with hashes
	@$(COMPILE) --group dev -o requirements/dev.txt pyproject.toml
	@$(COMPILE) -c requirements/dev.txt -o requirements/runtime.txt pyproject.toml
	@$(COMPILE) -c requirements/dev.txt -o requirements/build.txt --group build

clean: ## remove what make can make again; HANDRAIL_HOME stays
	rm -rf $(VENV) build dist *.egg-info .coverage htmlcov
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
