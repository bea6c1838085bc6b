# Everything runs in .venv, which the first target makes. `make` alone lists the targets.
PYTHON ?= python3
BIN := .venv/bin
GENERATOR ?= mkdocs
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help site test test-fast check screenshots serve links fix cover bench gpu audit vet clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 12

site: .venv/ready  ## all generated files, and the website in both languages; PUBLISH=1 insists on its addresses
	@$(BIN)/surveykit build $(if $(PUBLISH),--publish)
	@rm -rf build/next build/next-zh
	@$(MAKE) --no-print-directory -j2 build/next build/next-zh
	@rm -rf build/site && mv build/next-zh build/next/zh && mv build/next build/site
	@echo "open build/site/index.html or build/site/zh/index.html"

# Side by side in folders of their own: MkDocs empties its target first, and the old site stays whole until both are done.
# Never add -q: it turns --strict off. GENERATOR=properdocs is the trial of docs/after-material.md.
build/next:
	@$(BIN)/$(GENERATOR) build --strict -f mkdocs.yml -d $(abspath $@)
build/next-zh:
	@$(BIN)/$(GENERATOR) build --strict -f site/mkdocs.zh.yml -d $(abspath $@)

test: .venv/ready .venv/impls  ## all tests
	$(BIN)/pytest -n 2 $(ARGS)

# What takes long by its nature; `make test` runs it.
SLOW := $(addprefix tests/,reference_impls site fuzz hostile reliability links test_linear.py render/test_bibtex_oracles.py \
  sources/test_whole_catalog.py test_cli.py test_memory.py test_nearest.py test_gpu_page.py test_names.py)
test-fast: .venv/ready .venv/impls  ## the quick loop: what needs no browser, no training and no server
	$(BIN)/pytest -n 2 $(SLOW:%=--ignore %) $(ARGS)

check: .venv/ready .venv/impls  ## entries, stale files, style, types: what a change must pass before the tests
	$(BIN)/surveykit validate
	$(BIN)/surveykit fmt --check
	$(BIN)/surveykit build --check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

screenshots: site  ## pictures of the site in build/screenshots; ARGS=--readme makes those of the READMEs
	@$(BIN)/python -m tests.site.screenshots $(ARGS)

serve: .venv/ready  ## the website while you edit; LANGUAGE=zh for Chinese
	$(BIN)/surveykit serve --lang $(or $(LANGUAGE),en)

links: .venv/ready  ## the addresses in the catalog
	$(BIN)/surveykit check-links

fix: .venv/ready  ## what can be repaired without a decision: style, generated files
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/surveykit fmt
	$(BIN)/surveykit build

cover: .venv/ready .venv/impls  ## what the tests reach, statements and branches: docs/reliability.md
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[prove]'
	@rm -rf build/cover && mkdir -p build/cover
	$(BIN)/coverage run -m pytest -n 2 $(ARGS)
	$(BIN)/coverage combine -q && $(BIN)/coverage json -q -i -o build/cover/all.json
	$(BIN)/python -m tests.reliability.covered build/cover/all.json

bench: .venv/ready  ## the figures that are promised, measured here
	PYTHONPATH=. $(BIN)/python benchmarks/run.py

gpu: .venv/ready .venv/impls  ## every method on a GPU, beside the CPU's answer: docs/gpu.md; without a GPU it says so
	PYTHONPATH=. $(BIN)/python benchmarks/gpu.py

audit: site build/npm/ready  ## HTML checker, axe and Lighthouse over the built site; needs npm, Java and Chromium
	$(BIN)/python benchmarks/audit.py html
	$(BIN)/python benchmarks/audit.py axe
	$(BIN)/python benchmarks/audit.py lighthouse

LICENSES := MIT;MIT-0;MIT-CMU;BSD;0BSD;Apache;ISC;PSF;Python Software Foundation;Mozilla Public License;MPL-2.0;Zlib
# LGPL, only imported by a method; two whose metadata name none: MIT and BSD-3-Clause, as their repositories say.
JUDGED := fickling axe-playwright-python httpx-aiohttp
# Lines that look like secrets: names of users in addresses that must be refused, a title, long names of tests.
INVENTED := user:[a-z]+@|the secret of the machine|SecretGen|"a key"|def test_
vet: .venv/impls  ## known vulnerabilities, secrets in the files, licences of what is installed; needs the network
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[vet]'
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --progress-spinner off
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --exclude-lines '$(INVENTED)' \
	  --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString
	@mkdir -p build
	$(BIN)/pip-licenses --from=mixed --format=markdown --with-urls --partial-match --allow-only='$(LICENSES)' \
	  --ignore-packages surveykit $(JUDGED) --output-file=build/licences.md

build/npm/ready: benchmarks/package.json
	@mkdir -p build/npm && cp benchmarks/package.json build/npm/
	npm install --prefix build/npm --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

clean:  ## whatever was made, the environment too
	rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	  $(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# What the methods need is half a gigabyte, so the site does without. After it,
# `.venv/bin/python -m reference_impls.decree run` runs.
.venv/impls: .venv/ready
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	  $(BIN)/pip install --quiet --disable-pip-version-check -e '.[impls,zoo,cluster,hf,scan,convert]'
	@touch $@
