# All commands for contributors and newcomers. `make` alone lists them.
# Needs Python 3.11 to 3.15, git and make; everything else is installed into .venv from the lock file.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
# Where bytecode is not kept, every process of the tests compiles them and the project again: a third of its start.
export PYTHONDONTWRITEBYTECODE :=

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
WORKERS ?= 3
SHORT_LONG := upgrade or demo or restored or intent or tail or slept
MAKE_UP_TESTS := tests/deployments/test_up.py tests/ui
LEASE_OF_MANY := tests/delivery/test_shards.py::test_a_worker_keeps_the_client_for_its_run_when_the_parent_is_killed
SEEDS_ON_POSTGRES := tests/simulation/test_seeds_on_postgres.py
SIZES ?= 20000,200000,1000000
ROUNDS ?= 3
NIGHTS ?= 300
PAIRS ?= 9
TIMES ?= 20
TESTS ?= tests

PYTHONS := 3.15 3.14 3.13 3.12 3.11
# The oldest Prefect of pyproject.toml, and what it needs: on SQLAlchemy 2.1 its server schedules nothing.
OLDEST := 'prefect==3.8.8' 'sqlalchemy[asyncio]<2.1'
HAS_POSTGRES := -c 'from tests.postgres import programs; raise SystemExit(programs() is None)'
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check

# A name that exists may still not run (pyenv's shims), so each is checked for its version.
PYTHON ?= $(shell for p in $(PYTHONS:%=python%) python3 python; do \
	$$p -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 16))' 2>/dev/null && echo $$p && break; done)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Make .venv from the lock file, with the command .venv/bin/armrest

$(STAMP): requirements.lock pyproject.toml deployments/launcher.py
	@test -n "$(PYTHON)" || { echo "armrest: no Python from 3.11 to 3.15 found; install one, or name it: make PYTHON=/path/to/python3.13" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV) with $(PYTHON) …"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing from requirements.lock (a few minutes the first time) …"
	@$(PIP) --no-compile --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true # on all cores; some packages have a file for a newer Python only
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m deployments.launcher >/dev/null
	@touch $@
	@echo "Ready: $(BIN)/armrest --help"

.PHONY: demo
demo: setup ## Run the main job on a sample file against the sandbox, and show the outcome
	@$(BIN)/armrest demo

.PHONY: demo-files
demo-files: setup ## Show ten awkward customer files, the commands for them, and what they say; nothing is sent
	@$(BIN)/python -m tests.cases.tour

.PHONY: ui
ui: setup ## Open the Prefect UI with the demo's history (PORT=4200)
	@$(BIN)/python -m deployments.ui --port $(or $(PORT),4200)

.PHONY: up
up: setup ## Start a permanent Prefect server, a worker and the sandbox, and deploy (PORT=4200 CLIENTS=2218)
	@$(BIN)/python -m deployments.up --port $(or $(PORT),4200) --clients $(or $(CLIENTS),2218)

.PHONY: down
down: setup ## Stop what make up has started; keep its history
	@$(BIN)/python -m deployments.down

.PHONY: deploy
deploy: setup ## Deploy to the Prefect server of PREFECT_API_URL (CLIENTS=2218,2219 POOL=process, docker or kubernetes)
	@$(BIN)/python -m deployments.deploy --pool $(or $(POOL),process) $(if $(CLIENTS),--clients $(CLIENTS))

.PHONY: test
test: setup ## Run the tests that need no Prefect server (four minutes)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not long and not prefect" $(MAKE_UP_TESTS:%=--ignore %)

.PHONY: test-flows
test-flows: setup ## Run the tests of flows and commands on a real Prefect server (four minutes)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "prefect and not long" $(MAKE_UP_TESTS:%=--ignore %)

.PHONY: test-long
test-long: setup ## Run the long tests: simulation, random kills, ten shards, upgrade (fifteen minutes; SHORT=1: three)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m long $(if $(SHORT),-k "$(SHORT_LONG)") $(MAKE_UP_TESTS:%=--ignore %)

.PHONY: test-random
test-random: setup ## Try the generated tests on other examples, 20 times as many (SEED=1 TIMES=5 TESTS=tests/model)
	@seed=$${SEED:-$$RANDOM}; again="make test-random SEED=$$seed TIMES=$(TIMES) TESTS=$(TESTS)"; echo "Seed $$seed: $$again"; \
	RANDOM_EXAMPLES=$(TIMES) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --timeout 3600 -m "hypothesis and not long and not prefect" \
		--hypothesis-seed=$$seed $(MAKE_UP_TESTS:%=--ignore %) $(TESTS) || { echo "armrest: the same examples again: $$again" >&2; exit 1; }

.PHONY: mutants
mutants: setup ## Break lines of code that guarantees depend on, and require the tests to fail (ten minutes; SHORT=1: ten of them)
	@$(BIN)/python -m tests.mutants $(if $(SHORT),--short)

.PHONY: power-cut
power-cut: setup ## Cut the power of a disk at random moments of runs, and resume from what it holds (Linux, root)
	@$(BIN)/python -m tests.power_cut

.PHONY: test-ui
test-ui: setup ## Test make up and its Prefect UI in a real browser (needs chromium; SHORT=1: most of it)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(if $(SHORT),-m "not long") $(MAKE_UP_TESTS)

.PHONY: screenshots
screenshots: setup ## Run the browser tests, and write the documentation's pictures to docs/images
	@$(BIN)/python -m pytest tests/ui/test_by_hand.py tests/ui/test_mending.py --basetemp $(or $(TMPDIR),/tmp)/armrest-pictures --pictures docs/images

.PHONY: test-postgres
test-postgres: setup ## Run the ledger's tests on a throwaway PostgreSQL, and 20 seeds of the simulation
	@$(BIN)/python -m pytest -n $(WORKERS) --ledger=postgres tests/outbox tests/delivery/test_order.py tests/delivery/test_rerun.py $(LEASE_OF_MANY) $(SEEDS_ON_POSTGRES)

.PHONY: test-shards
test-shards: setup ## Test a run on two Prefect workers, PostgreSQL and a simulated S3 (five minutes; SHORT=1: one)
	@$(BIN)/python -m pytest --shards tests/shards $(if $(SHORT),-k in_mid_slice)

.PHONY: test-oldest
test-oldest: ## Run the tests of flows, tasks and deployments on the oldest supported Prefect, in .venv-oldest, on PostgreSQL if it is there
	@$(MAKE) setup VENV=.venv-oldest
	@$(MAKE) oldest VENV=.venv-oldest

.PHONY: oldest
oldest:
	@$(PIP) $(OLDEST)
	@database=postgres; $(BIN)/python $(HAS_POSTGRES) || { database=sqlite; \
		echo "armrest: no PostgreSQL on this machine: Prefect's servers use SQLite, where Prefect 3.8 loses events under load, so some tests can fail" >&2; }; \
	$(BIN)/python -m pytest --prefect-database $$database -n $(WORKERS) --dist loadgroup $(MAKE_UP_TESTS:%=--ignore %) tests/flows tests/tasks tests/deployments

.PHONY: test-pythons
test-pythons: ## Run the tests on every Python from 3.11 to 3.15 that this machine has, each in a .venv-3.X
	@ran=; failed=; for version in $(PYTHONS); do \
		for python in python$$version $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version.*/bin/python; do \
			$$python -c "import sys; raise SystemExit('%d.%d' % sys.version_info[:2] != '$$version')" 2>/dev/null || continue; \
			echo "Python $$version ($$python)"; ran="$$ran $$version"; \
			$(MAKE) test test-flows VENV=.venv-$$version PYTHON=$$python || failed="$$failed $$version"; \
			break; \
		done; \
	done; \
	test -n "$$ran" || { echo "armrest: no Python from 3.11 to 3.15 found; install one" >&2; exit 1; }; \
	echo "Tested on Python$$ran"; \
	test -z "$$failed" || { echo "armrest: the tests fail on Python$$failed" >&2; exit 1; }

.PHONY: docs
docs: setup ## Build the documentation as a site in site/, with a search and a reference; warnings are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "Read it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory site 8008"

.PHONY: check
check: setup ## Check lint, format, types, imports and lock file; change nothing
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --quiet --check . || { echo "armrest: some files are not formatted; run: make fix" >&2; exit 1; }
	@$(BIN)/mypy
	@said=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$said" >&2; exit 1; }
	@if test -x $(BIN)/hadolint; then $(BIN)/hadolint Dockerfile; else echo "armrest: the Dockerfile is not checked: hadolint is there for Linux on x86-64 only" >&2; fi
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/tooling/test_lock.py

.PHONY: fix
fix: setup ## Format, and fix what ruff can fix
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

.PHONY: bench
bench: setup ## Compare CPU and memory with a hand-written script (half an hour; SIZES=20000 ROUNDS=3)
	@$(BIN)/python -m benchmarks --sizes $(SIZES) --rounds $(ROUNDS)

.PHONY: bench-check
bench-check: setup ## Fail if planning has become slower than before, relative to the hand-written script
	@$(BIN)/python -m benchmarks.check

.PHONY: profile
profile: setup ## Show where planning spends its CPU, as a table and in docs/images/planning.svg
	@$(BIN)/python -m benchmarks.stages
	@$(BIN)/python -m benchmarks.flame

.PHONY: bench-scale
bench-scale: setup ## Measure what a batch costs, compared with its task run: CPU, requests, rows, time in the ledger
	@$(BIN)/python -m benchmarks.scale

.PHONY: bench-history
bench-history: setup ## Fail if a night costs more after 300 nights than after one (ten minutes; NIGHTS=30: two)
	@$(BIN)/python -m benchmarks.history --nights $(NIGHTS)

.PHONY: bench-past
bench-past: setup ## Fail if planning costs too much compared with commit 4225881 (half an hour; PAIRS=3: ten minutes)
	@$(BIN)/python -m benchmarks.past --rounds $(PAIRS)

.PHONY: bench-profile
bench-profile: setup ## Fail if the nightly's guard rails miss damaged files or stop normal ones (HALF=development or held-out)
	@$(BIN)/python -m benchmarks.file_nights --half $(or $(HALF),development)

.PHONY: bench-emails
bench-emails: setup ## Fail if planning lists of e-mail addresses costs over half of a script that checks nothing
	@$(BIN)/python -m benchmarks.emails

.PHONY: bench-frames
bench-frames: setup ## Measure what a plan costs from a frame, compared with Parquet (ten minutes for 200,000 customers)
	@$(BIN)/python -m benchmarks.frames --rounds $(ROUNDS) --customers $(or $(CUSTOMERS),200000)

.PHONY: bench-cores
bench-cores: setup ## Measure how much faster two processes plan a file and a folder of parts (a quarter of an hour)
	@$(BIN)/python -m benchmarks.cores
	@$(BIN)/python -m benchmarks.cores --customers 3000000
	@$(BIN)/python -m benchmarks.cores --parts 8
	@$(BIN)/python -m benchmarks.cores --parts 8 --parquet

.PHONY: bench-pace
bench-pace: setup ## Measure how much of an API's capacity is used, at 5, 50 and 500 requests per second
	@$(BIN)/python -m benchmarks.pace

.PHONY: soak
soak: setup ## Simulate 20,000 seeds (PostgreSQL: 2,000), and send 100,000 customers through every fault (90 minutes)
	@$(BIN)/python -m tests.soak

.PHONY: lock
lock: ## Write requirements.lock, and its available wheels to requirements.wheels (UPGRADE=1: newest versions)
	@d=$$(mktemp -d) && trap 'rm -rf "$$d"' EXIT && $(PYTHON) -m venv "$$d" && "$$d/bin/pip" install --quiet uv packaging && \
	compile="$$d/bin/uv pip compile --quiet --universal --python-version 3.11 --no-strip-extras --no-annotate --no-emit-index-url --no-header" && \
	$$compile --generate-hashes --all-extras --group dev --group docs $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements.lock && \
	$$compile --format pylock.toml requirements.lock -o "$$d/pylock.toml" && \
	"$$d/bin/python" -m tests.tooling.wheels "$$d/pylock.toml" >"$$d/wheels" && cp "$$d/wheels" requirements.wheels
