# Written for GNU make 3.81 (macOS) and later.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv/bin

export RAY_USAGE_STATS_ENABLED := 0

# Some images set it. Tests start hundreds of processes, each of which would compile everything.
unexport PYTHONDONTWRITEBYTECODE

# PYTHON=/path/to/python3.12 chooses the Python that .venv is made with.
ifdef PYTHON
export PYTHON
endif

.PHONY: help
help: ## Show what can be made
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: install
install: ## Make .venv with the vestlus command in it
	@sh scripts/install run

.PHONY: install-dev
install-dev:
	@sh scripts/install dev

.PHONY: install-bench
install-bench:
	@sh scripts/install bench

.PHONY: run
run: install ## Start the whole service with a pretend Instagram; Ctrl-C stops it
	@exec $(VENV)/vestlus demo $(ARGS)

WHOLE := tests/e2e tests/chaos/test_chaos.py
# Of parts, what minds least that others come first: no browser, no server that is killed.
PATIENT := account_tokens allowance api assistant budget bursts cli console_acts console_entries \
	conversation_actor delivery demo_posts doctor drafting error_table eval events graph hosting \
	image_bank knowledge logged measured people posts publishers recovery replay scheduler simulator \
	store_plans store_upgrade token
# These look at how long something took.
TIMED := assistant_trouble simulator_errors
BESIDE := tests/unit tests/contract $(filter-out $(TIMED:%=tests/integration/test_%.py), \
	$(wildcard $(PATIENT:%=tests/integration/test_%*.py)))
SIDE_BY_SIDE := tests/integration tests/chaos $(WHOLE:%=--ignore=%) $(BESIDE:%=--ignore=%)

.PHONY: test
test: install-dev ## Run all tests, providing RabbitMQ and PostgreSQL; ARGS="-k name" chooses some
	@$(VENV)/python -m tests.services ensure
ifeq ($(strip $(ARGS)),)
# Those of parts wait half of their time: four at a time leave no processor idle. Those that start
# whole services leave half of it idle: the patient ones have that.
	@$(VENV)/python -m pytest --numprocesses 4 --dist worksteal $(SIDE_BY_SIDE)
	@exec $(VENV)/python -m tests.beside --others $(BESIDE) -- $(WHOLE)
else
	@exec $(VENV)/python -m pytest $(ARGS)
endif

.PHONY: kills
kills: install-dev ## Kill processes under load, 20 of each kind on both pairs; ARGS="--kills 5"
	@$(VENV)/python -m tests.services ensure
	@exec $(VENV)/python -m tests.e2e.run_kills $(ARGS)

.PHONY: nodes
nodes: install-dev ## Kill, cut off, drain and add Ray nodes under load, and restart the head
	@$(VENV)/python -m tests.services ensure
	@exec $(VENV)/python -m tests.nodes.run --report docs/reports/nodes.md $(ARGS)

.PHONY: autoscaling
autoscaling: install-dev ## Have Ray's autoscaler bring nodes for actors that find no room, and take them
	@$(VENV)/python -m tests.services ensure
	@exec $(VENV)/python -m tests.nodes.autoscaled --report docs/reports/autoscaling.md $(ARGS)

.PHONY: scaling
scaling: install-dev ## Resize pools under load, by hand and by load; ARGS="--auto-publishers --pair sqlite"
	@$(VENV)/python -m tests.services ensure
	@exec $(VENV)/python -m tests.e2e.run_scaling \
		$(or $(ARGS),--auto --auto-publishers --by-hand --report docs/reports/scaling.md)

.PHONY: rehearse-upgrade
rehearse-upgrade: install-dev ## Upgrade from the release before, on two clusters; ARGS="--old v1"
	@$(VENV)/python -m tests.services ensure
	@exec $(VENV)/python -m tests.nodes.rehearse --report docs/reports/upgrade.md $(ARGS)

.PHONY: loadtest
loadtest: install ## Load-test the service on this machine; ARGS="--rate 50 --duration 5m"
	@exec $(VENV)/vestlus loadtest $(ARGS)

.PHONY: bench
bench: install-bench ## Compare with what people would build instead, 22 minutes; ARGS="--only intake"
	@$(VENV)/python -m tests.services ensure
	@exec $(VENV)/python -m benchmarks.comparison $(ARGS)

.PHONY: chaos
chaos: install-dev ## Break everything that can break, 10 minutes; ARGS="--seconds 60 --seed 7"
	@$(VENV)/python -m tests.services ensure
	@exec $(VENV)/python -m tests.chaos.run $(ARGS)

.PHONY: fuzz
fuzz: install-dev ## Throw broken requests at a replica; ARGS="--requests 200000 --seed 7"
	@exec $(VENV)/python -m tests.fuzzing.run $(ARGS)

.PHONY: check
check: install-dev ## Check format, lint, types, secrets, known vulnerabilities and alert rules
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/python scripts/find_secrets.py
	$(VENV)/python scripts/audit.py
	@sh scripts/check-rules

.PHONY: check-deploy
check-deploy: install-dev ## Look at what is deployed: manifests, cluster.yaml, image, units
	@exec $(VENV)/python -m tests.deploying check

.PHONY: manifests
manifests: install-dev ## Write what is made of deploy/: needs kubectl
	@exec $(VENV)/python -m tests.deploying render

.PHONY: rehearse-image
rehearse-image: ## Run the Dockerfile's steps without an engine, as root; ARGS="--demo FOLDER"
	@exec python3 scripts/rehearse_image.py $(or $(ARGS),/var/tmp/vestlus-image)

.PHONY: audit
audit: install-dev ## Look for known vulnerabilities, and fail where that cannot be done
	@exec $(VENV)/python scripts/audit.py --insist

.PHONY: secrets
secrets: install-dev ## Accept what looks like secrets and is none; look at the difference
	@exec $(VENV)/python scripts/find_secrets.py --accept

.PHONY: format
format: install-dev ## Format the code and mend what the linter can mend
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

.PHONY: lock
lock: install-dev ## Resolve the locks again; ARGS=--upgrade moves to the newest versions
	@sh scripts/lock $(ARGS)

.PHONY: clean
clean: ## Remove .venv and everything generated, but not var/ (the demo's data)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
