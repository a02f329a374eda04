# Needs Python 3.11 or newer, make and a C compiler; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo up test chaos lint format lock clean containers docs

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --require-hashes --only-binary :all: --requirement requirements.txt
	$(RUN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

install: $(STAMP)  ## set up .venv with the pinned dependencies

demo: $(STAMP)  ## train the default job with two workers and show ten digits
	$(RUN)/dualtrain demo

up: $(STAMP)  ## the whole stack until Ctrl-C
	$(RUN)/dualtrain up

test: $(STAMP) lint  ## every test
	$(RUN)/pytest -n 2 --dist worksteal -m "not chaos and not containers"

SEED ?= 1
FAULTS ?= 100

chaos: $(STAMP)  ## a stack under faults; SEED=n FAULTS=100
	$(RUN)/python -m tests.chaos.driver --seed $(SEED) --faults $(FAULTS)

lint: $(STAMP)  ## style and types
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

format: $(STAMP)  ## put the sources into the common form
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

lock:  ## pin every dependency again, by name, version and hash
	$(RUN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --extra dev --universal \
		--python-version 3.11 pyproject.toml --output-file requirements.txt
	deploy/requirements/lock

containers: $(STAMP)  ## the composition on a Docker engine: start, kill parts of it, stop
	$(RUN)/pytest -m containers --log-cli-level INFO tests/containers

docs: $(STAMP)  ## the documentation site, into site/
	$(RUN)/zensical build --strict --clean

clean:  ## remove what was installed and cached
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis htmlcov dist site
