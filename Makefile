# Two commands matter: `make demo` and `make test`. Everything else is a part of them.
.PHONY: help demo test test-long bench lint tag lock clean install install-test
.DEFAULT_GOAL := help

help:  ## these lines
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

demo:  ## the demo shop on http://127.0.0.1:8000 (HABITUE_PORT changes it), with offers that follow each click
	@scripts/install demo
	@exec .venv/bin/habitue demo $(ARGS)

test:  ## everything that belongs in CI: linters, types, import rules, unit, integration, a real Chromium
	@scripts/system-packages
	@scripts/install dev
	@scripts/test

test-long:  ## the promises at their full size: kill tests, fuzzing, latency
	@scripts/system-packages
	@scripts/install dev
	@.venv/bin/pytest -m long --timeout 3600 $(ARGS)

bench:  ## one table: what a beacon, a batch and a decision cost, against nginx
	@scripts/system-packages nginx wrk
	@scripts/install dev
	@.venv/bin/python -m bench $(ARGS)

lint:  ## ruff, mypy --strict and the import rules
	@scripts/install dev
	@scripts/lint

tag:  ## build the tag into the collector's static folder
	@scripts/system-packages
	@scripts/js build

lock:  ## write the versions that are installed now to requirements.lock
	@scripts/lock

clean:  ## what can be made again; the data directory stays
	rm -rf .venv build dist js-snippet/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
