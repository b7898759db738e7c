# Each target does its own set-up. `make demo` and `make test` are all a fresh machine needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv/bin
# The workers of the test run: two, or as many as you say.
JOBS ?= 2

.PHONY: help demo test check format lock bench clean
.DEFAULT_GOAL := help

help:  ## what there is
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

demo: .venv/runtime.stamp  ## the whole desk at work on practice venues (CANDLES=file MODE=paper|live SPEED=n SEED=n FRESH=1)
	@$(VENV)/neuratrade --demo prepare_demo $(if $(CANDLES),--candles "$(CANDLES)") $(if $(MODE),--mode "$(MODE)") $(if $(SPEED),--speed "$(SPEED)") $(if $(SEED),--seed "$(SEED)") $(if $(FRESH),--fresh)
	@exec $(VENV)/neuratrade --demo up

test: .venv/dev.stamp  ## the test suite
	@$(VENV)/pytest -q -n $(JOBS) $(ARGS)

check: .venv/dev.stamp  ## style, types, imports, migrations, skills
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy neuratrade trading agents quests
	$(VENV)/lint-imports
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && export NEURATRADE_HOME="$$home" && set -x && \
	  $(VENV)/python manage.py check && $(VENV)/python manage.py makemigrations --check --dry-run
	@for skill in skills/*/; do $(VENV)/agentskills validate "$$skill" || exit 1; done

format: .venv/dev.stamp  ## bring the code into the project's style
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

lock:  ## resolve pyproject.toml anew into the three lock files (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra research -c requirements.lock -o requirements-research.lock
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev --extra research -c requirements-research.lock -o requirements-dev.lock

bench: .venv/dev.stamp  ## how fast the hot paths are on this machine
	@for file in benchmarks/*.py; do case $$(basename $$file) in _*) ;; *) echo "== $$file" && $(VENV)/python "$$file" || exit 1 ;; esac; done

clean:  ## everything that can be made again
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up runs again only when a lock file or the installer changes.
.venv/runtime.stamp: requirements.lock install.sh
	@PYTHON=$${PYTHON:-$(PYTHON)} ./install.sh --no-prepare
	@touch $@

.venv/dev.stamp: requirements-dev.lock requirements-research.lock requirements.lock install.sh
	@PYTHON=$${PYTHON:-$(PYTHON)} ./install.sh --dev --no-prepare
	@touch $@ .venv/runtime.stamp
