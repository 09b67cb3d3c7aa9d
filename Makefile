# Two commands for a fresh clone: `make demo` and `make test`. Each sets up .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
BACKENDS := tensorflow jax torch
# Several test processes share the machine: each gets one thread, or they fight over the cores.
TEST_ENV := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1

.PHONY: help demo test lint format schema docs clean $(addprefix test-,$(BACKENDS) plain)

help:
	@echo "make demo    set up, train the CNN on handwritten digits, log it to mlruns/"
	@echo "make test    set up, run all tests on TensorFlow, JAX and PyTorch"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make format  ruff format and import order"
	@echo "make schema  write kpipe.schema.json, the JSON Schema that editors use"
	@echo "make docs    build the site into build/site, warnings are errors"
	@echo "make clean   remove .venv and caches (mlruns/ stays)"

.venv/bin/python:
	$(PYTHON) -m venv .venv || ($(PYTHON) -m pip install --quiet virtualenv && $(PYTHON) -m virtualenv --quiet --clear .venv)

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "setting up .venv, some minutes the first time"
	@$(INSTALL) --editable .
	@touch $@

.venv/installed-all: .venv/bin/python pyproject.toml constraints.txt
	@echo "setting up .venv with all three backends, some minutes the first time"
	@$(INSTALL) --editable '.[all,dev]'
	@touch $@ .venv/installed

demo: .venv/installed
	@$(BIN)/kpipe run pipelines/cnn_gap.yaml

test: .venv/installed-all
	@$(MAKE) --no-print-directory --output-sync=target --keep-going --jobs=2 $(addprefix test-,plain $(BACKENDS))

test-plain: .venv/installed-all
	@echo "== tests that need no backend"; $(TEST_ENV) $(BIN)/python -m pytest -m "not backend"

$(addprefix test-,$(BACKENDS)): test-%: .venv/installed-all
	@echo "== tests on $*"; KERAS_BACKEND=$* $(TEST_ENV) $(BIN)/python -m pytest -m backend

lint: .venv/installed-all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: .venv/installed
	$(BIN)/kpipe schema > kpipe.schema.json

docs: .venv/installed-all
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open build/site/index.html, or, to search in it too: $(PYTHON) -m http.server --directory build/site"

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
