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

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	$(BIN)/uv pip install --require-hashes -r requirements.lock
	$(BIN)/uv pip install --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: help
help: ## list every target
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.PHONY: env
env: $(READY) ## create the environment in .venv from requirements.lock

.PHONY: lock
lock: ## resolve pyproject.toml again into requirements.lock (pinned, hashed, every platform)
	uv pip compile --upgrade --universal --python-version 3.11 --extra dev --generate-hashes --no-header --no-annotate \
		--output-file requirements.lock pyproject.toml
