# Everything a newcomer needs. `make demo` and `make test` do all the set-up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AUDIT := .venv-audit
STAMP := $(VENV)/.installed
# One more than processors: some tests wait for other processes.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)
QUICK = $(BIN)/pytest -q -m 'not faults and not ui and not slow and not spark' --ignore tests/ui -n $(WORKERS) --dist loadfile --no-loadscope-reorder
export REDOX_WAREHOUSE_HOME ?= $(CURDIR)/.redox-warehouse
export DAGSTER_HOME ?= $(REDOX_WAREHOUSE_HOME)/dagster

.PHONY: help setup demo test suite check lint types layers unit faults ui slow spark fuzz fuzz-files mutate soak bench dagster docs pictures audit hashes clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt setup.py $(wildcard etl/kernel/*.pyx)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt 'setuptools>=77' wheel cython
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[s3,ui,delta,dev]'
	@touch $(STAMP)

setup: $(STAMP) ## Create .venv with everything in it

demo: $(STAMP) ## Generate synthetic messages, load them through Dagster, publish, report
	@$(BIN)/python -m etl.orchestration.demo

test: $(STAMP) ## All checks, and every test but those of the long suites below
	@$(MAKE) --no-print-directory --jobs 2 check suite

suite: $(STAMP)
	$(QUICK) --durations=10 --durations-min=3

check: lint types layers

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

unit: $(STAMP) ## The tests of single functions and of the catalog
	$(QUICK) tests/unit tests/landing tests/catalog tests/kernel tests/framing tests/golden

faults: $(STAMP) ## Kills, full disks, damaged bytes
	$(BIN)/pytest -q -m faults

slow: $(STAMP) ## Long property tests
	$(BIN)/pytest -q -m slow

spark: $(STAMP) ## Load and read with Spark (needs Java 17; installs pyspark)
	@$(BIN)/python -c 'import pyspark' 2>/dev/null || \
		$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt pyspark
	SPARK_TESTS='local-cluster[2,1,1024]' $(BIN)/pytest -q --durations=5 \
		tests/lake/test_spark_*.py tests/delta/test_delta_reading.py

ui: $(STAMP) ## Pages in a real browser (needs chromium)
	$(BIN)/pytest -q -m ui

fuzz: $(STAMP) ## Hostile inputs against a slow reference; resumes, figures in .fuzz (FUZZ="--inputs 1000000")
	$(BIN)/python -m tests.fuzz $(FUZZ)

fuzz-files: $(STAMP) ## Odd files through the whole load, every byte accounted for; resumes, figures in .fuzz (FUZZ="--files 100000")
	$(BIN)/python -m tests.fuzz.files $(FUZZ)

mutate: $(STAMP) ## Change the kernel and the ledger in small ways, and see that a test fails; resumes (MUTATE="etl.warehouse.ledger*")
	$(BIN)/mutmut run $(MUTATE)
	$(BIN)/mutmut results

soak: $(STAMP) ## Receiver, loads, publishing and kills for as long as asked; resumes, figures in .soak (SOAK="--minutes 60")
	$(BIN)/python -m tests.soak $(SOAK)

bench: $(STAMP) ## Speed and memory beside peers, as ratios
	$(BIN)/python -m benchmarks.run $(BENCH)

dagster: $(STAMP) ## Open the Dagster UI on this home
	@umask 077 && $(BIN)/python -m etl.doctor.dagster_home $(DAGSTER_HOME)
	umask 077 && cd $(DAGSTER_HOME) && REDOX_WAREHOUSE_HOME=$(abspath $(REDOX_WAREHOUSE_HOME)) \
		$(CURDIR)/$(BIN)/dg dev -w $(CURDIR)/workspace.yaml --host 127.0.0.1 --port $${PORT:-3000}

docs: $(STAMP) ## Write the generated pages of docs/
	$(BIN)/python -m docs.generate

pictures: $(STAMP) ## Take docs/report.png from the demo's report (needs chromium)
	$(BIN)/python -m docs.pictures

# Fails where no advisories can be had: an audit that saw none must not look like a clean one.
audit: $(STAMP) ## Known vulnerabilities and licences of everything installed
	@test -x $(AUDIT)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT) && $(AUDIT)/bin/pip install --quiet pip-audit; }
	$(BIN)/python -m docs.licences
	$(AUDIT)/bin/pip-audit --strict --require-hashes --disable-pip -r constraints-hashes.txt

hashes: $(STAMP) ## Write constraints-hashes.txt anew, after constraints.txt has changed
	$(BIN)/pip install --quiet --dry-run --ignore-installed --no-build-isolation --report .hashes.json \
		-c constraints.txt 'setuptools>=77' wheel cython -e '.[s3,ui,delta,spark,dev]'
	$(BIN)/python -m docs.hashes .hashes.json
	@rm -f .hashes.json

clean: ## Remove the environment and the demo's home
	rm -rf $(VENV) $(AUDIT) .redox-warehouse
