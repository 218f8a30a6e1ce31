# What a person, CI or a Pi runs goes through one of these targets; bare `make` lists them.
# ARGS is handed on: make demo ARGS="--camera", make test ARGS="-k kd1".

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
ARGS ?=
# The tests wait more than they compute: more of them at a time than there are processors. A file's tests stay together.
JOBS ?= $(shell echo $$(($$(nproc) + 1)))
VENV := .venv
READY := $(VENV)/ready
BIN := $(VENV)/bin

.PHONY: help
help: ## list the targets (this)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## run the whole gate on made pictures and a real broker; ARGS="--camera" and others: other input
	$(BIN)/qrgate demo --cache build $(ARGS)

.PHONY: test
test: $(READY) ## run the tests; JOBS=1: one after the other
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

.PHONY: cover
cover: $(READY) ## see that the tests take every branch of formats and rules (credentials, admission)
	$(BIN)/python -m coverage run -m pytest -q tests/device/test_cbor.py tests/device/credentials tests/device/admission
	$(BIN)/python -m coverage report

.PHONY: check
check: $(READY) ## run ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: bench
bench: $(READY) ## measure the targets of speed: one line each, and build/bench.json
	$(BIN)/python -m tests.bench $(ARGS)

.PHONY: faults
faults: $(READY) ## kill everything, cut the power, spoil network and disk: nothing is lost; ARGS="kills --kills 1000", "power", "network", "disk"
	$(BIN)/python -m tests.faults $(ARGS)

.PHONY: walk
walk: $(READY) ## a million random steps of the turnstile over every kind of lane: what must never be is not; ARGS="--seed 7", "--json"
	$(BIN)/python -m tests.walk $(ARGS)

.PHONY: mutants
mutants: $(READY) ## plant small faults in the rules of admission, one at a time: the tests must notice 90 %; build/mutants.json
	$(BIN)/python -m tests.mutants $(ARGS)

.PHONY: hostile
hostile: $(READY) ## show the hostile corpus to whole gates, and read it as stills: nothing crashes, nobody is let in
	$(BIN)/python -m tests.hostile $(ARGS)

.PHONY: canaries
canaries: $(READY) ## show 10,000 codes of made-up people to a real gate, and search all that is left of it; build/canaries.json
	$(BIN)/python -m tests.canaries --json build/canaries.json $(ARGS)

.PHONY: soak
soak: $(READY) ## the reader at full speed for two hours, or with ARGS="people" a turnstile for an hour: nothing grows; ARGS="--hours 0.5"
	$(BIN)/python -m tests.soak $(ARGS)

.PHONY: fuzz
fuzz: $(READY) ## ask every parser ten million times with bad bytes; ARGS="--seconds 60", "--target kd1", "--jobs 4", "--json"
	$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: lab
lab: ## run on clean Debian machines and with the real picamera2 (root)
	tests/lab/run.sh $(ARGS)

.PHONY: venv
venv: $(READY) ## make .venv, with the system packages it needs where they are missing (root or sudo)

# Made anew, never patched: what is in the lock is what is in .venv.
$(READY): requirements.lock pyproject.toml scripts/system-packages.sh scripts/venv.sh
	PYTHON=$(PYTHON) scripts/system-packages.sh
	PYTHON=$(PYTHON) scripts/venv.sh $(VENV)
	touch $@

.PHONY: lock
lock: ## write the two locks for pyproject.toml; ARGS=--upgrade: with the newest versions
	PYTHON=$(PYTHON) scripts/lock.sh $(ARGS)

.PHONY: install
install: ## put the service on this Pi: /opt/qrgate, units, users, examples in /etc/qrgate (sudo)
	scripts/install.sh

.PHONY: pictures
pictures: $(READY) ## draw what a display shows, for this checkout
	$(BIN)/python -m device.gate.outputs.drawing

.PHONY: prompts
prompts: $(READY) ## record what the voice says, for this checkout (espeak-ng)
	$(BIN)/python -m device.gate.outputs.recording

.PHONY: drawings
drawings: $(READY) ## draw the wiring of every board anew, after a change to hardware/boards
	$(BIN)/qrgate-provision wiring hardware/boards/*.toml --all hardware/drawings

.PHONY: uninstall
uninstall: ## take the service off this Pi; settings and records stay (sudo)
	scripts/uninstall.sh

.PHONY: clean
clean: ## remove all that was made here
	rm -rf $(VENV) build dist device/gate/outputs/made *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find device provisioning tests -name __pycache__ -prune -exec rm -rf {} +
