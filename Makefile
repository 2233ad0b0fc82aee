# Everything a visitor can do here. Each target does its own set-up: Rust, a C compiler, make and
# Python >= 3.9 are all that it needs. What it gets or builds goes to a cache outside the tree.
# ONLY=cp313,pypy39 restricts demo, test and bench to some interpreters; JOBS=2 tests two of them
# at a time.

PYTHON ?= python3
ONLY ?=
JOBS ?= 1
MATRIX = $(PYTHON) ci/matrix.py $(if $(ONLY),--only $(ONLY))

.DEFAULT_GOAL := help
.PHONY: help demo test bench wheel check docs interpreters

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo:  ## run examples/stdlib_census.py on every interpreter, with one and the same wheel
	$(MATRIX) --run examples/stdlib_census.py

test:  ## run the test suite on every interpreter, with one and the same wheel
	$(MATRIX) --jobs $(JOBS)

bench:  ## compare with ThreadPoolExecutor on every interpreter
	$(MATRIX) --run benches/run.py
	$(PYTHON) benches/table.py

wheel:  ## build the wheel into dist/ and check what it promises
	$(PYTHON) ci/wheel.py

check:  ## formatters, linters and the house rules
	$(PYTHON) ci/check.py

docs:  ## build the documentation as a site, into target/site
	$(PYTHON) ci/docs.py

interpreters:  ## get the interpreters that this machine lacks, and list all
	$(PYTHON) ci/interpreters.py get
