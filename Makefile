# Everything runs in .venv, made from uv.lock; uv itself, where the machine has none, lives in .uv.
# Needs python3 (3.11 to 3.13), python3-venv and make.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
PYTHON ?= python3
UV := $(or $(shell command -v uv),.uv/bin/uv)
BIN := .venv/bin
READY := .venv/.ready
DEVELOPING := .venv/.developing
BI := bi/.venv/.ready
BENCHMARKS := effect_scale load_path load_exports log_reading night_build readers site_crawl documentation hostile \
  make_run demo_truth scheduler celery_nights discovery operator_pages referral_worlds relations_worlds log_marts \
  visitors_outreach \
  link_authority held_nights link_visits link_witnesses link_losses denied_losses
SQL := $(wildcard dbt_project/models dbt_project/tests)

# Airflow's components start several times faster from compiled files.
unexport PYTHONDONTWRITEBYTECODE

SECRETS := POSTGRES_PASSWORD SEO_WAREHOUSE_OWNER_PASSWORD SEO_WAREHOUSE_OPERATOR_PASSWORD AIRFLOW_DATABASE_PASSWORD \
  AIRFLOW_ADMIN_PASSWORD AIRFLOW_FERNET_KEY AIRFLOW_API_SECRET AIRFLOW_JWT_SECRET REDIS_PASSWORD

.PHONY: help run check stop status secrets bi bi-stop bi-lock test bench bench-chaos bench-effect bench-discovery lint lint-python lint-types lint-sql lint-sources format clean

help:  ## show what there is to make
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

run: $(READY)  ## start everything, load history, run the newest night (PROPERTIES=file: yours instead of the demo's)
	@$(BIN)/seo-warehouse run $(if $(PROPERTIES),--properties "$(PROPERTIES)")

check: $(READY)  ## say what would go wrong and what a night costs, starting nothing (PROPERTIES=file)
	@$(BIN)/seo-warehouse check $(if $(PROPERTIES),--properties "$(PROPERTIES)")

stop: $(READY)  ## end every process that `make run` started
	@$(BIN)/seo-warehouse stop

status: $(READY)  ## what runs, the last night's loads, the last builds
	@$(BIN)/seo-warehouse status

bi: $(READY) $(BI)  ## serve dashboards of the running warehouse in Superset, which it installs (ANALYST=login: one more bundle)
	@$(BIN)/python -m bi.run serve $(if $(ANALYST),--analyst "$(ANALYST)")

bi-stop: $(READY)  ## end what `make bi` started
	@$(BIN)/python -m bi.run stop

bi-lock: | $(UV)  ## write bi/requirements.lock anew from bi/requirements.in
	cd bi && $(abspath $(UV)) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make bi-lock" requirements.in -o requirements.lock

secrets:  ## print fresh passwords for docker-compose: make secrets >> .env
	@# A Fernet key is 32 bytes with their padding.
	@$(PYTHON) -c 'import secrets, sys; \
	  [print(f"{name}={secrets.token_urlsafe(32)}" + "=" * ("FERNET" in name)) for name in sys.argv[1:]]' $(SECRETS)

test: $(DEVELOPING)  ## all tests, in three processes (ARGS="-x -k name": some)
	$(BIN)/python -m pytest -n 3 -v --durations 25 $(ARGS)

bench: $(DEVELOPING)  ## try the models on PostgreSQL 16, then measure what has a limit, one benchmark after another
	failed=; $(BIN)/python -m pytest tests/warehouse -n 2 -q --postgres 16 || failed=" postgres-16"; \
	  for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name || failed+=" $$name"; done; \
	  [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

bench-chaos: $(DEVELOPING)  ## break 200 nights, and build in 50 orders, as if nothing had happened (ARGS="--seed 17": one of each)
	$(BIN)/python -m benchmarks.chaos_seeds $(ARGS)
	$(BIN)/python -m pytest tests/warehouse/test_link_incremental.py -n 0 -v --seed 0-49 $(ARGS)

bench-effect: $(DEVELOPING)  ## judge the method on 100 simulated panels a scenario, and what the models say of fresh ones
	$(BIN)/python -m benchmarks.link_effect $(ARGS)
	$(BIN)/python -m benchmarks.link_effect_worlds $(ARGS)

bench-discovery: $(DEVELOPING)  ## judge curves of waits, and what a link does to them, on simulated worlds, as gaps and as files
	$(BIN)/python -m benchmarks.discovery_worlds $(ARGS)
	$(BIN)/python -m benchmarks.discovery_files

lint: lint-python lint-types lint-sql lint-sources  ## all checks that run nothing

lint-python: $(DEVELOPING)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-types: $(DEVELOPING)
	$(BIN)/mypy

lint-sql: $(DEVELOPING)
	$(BIN)/sqlfmt --check --quiet $(SQL)
	$(BIN)/sqlfluff lint --nocolor --disable-progress-bar --processes 0 $(SQL)

lint-sources: $(DEVELOPING)
	$(BIN)/python -m seo_warehouse.steps.declared --check

format: $(DEVELOPING)  ## lay out Python and SQL
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .
	$(BIN)/sqlfmt --quiet $(SQL)

clean:  ## remove what was installed or built; the warehouse's own data stays
	@if [ -x $(BIN)/seo-warehouse ] && [ -d "$${SEO_WAREHOUSE_HOME:-.seo-warehouse}" ]; then $(BIN)/seo-warehouse stop; fi
	@if [ -x $(BIN)/python ] && [ -x bi/.venv/bin/python ]; then $(BIN)/python -m bi.run stop; fi
	rm -rf .venv bi/.venv .uv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs

define CHECK_PYTHON
@command -v $(PYTHON) >/dev/null || \
  { echo "make: $(PYTHON) is missing; on Debian: apt-get install python3 python3-venv" >&2; exit 1; }
@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
  { echo "make: $(PYTHON) must be Python 3.11, 3.12 or 3.13; name another with PYTHON=..." >&2; exit 1; }
endef

SYNC = UV_COMPILE_BYTECODE=1 $(UV) sync --locked --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"

# Who only runs it needs no tools of tests and linters; who has them keeps them.
$(READY): pyproject.toml uv.lock | $(UV)
	$(CHECK_PYTHON)
	@echo "make: installing what uv.lock names into .venv"
	@$(SYNC) $$([ -e $(BIN)/pytest ] || echo --no-dev)
	@touch $@

$(DEVELOPING): pyproject.toml uv.lock | $(UV)
	$(CHECK_PYTHON)
	@echo "make: installing what uv.lock names, for tests and linters too, into .venv"
	@$(SYNC)
	@touch $(READY) $@

# Superset's own environment: what it wants of others is far from what Airflow and dbt want.
$(BI): bi/requirements.lock | $(UV)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] > (3, 12))' || \
	  { echo "make: Superset needs Python 3.11 or 3.12; name one with PYTHON=..." >&2; exit 1; }
	@echo "make: installing Superset, as bi/requirements.lock names it, into bi/.venv"
	@$(UV) venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" bi/.venv
	@$(UV) pip sync --quiet --compile-bytecode --require-hashes --python bi/.venv/bin/python bi/requirements.lock
	@touch $@

.uv/bin/uv:
	$(CHECK_PYTHON)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: $(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@rm -rf .uv && $(PYTHON) -m venv .uv
	@.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || \
	  { rm -rf .uv; echo "make: uv $(UV_VERSION) could not be installed from PyPI (see above)" >&2; exit 1; }
