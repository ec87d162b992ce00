PY := .venv/bin/python
SHELL := /bin/bash

.PHONY: demo test lint bench evals evals-model lab-verify setup lock clean corpus slow
demo: setup  ## set everything up and solve the project's own incident through MCP
	@$(PY) examples/demo.py

test: setup  ## set everything up and pass all tests
	@$(PY) -m pytest -n auto --dist worksteal -m "not slow"

lint: setup  ## the walls: style, types, imports, sizes
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports && $(PY) -m pytest -q -p no:cacheprovider tests/test_walls.py

bench: setup  ## ratios against tshark, tcpdump and celpy, in one run
	@$(PY) -m benchmarks

evals: setup  ## who finds the cause: truths, filters, routes, dangers, skills, and the baseline investigator; no key
	@$(PY) -m evals --out evals-report

evals-model: setup  ## the same asked of a model, with ANTHROPIC_API_KEY
	@$(PY) -m evals --model --out evals-report-model --resume

lab-verify: setup  ## prove the truth of every recorded incident with the real server and tshark
	@$(PY) -m evals.lab verify --jobs 2

skills: setup  ## write the skills and references from templates, registry and catalogue
	@$(PY) scripts/skills.py

rca-dry-run: setup  ## follow every skill step by step on the recorded incident, with no model
	@$(PY) scripts/rca_dry_run.py

clients: setup  ## check plugin, skills, prompts and manifests with the pinned real clients
	@bash scripts/install-clients.sh || echo "the real clients could not be installed: their checks skip and say so"
	@$(PY) -m pytest -q tests/clients

mcpb: setup  ## build the bundle for Claude Desktop in dist/
	@$(PY) scripts/bundle.py

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh

lock:  ## resolve anew
	@uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .demo demo-report.md demo.pcap evals-report evals-report-model
