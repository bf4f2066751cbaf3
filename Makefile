# `make demo` and `make test` do all their own set-up. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What runs, and what tests it: two stamps, so that a demo waits for neither a browser driver nor a type checker.
RUNS := $(VENV)/.runs
STAMP := $(VENV)/.tests
# What both builds of the plane, and of the load generator's clients, are tested by.
COMPILED_TESTS := tests/test_build.py tests/rtp tests/transport $(addprefix tests/fuzz/test_,plane.py rtp.py rtcp.py) \
	$(addprefix tests/bench/test_,arrivals.py client.py datagrams.py dtls_client.py streams.py)
# What checks the types of the page. Nothing of it runs anywhere else.
TYPESCRIPT := node_modules/.bin/tsc
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r

.PHONY: help demo compiled test test-compiled check format lint types unit bench fuzz lock clean

help:
	@echo 'make demo    hold a video visit on this machine: prints the links to open'
	@echo 'make compiled  the same server with its media plane compiled: less CPU a packet; needs a C compiler'
	@echo 'make test    every test, browsers included'
	@echo 'make check   format, lint, types, import rules, tests: what must be green'
	@echo 'make bench   what a forwarded packet costs here'
	@echo 'make fuzz    the parsers against many more inputs than in every run'
	@echo 'make format  put the source into its form'
	@echo 'make lock    write the constraints anew from pyproject.toml'

demo: $(RUNS)
	$(BIN)/python -m sfu demo $(ARGS)

# What is compiled lies beside its source, and counts as long as that has not changed (sfu/build.py).
compiled: $(RUNS) compiler
	@echo 'set-up: compiling the media plane' >&2
	@$(INSTALL) constraints-compile.txt
	@$(BIN)/python scripts/compile.py

# Two at a time: one worker begins with all visits in browsers, the other with the rest (tests/workers.py).
# Then what the plane consists of once more, compiled, in a folder of its own.
test: $(STAMP) browser postgresql
	EVISIT_PLANE=python $(BIN)/python -m pytest --numprocesses 2 $(ARGS)
	@$(MAKE) --no-print-directory test-compiled

test-compiled: $(STAMP) compiler
	@echo 'set-up: compiling the media plane' >&2
	@$(BIN)/python scripts/compile.py build/compiled
	EVISIT_PLANE=compiled PYTHONPATH=build/compiled:. $(BIN)/pytest --numprocesses 2 $(COMPILED_TESTS)

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

.PHONY: compiler
compiler: $(RUNS)
	@sh scripts/need-compiler $(BIN)/python

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
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra compile -c constraints.txt pyproject.toml -o constraints-compile.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev --extra compile -c constraints.txt pyproject.toml -o constraints-dev.txt

clean:
	find sfu -name "*.so" -delete
	rm -rf sfu/compiled*.sha256 build $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
