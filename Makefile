# Everything a newcomer or a robot needs: `make demo` runs the main job, `make test` runs the tests.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
TOOLS := .tools
AWSB := .awsb
BIN := $(VENV)/bin

# What each file requirements/NAME.lock is made of, and which ones bind its versions.
bound_by = $(foreach name,$(1),--constraint requirements/$(name).lock)
LOCKS := dev mpi browser gpu science tools awsb functions docs
LOCK_dev := --extra functions --extra cli --extra local --extra dev pyproject.toml
LOCK_mpi := --extra mpi $(call bound_by,dev) pyproject.toml
LOCK_browser := --extra browser $(call bound_by,dev) pyproject.toml
LOCK_gpu := --extra opencl $(call bound_by,dev mpi) pyproject.toml
LOCK_science := --extra proteins --extra tomography $(call bound_by,dev mpi gpu) pyproject.toml
LOCK_tools := requirements/tools.in
LOCK_awsb := requirements/awsb.in
LOCK_functions := requirements/functions.in
LOCK_docs := requirements/docs.in
define COMPILE
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(LOCK_$(1)) --output-file requirements/$(1).lock

endef

.PHONY: help setup tools mpi science awsb snakemake demo test reference docs lint wheel test-runs test-wheel test-hostile test-sam test-simulation test-docs test-mpi test-science test-genomics test-big browser test-browser test-containers test-awsb test-faults test-deaths test-readers test-mishaps test-batches test-soak bench lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready ## make the virtual environment (about a minute, once)

$(VENV)/.ready: requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gristmill needs Python 3.11 or newer; try make PYTHON=python3.13")'
	@echo "Setting up $(VENV) (about a minute, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

tools: $(TOOLS)/.ready ## the AWS and SAM command lines, apart from the product's own environment

$(TOOLS)/.ready: requirements/tools.lock
	@echo "Setting up $(TOOLS): the AWS and SAM command lines ..."
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@touch $@

mpi: $(VENV)/.mpi ## Open MPI and what the MPI pipelines need, into the virtual environment

$(VENV)/.mpi: requirements/mpi.lock $(VENV)/.ready
	@echo "Adding Open MPI to $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@touch $@

browser: $(VENV)/.browser ## what drives a Chromium of this machine, into the virtual environment

$(VENV)/.browser: requirements/browser.lock $(VENV)/.ready
	@echo "Adding Playwright to $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@touch $@

awsb: $(AWSB)/.ready ## the classic awsb commands as they are published, apart from the product's own environment

$(AWSB)/.ready: requirements/awsb.lock
	@echo "Setting up $(AWSB): the awsb commands ..."
	@$(PYTHON) -m venv $(AWSB)
	@$(AWSB)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@touch $@

snakemake: $(TOOLS)/snakemake/.ready ## Snakemake, which a benchmark is held against, in an environment of its own

$(TOOLS)/snakemake/.ready:
	@echo "Setting up $(TOOLS)/snakemake ..."
	@$(PYTHON) -m venv $(TOOLS)/snakemake
	@$(TOOLS)/snakemake/bin/python -m pip install --quiet --disable-pip-version-check snakemake==9.27.1
	@touch $@

science: $(VENV)/.science ## what the pipelines of scientists need, into the virtual environment

$(VENV)/.science: requirements/science.lock $(VENV)/.ready
	@echo "Adding the science libraries to $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@touch $@

demo: setup ## drop a sample of 100,000 lines on the embedded AWS and check what comes back
	@PATH="$(CURDIR)/$(BIN):$$PATH" demo/run.sh

test: setup ## unit tests and the deployed template on the embedded AWS
	$(BIN)/python -m pytest --quiet -n 2 --dist loadfile  # tests wait more than they work; each process has an embedded AWS of its own

reference: $(VENV)/.ready ## write the pages that are generated from code: pipeline.yaml, coverage of the embedded AWS
	@$(BIN)/python -m gristmill.pipeline.reference > docs/pipeline-yaml.md
	@$(BIN)/python -m embedded_aws.coverage > docs/embedded-aws-coverage.md

LINKED := LICENSE batch_jobs/images/Containerfile gristmill/cost/prices.py  # what pages link to beside pages

docs: setup reference $(TOOLS)/docs/.ready ## the pages as a site in build/site, those made from the code among them
	@rm -rf build/docs build/site && mkdir -p build/docs
	@git ls-files -z '*.md' '*.png' $(LINKED) ':!tests' ':!.github' | xargs -0 tar -c | tar -x -C build/docs
	@$(BIN)/typer gristmill.cli.main utils docs --name gristmill --output build/docs/docs/command-line-reference.md
	@$(TOOLS)/docs/bin/zensical build --config-file mkdocs.yml --strict
	@$(BIN)/python -m pytest --quiet tests/site
	@echo "The site is in build/site."

$(TOOLS)/docs/.ready: requirements/docs.lock
	@echo "Setting up $(TOOLS)/docs: the generator of the site ..."
	@$(PYTHON) -m venv $(TOOLS)/docs
	@$(TOOLS)/docs/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@touch $@

lint: setup ## ruff, mypy, cfn-lint and the linting of the state machine
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/cfn-lint template.yaml
	$(BIN)/python -m pytest --quiet tests/unit/test_state_machine.py

test-runs: setup ## whole runs of every kind of file, stage, fault and change, through the deployed template
	$(BIN)/python -m pytest --quiet -n 2 --dist loadfile tests/runs

test-simulation: setup ## ten thousand histories on a virtual clock, under faults, and mutants that the laws must find
	$(BIN)/python -m pytest --quiet -n 2 --dist load tests/simulation

test-hostile: setup ## the embedded AWS where strangers, planted files, proxies, configuration and locale are against it
	$(BIN)/python -m pytest --quiet tests/hostile

wheel: setup ## the wheel and the source archive, in dist/
	@rm -rf dist && $(BIN)/python -m build --no-isolation > /dev/null && ls dist/*

test-wheel: setup ## the wheel, installed into an empty environment, from an empty folder
	$(BIN)/python -m pytest --quiet tests/wheel

test-sam: setup tools ## the by-hand way: sam build, deploy, update and delete with the stock command lines
	$(BIN)/python -m pytest --quiet tests/sam

test-docs: tools science mpi ## every command that the documents show, in a fresh checkout (some minutes)
	$(BIN)/python -m pytest --quiet -n 2 --dist load tests/documents

test-big: setup ## large and many: six gigabytes with 256 open files, 100,000 objects, a line of 200 MB, fifty files (a few minutes)
	$(BIN)/python -m pytest --quiet tests/big

test-containers: science mpi ## jobs in real containers on a bridge network; needs docker or podman, as root
	$(BIN)/python -m pytest --quiet tests/containers

test-browser: browser ## pages of others in a real Chromium reach nothing of the embedded AWS; CHROMIUM names the program
	$(BIN)/python -m pytest --quiet tests/browser

test-awsb: setup tools awsb ## the published awsb commands on the embedded AWS: awsbsub, awsbstat, awsbout, awsbqueues, awsbkill
	$(BIN)/python -m pytest --quiet tests/awsb

test-mpi: mpi ## multi-node jobs: every way to fail, with real processes as nodes, and the MPI pipelines
	$(BIN)/python -m pytest --quiet -n 2 --dist loadfile tests/mpi

test-faults: setup ## a tenth of all requests to the store fails, in every way they can
	$(BIN)/python -m pytest --quiet tests/endurance/test_faults.py

test-deaths: setup ## runs succeed while parts of the embedded AWS are killed, again and again, and its folders deleted
	$(BIN)/python -m pytest --quiet tests/endurance/test_replaced.py tests/endurance/test_dead_server.py tests/endurance/test_death.py

test-readers: setup ## thousands of odd files of each format: cut and compressed in any way, the same records or a refusal
	$(BIN)/python -m pytest --quiet tests/endurance/test_readers.py

test-mishaps: setup ## runs whose functions break or freeze, whose stack, connection or results are lost, or that were begun by hand
	$(BIN)/python -m pytest --quiet -n 2 --dist loadfile tests/mishaps

test-batches: setup ## batches of many items, stopped and resumed
	$(BIN)/python -m pytest --quiet tests/batches

test-soak: setup ## 200 small runs leave no process, thread, file handle or growing memory behind
	$(BIN)/python -m pytest --quiet tests/endurance/test_soak.py

bench: setup snakemake ## every benchmark, one after the other (about a quarter of an hour)
	@for one in split_scan payload_history strings_small strings_big; do \
	    echo "== benchmarks/$$one.py"; $(BIN)/python benchmarks/$$one.py || missed="$$missed $$one"; echo; done; \
	    [ -z "$$missed" ] || { echo "Targets were missed in:$$missed"; exit 1; }

test-science: science mpi ## the pipelines of scientists through the deployed template, and their numbers
	$(BIN)/python -m pytest --quiet tests/science

test-genomics: setup ## the pipeline variants, held against its tools on whole files; needs minimap2, samtools and bcftools
	$(BIN)/python -m pytest --quiet tests/genomics

lock: ## refresh the lock files (needs uv)
	$(foreach name,$(LOCKS),$(call COMPILE,$(name)))

clean: ## remove the environments and everything built
	rm -rf $(VENV) $(TOOLS) $(AWSB) .aws-sam .gristmill build dist
