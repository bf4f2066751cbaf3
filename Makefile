# `make demo` and `make test` do all their own set-up. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What runs, and what tests it: two stamps, so that a demo waits for neither a browser driver nor a type checker.
RUNS := $(VENV)/.runs
STAMP := $(VENV)/.tests
# What checks the types of the page. Nothing of it runs anywhere else.
TYPESCRIPT := node_modules/.bin/tsc
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r

.PHONY: help demo test check format lint types unit bench fuzz lock clean

help:
	@echo 'make demo    hold a video visit on this machine: prints the links to open'
	@echo 'make test    every test, browsers included'
	@echo 'make check   format, lint, types, import rules, tests: what must be green'
	@echo 'make bench   what a forwarded packet costs here'
	@echo 'make fuzz    the parsers against many more inputs than in every run'
	@echo 'make format  put the source into its form'
	@echo 'make lock    write the constraints anew from pyproject.toml'

demo: $(RUNS)
	$(BIN)/python -m sfu demo $(ARGS)

# Two at a time: one worker has the tests with browsers, the other the rest (tests/workers.py).
test: $(STAMP) browser postgresql
	$(BIN)/python -m pytest --numprocesses 2 $(ARGS)

check: $(STAMP) lint types test

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(STAMP) $(TYPESCRIPT)
	$(BIN)/mypy
	$(TYPESCRIPT)

bench: $(STAMP)
	$(BIN)/python -m bench forward --receivers 1,4,16 $(ARGS)

fuzz: $(STAMP)
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest tests/fuzz --timeout=3600 $(ARGS)

.PHONY: browser
browser: $(STAMP)
	@sh scripts/need-browsers $(BIN)

.PHONY: postgresql
postgresql:
	@sh scripts/need-postgresql

$(RUNS): constraints.txt scripts/make-venv
	@sh scripts/make-venv $(PYTHON) $(VENV)
	@echo 'set-up: installing packages into $(VENV)' >&2
	@$(INSTALL) constraints.txt
	@touch $@

$(STAMP): $(RUNS) constraints-dev.txt
	@echo 'set-up: installing what the tests need' >&2
	@$(INSTALL) constraints-dev.txt
	@touch $@

$(TYPESCRIPT): package-lock.json scripts/need-typescript
	@sh scripts/need-typescript
	@touch $@

# Versions and hashes alone: which registry serves them is the reader's to choose.
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o constraints.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev -c constraints.txt pyproject.toml -o constraints-dev.txt

clean:
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
