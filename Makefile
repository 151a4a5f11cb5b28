# EuGPT's commands. `make help` lists them; CONTRIBUTING.md says when to use which.

# Settings of a run (PORT, DATABASE_URL, EUGPT_*, ...) are environment variables: see .env.example.
# The interpreter, for example PYTHON=/opt/python3.11/bin/python3.11 (default: the one found).
export PYTHON ?=
# Arguments for installing torch before the rest. PyPI's torch for Linux carries CUDA (about 3 GB);
# the CPU build is PIP_TORCH_ARGS="--index-url https://download.pytorch.org/whl/cpu".
export PIP_TORCH_ARGS ?=
# For `make manage`, for example make manage ARGS="create_admin boss".
ARGS ?= help
# For `make fuzz-api`: examples of each operation and phase.
FUZZ_EXAMPLES ?= 50
# For `make torture`, for example TORTURE_ARGS="--short --seed 7"; `--help` lists them.
TORTURE_ARGS ?=
# For `make bench`, `bench-peers` and `bench-chat`, for example BENCH_ARGS="--streams 1,8"; `--help`
# lists them.
BENCH_ARGS ?=
# For `make load` and `make soak`: a running EuGPT (default: a fresh one here) and further arguments,
# for example LOAD_ARGS="--users 100 --spawn-rate 5 --run-time 5m"; `--page` opens Locust's own page.
LOAD_HOST ?=
LOAD_ARGS ?=
SOAK_MINUTES ?= 20
# For `make e2e`: arguments of pytest. For `make screenshots`: names of pictures, default all.
E2E_ARGS ?=
# For `make backup` and `make restore`: how many stay, which one, where (default var/backups).
KEEP ?= 14
BACKUP ?=
BACKUP_DIR ?=
MODEL ?=
FORCE ?=
SCREENSHOTS_ARGS ?=

BIN := .venv/bin
VENV_RUN := @deploy/setup-venv.sh requirements.txt
VENV_DEV := @deploy/setup-venv.sh requirements-dev.txt

.DEFAULT_GOAL := help
.PHONY: help run test fuzz lint format types train-smoke bench bench-peers bench-chat bench-scale torture torture-hosts load soak manage clean secrets audit schema fuzz-api e2e lighthouse screenshots backup restore backups rollout-check images image-sizes

help: ## List these targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | awk -F'|' '{ printf "  make %-13s %s\n", $$1, $$2 }'

run: ## Install what is missing, build the front end and start EuGPT (PORT=8000)
	$(VENV_RUN)
	@exec $(BIN)/python -m deploy.local run --with-parent

test: ## Run every check: lint, types, imports, migrations, tests, front end, browser
	$(VENV_DEV)
	@deploy/setup-chromium.sh
	@deploy/setup-prometheus.sh
	@exec $(BIN)/python -m deploy.checklist

fuzz: ## Send 10,000 nonsense messages to a web process and come and go 2,000 times
	$(VENV_DEV)
	@FUZZ_MESSAGES=$${FUZZ_MESSAGES:-10000} FUZZ_ROUNDS=$${FUZZ_ROUNDS:-2000} \
		exec $(BIN)/python -m pytest -q -s tests/sockets/test_fuzz.py

e2e: ## Journeys of people in a real browser, all of them, and what else `make test` leaves out (E2E_ARGS="-k share")
	$(VENV_DEV)
	@deploy/setup-chromium.sh
	@$(BIN)/python -m deploy.local frontend build
	@exec $(BIN)/python -m pytest -m "journey or long" $(E2E_ARGS)

lighthouse: ## Measure the pages with Lighthouse, phone and desktop; fails under the limits
	$(VENV_DEV)
	@deploy/setup-chromium.sh
	@exec $(BIN)/python -m deploy.pictures.lighthouse

screenshots: ## Take the pictures of docs/screenshots anew, with the released model
	$(VENV_DEV)
	@deploy/setup-chromium.sh
	@exec $(BIN)/python -m deploy.pictures.screenshots $(SCREENSHOTS_ARGS)

lint: ## Check style and import directions
	$(VENV_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: ## Rewrite the Python code in the house format
	$(VENV_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: ## Check the types
	$(VENV_DEV)
	$(BIN)/mypy

train-smoke: ## Train a tiny model end to end in a few minutes and show how to chat with it
	$(VENV_DEV)
	@exec $(BIN)/python -m training.smoke

bench: ## Measure the bare engine: tokens/s, waits, memory; table, JSON and picture in var/bench
	$(VENV_DEV)
	@exec $(BIN)/python manage.py bench_engine $(BENCH_ARGS)

bench-peers: ## Measure EuGPT beside llama.cpp and CTranslate2, which it installs in var/bench
	$(VENV_DEV)
	@deploy/setup-peers.sh
	@exec $(BIN)/python -m inference.benchmarks.peers $(BENCH_ARGS)

bench-chat: ## Load a fresh EuGPT with 32 sockets: pace, waits, errors, lost tokens, CPU
	$(VENV_RUN)
	@exec $(BIN)/python -m deploy.local bench-chat $(or $(BENCH_ARGS),--engine)

bench-scale: ## Measure workers, clients, memory and servers (13 minutes): var/bench/scale
	$(VENV_DEV)
	@exec $(BIN)/python -m deploy.scaling measure $(BENCH_ARGS)

torture: ## Kill EuGPT's parts under 40 clients: no answer lost, doubled or foreign; var/torture
	$(VENV_DEV)
	@exec $(BIN)/python -m deploy.torture $(TORTURE_ARGS)

torture-hosts: ## The same while worker hosts are cut off from the network; needs Linux, root and ip
	$(VENV_DEV)
	@exec $(BIN)/python -m deploy.netns $(TORTURE_ARGS)

load: ## Load a fresh EuGPT (or LOAD_HOST=https://...) with Locust's people; report in var/load
	$(VENV_DEV)
	@deploy/load/setup.sh
	@exec $(BIN)/python -m deploy.load load --host "$(LOAD_HOST)" $(LOAD_ARGS)

soak: ## The same for 20 minutes (SOAK_MINUTES); fails if a process grows or anything is left
	$(VENV_DEV)
	@deploy/load/setup.sh
	@exec $(BIN)/python -m deploy.load soak --minutes $(SOAK_MINUTES) --host "$(LOAD_HOST)" $(LOAD_ARGS)

images: ## Build the container images with docker or podman (BUILD_ARGS=...)
	@exec deploy/images.sh build

image-sizes: ## List the layers of the images and what each weighs
	@exec deploy/images.sh sizes

secrets: ## Look for secrets in the checkout and its history; `make test` does, too
	$(VENV_DEV)
	@exec $(BIN)/python -m deploy.secret_scan

audit: ## Ask PyPI and npm for known advisories; exit code 1: some, 3: could not be asked
	$(VENV_DEV)
	@$(BIN)/python -m deploy.audit; code=$$?; exit $$code

schema: ## Write the API's description to var/schema: openapi.json and events.json
	$(VENV_RUN)
	@exec $(BIN)/python -m deploy.write_schema

fuzz-api: ## Call every route with valid and invalid input, guest and member (FUZZ_EXAMPLES=50)
	$(VENV_DEV)
	@FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) exec $(BIN)/python -m pytest tests/fuzz

backup: ## Back up the database of `make run` or DATABASE_URL to var/backups (KEEP=14 MODEL=1)
	$(VENV_RUN)
	@exec $(BIN)/python -m deploy.ops backup --folder "$(BACKUP_DIR)" --keep $(KEEP) $(if $(MODEL),--with-model)

restore: ## Replace the database by a backup: BACKUP=latest or a name in var/backups (FORCE=1)
	$(VENV_RUN)
	@exec $(BIN)/python -m deploy.ops restore --folder "$(BACKUP_DIR)" $(if $(FORCE),--force) "$(BACKUP)"

backups: ## List the backups in var/backups
	$(VENV_RUN)
	@exec $(BIN)/python -m deploy.ops list --folder "$(BACKUP_DIR)"

rollout-check: ## Roll a release over a loaded EuGPT: nothing lost, no failed request; var/rollout
	$(VENV_DEV)
	@exec $(BIN)/python -m deploy.ops.rollout_check $(TORTURE_ARGS)

manage: ## Run a Django command on the data of `make run` (ARGS="create_admin boss")
	$(VENV_RUN)
	@exec $(BIN)/python -m deploy.local manage $(ARGS)

clean: ## Remove caches and build output (data in var/ and .venv stay)
	rm -rf frontend/out frontend/.next .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -not -path './frontend/*' -prune -exec rm -rf {} +
