# Needs Python 3.11 or newer and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
SERVICE := $(VENV)/.service
TOOLS := $(VENV)/.tools
MEASURED := $(VENV)/.measured
PINS := deploy/requirements
# Bytecode is written when a module is first used: compiling all of it takes as long as installing.
PIP := $(RUN)/pip --disable-pip-version-check install --quiet --no-compile
# The pins are all that is needed. Resolving again, older pips take the newest of what is wanted with an extra somewhere,
# `coverage[toml]` beside a pinned `coverage`, and miss its hash on the day of its next release.
FETCH := $(PIP) --no-deps --require-hashes --only-binary :all:

.DEFAULT_GOAL := help
.PHONY: help install demo up check test lowest fuzz coverage chaos generated-client hostile contract bench lint format lock clean containers docs audit sbom

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(SERVICE): $(PINS)/service.txt $(PINS)/build.txt pyproject.toml
	@echo "Installing the service into $(VENV): about 200 MB are downloaded, which takes a minute or two ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dualtrain needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(FETCH) --requirement $(PINS)/service.txt --requirement $(PINS)/build.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(TOOLS): $(SERVICE) requirements.txt
	@echo "Installing the developers' tools: about 150 MB, another minute ..."
	$(FETCH) --requirement requirements.txt
	$(RUN)/pip --disable-pip-version-check check
	@touch $@

$(MEASURED): $(TOOLS)
	$(PIP) --no-build-isolation --editable .[bench]
	@touch $@

install: $(TOOLS)  ## set up .venv with the service and the tools of its developers

demo: $(SERVICE)  ## train the default job with two workers and show ten digits
	$(RUN)/dualtrain demo

up: $(SERVICE)  ## the whole stack until Ctrl-C
	$(RUN)/dualtrain up

# Nothing here starts a server.
UNIT := tests/test_imports.py tests/test_architecture.py tests/core/nn tests/core/rounds \
	$(addprefix tests/core/test_,spec.py validation.py job.py overrides.py settings.py scheduling.py loop.py evaluation.py)

check: $(TOOLS) lint  ## style, types and fast tests that need no server, in less than a minute
	$(RUN)/pytest -n 2 --quiet $(UNIT)

test: $(TOOLS) lint  ## every test; those of the page only where there is a Chromium
	$(RUN)/pytest -n 2 --dist worksteal -m "not containers and not contract"

LOWEST := $(VENV)/lowest

lowest: $(TOOLS)  ## fast tests with the oldest versions that pyproject.toml allows, in an environment of their own
	$(RUN)/uv venv --quiet --clear --python $(RUN)/python $(LOWEST)
	$(RUN)/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable .[dev]
	$(LOWEST)/bin/python -m pytest -n 2 --quiet $(UNIT) tests/client/test_events.py tests/client/test_retry.py \
		tests/core/store tests/worker tests/api/routes/test_jobs.py

fuzz: $(TOOLS)  ## random NumPy programs through core.dual; PROGRAMS=20000 SEED=n ORDER=1
	$(RUN)/python -m tests.core.dual.fuzz --programs $(PROGRAMS) --seed $(SEED) --order $(ORDER)

PROGRAMS ?= 20000
ORDER ?= 1
SEED ?= 1
FAULTS ?= 100
JOBS ?= 4

contract: $(TOOLS)  ## every boundary value of the OpenAPI document against a running service
	$(RUN)/pytest -m contract

generated-client: $(TOOLS)  ## post a job by a client generated from the OpenAPI document (installs the generator)
	$(RUN)/uv pip install --quiet openapi-python-client
	$(RUN)/pytest tests/api/test_generated_client.py

chaos: $(TOOLS)  ## a stack under faults; SEED=n FAULTS=100 JOBS=4
	$(RUN)/python -m tests.chaos.driver --seed $(SEED) --faults $(FAULTS) --jobs $(JOBS)

MINUTES ?= 60

hostile: $(TOOLS)  ## attacks on a running service beside honest jobs; SEED=n MINUTES=60
	$(RUN)/python -m tests.hostile.driver --seed $(SEED) --minutes $(MINUTES)

BENCHES = $(patsubst benchmarks/%.py,%,$(shell grep -l __main__ benchmarks/*.py))
BENCH ?= $(BENCHES)

bench: $(MEASURED)  ## every benchmark, for more than an hour, or BENCH=gradients alone
	@status=0; for name in $(BENCH); do \
		printf '\n== %s: ' $$name; sed -n '1{s/^"""//; s/[:;]* `python.*//; s/"""$$//; p}' benchmarks/$$name.py; \
		$(RUN)/python -m benchmarks.$$name || status=1; \
	done; exit $$status

coverage: $(TOOLS)  ## every test, with the lines and branches that ran
	$(RUN)/pytest -n 2 --dist worksteal -m "not containers and not contract" --cov --cov-report=term

lint: $(TOOLS)  ## style and types
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

format: $(TOOLS)  ## put the sources into the common form
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

lock:  ## pin every dependency again, by name, version and hash
	$(RUN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --extra dev --extra docs \
		--universal --python-version 3.11 pyproject.toml --output-file requirements.txt
	deploy/requirements/lock

containers: $(TOOLS)  ## the composition on a Docker engine: start, kill parts of it, stop
	$(RUN)/pytest -m containers --log-cli-level INFO tests/containers

docs: $(TOOLS)  ## the documentation site, into site/
	$(RUN)/zensical build --strict --clean

audit: $(TOOLS)  ## known weaknesses of what the image is made of; fails where the public database does not know a part
	$(RUN)/uv tool run pip-audit --strict --disable-pip --require-hashes --requirement $(PINS)/service.txt

sbom: $(TOOLS)  ## a list of what the image is made of (CycloneDX), into dist/
	mkdir -p dist
	$(RUN)/uv tool run --from cyclonedx-bom cyclonedx-py requirements $(PINS)/service.txt --output-file dist/sbom.json

clean:  ## remove what was installed and cached
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis htmlcov dist site
