# Each target sets up what it needs in .venv, given Python, git and make only.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# The newest supported nova; tox runs the tests beside each of them.
CONSTRAINTS := constraints/2026.2.txt
INSTALL = $(BIN)/uv pip install --quiet --constraint $(CONSTRAINTS)
# All of `make cloud`, and the first of its consecutive ports.
CLOUD := .cloud
CLOUD_PORT ?= 25000
CLOUD_PYTHON = $(CLOUD)/venv/bin/python
CLOUD_PROGRAM = $(CLOUD_PYTHON) -m testbed.processes \
    --directory $(CLOUD)/state

# The caller's locale and Python settings change nothing here.
export LC_ALL := C.UTF-8
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONNOUSERSITE := 1
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV
# Else each process compiles nova again.
export UV_COMPILE_BYTECODE := 1
# What this machine trusts, as its other programs do.
export UV_SYSTEM_CERTS := 1

.DEFAULT_GOAL := help
.PHONY: help demo test cloud cloud-down cloud-status lint docs bench genconfig \
    clean
# Two pips in one environment would break it.
.NOTPARALLEL:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' \
	    Makefile

demo: $(VENV)/with-test ## schedule the reference case with nova's own scheduler
	PYTHONWARNINGS=ignore $(BIN)/python -m demo

test: $(VENV)/with-test $(VENV)/with-browser ## run the unit and functional tests
	$(BIN)/python tools/run_tests

cloud: $(CLOUD)/installed ## start a complete cloud, or its programs that do not run
	$(CLOUD_PROGRAM) up --first-port $(CLOUD_PORT)

cloud-down: ## stop the cloud; its servers and images are kept
	@[ ! -e $(CLOUD)/state ] || $(CLOUD_PROGRAM) down

cloud-status: ## show which programs of the cloud run
	@[ -e $(CLOUD_PYTHON) ] || { echo 'There is no cloud'; exit 3; }
	@$(CLOUD_PROGRAM) status

lint: $(VENV)/with-lint ## run all checks that do not need nova
	PATH="$(CURDIR)/$(BIN):$$PATH" tools/lint

docs: $(VENV)/with-docs ## build doc/build/html, and manual pages in doc/build/man
	$(BIN)/sphinx-build -W --keep-going -q -b html doc/source doc/build/html
	$(BIN)/sphinx-build -W --keep-going -q -b man doc/source doc/build/man

bench: $(VENV)/with-test ## run the benchmarks; write benchmarks/results/
	PYTHONWARNINGS=ignore $(BIN)/python -m benchmarks

genconfig: $(VENV)/with-lint ## write etc/hypervisor_affinity.conf.sample
	$(BIN)/oslo-config-generator \
	    --config-file etc/hypervisor-affinity-config-generator.conf

clean: cloud-down ## remove everything that the targets and tox created
	rm -rf .venv .tox .cloud build dist doc/build *.egg-info AUTHORS ChangeLog \
	    .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv comes last: an environment without it was not finished.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1)' || \
	    { echo 'Python 3.11 or newer is needed: make PYTHON=...' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) uv

# One stamp for each extra, so that `make lint` does not wait for nova. They go
# with an environment that uv had to be put into, since that is made again.
$(VENV)/with-%: setup.cfg pyproject.toml requirements.txt $(CONSTRAINTS) $(BIN)/uv
	@echo 'Installing [$*] into $(VENV): the first time takes a while'
	$(INSTALL) --python $(BIN)/python --editable '.[$*]'
	@touch $@

# From the wheel, as operators have it. What runs keeps the code that it has.
$(CLOUD)/installed: setup.cfg pyproject.toml requirements.txt $(CONSTRAINTS) \
    $(shell git ls-files hypervisor_affinity hypervisor_affinity_tempest_plugin) \
    | $(BIN)/uv
	@echo 'Building the wheel of this checkout'
	rm -rf $(CLOUD)/dist
	$(BIN)/uv build --quiet --wheel --out-dir $(CLOUD)/dist
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(CLOUD)/venv
	@echo 'Installing it and all services into $(CLOUD)/venv:' \
	    'one to five minutes the first time'
	$(INSTALL) --python $(CLOUD_PYTHON) \
	    --reinstall-package hypervisor-affinity \
	    "$$(echo $(CLOUD)/dist/*.whl)[cloud,tempest]"
	@touch $@
