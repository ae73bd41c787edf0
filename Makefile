# The targets that a person types. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
# The tools that targets call directly; what runs through Python is told by tasks/__init__.py.
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 …")'
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	$(BIN)/uv pip install --require-hashes --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: help
help: ## list every target
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.PHONY: env
env: $(READY) ## create the environment in .venv from requirements.lock

.PHONY: lock
lock: $(READY) ## resolve pyproject.toml again into requirements.lock (pinned, hashed, every platform)
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --extra dev --generate-hashes --no-header --no-annotate \
		--output-file requirements.lock pyproject.toml

.PHONY: repro
repro: $(READY) ## run the whole pipeline, what has changed of it, side by side, and register the models
	python -m flows.repro
	sar-text results

.PHONY: real
real: $(READY) ## the same on real SAR imagery: SAR_TEXT_MIRROR=FOLDER make real
	sar-text run real

.PHONY: experiments
experiments: $(READY) ## the recipe on three fresh worlds and training seeds, into runs/experiments
	python -m benchmarks.experiments --seeds 404 505 606

.PHONY: test
test: $(READY) lint unit ## lint, types and all tests
	python -m pytest -m e2e --numprocesses auto --dist loadfile --durations=15

.PHONY: unit
unit: $(READY) ## the tests that start no servers and no pipelines
	python -m pytest -m 'not e2e and not scenario' --numprocesses auto --dist loadfile

.PHONY: scenario
scenario: $(READY) ## type the whole round of docs/operations.md on a real installation, about half an hour
	python -m pytest -m scenario --maxfail=1

.PHONY: lint
lint: $(READY) ## ruff and mypy
	ruff check .
	ruff format --check .
	mypy

.PHONY: bench
bench: $(READY) ## measure, each time beside a peer, into benchmarks/results.json
	python -m benchmarks.run

.PHONY: faults
faults: $(READY) ## put faults into a small real project, hours; the table stands in docs/reliability.md
	python -m benchmarks.faults

.PHONY: graph
graph: $(READY) ## bring the code dependencies in dvc.yaml up to date
	python -m tasks.graph

.PHONY: docs-data
docs-data: $(READY) ## print where the Data Docs of the last validation are, and open them
	sar-text docs-data

.PHONY: mlflow
mlflow: $(READY) ## show runs and registry on http://127.0.0.1:5000, or say which server has them
	@store="$$(python -c 'from tasks import tracking; print(tracking.uri())')"; \
	case "$$store" in http*) echo "they are on $$store" ;; \
	*) mlflow ui --host 127.0.0.1 --backend-store-uri "$$store" ;; esac

.PHONY: up
up: $(READY) ## start Prefect, MLflow and a worker for each pool here, and deploy the flows
	sar-text up

.PHONY: down
down: ## end the servers and workers of this project
	@if test -x $(BIN)/sar-text; then sar-text down; else echo "nothing was installed yet, so nothing runs"; fi
