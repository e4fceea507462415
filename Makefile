# make demo: which cameras and which model for the quickstart store?   make test: all tests but the longest notebooks
# make lint, make notebooks (runs all of them), make bench (all benchmarks), make regression (against this device's baseline), make data / make train (the shipped weights again)

# Python 3.11: pybullet's wheels end there. A pyenv shim may be on the path and not work: try each.
PYTHON := $(shell for p in python3.11 python3 $$HOME/.pyenv/versions/3.11*/bin/python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null \
	&& command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test notebooks lint bench regression data train clean

demo: $(VENV)/.demo
	$(BIN)/shelfbench run experiment=quickstart

test: $(VENV)/.test lint
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not long"

notebooks: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 tests/test_notebooks.py

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest bench/regression

# Processor time: other programs on the machine stretch it less than the clock. Exit status 3: nothing to compare with.
regression: $(VENV)/.test
	@mkdir -p outputs
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q $(patsubst %,bench/regression/test_%.py,reading rendering planning) \
		--benchmark-timer=time.process_time --benchmark-json=outputs/regression.json
	$(BIN)/python -m bench.regression judge outputs/regression.json

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 is needed and was not found; get it with 'apt install python3.11 python3.11-venv' (Debian 12), 'uv python install 3.11' or pyenv"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: $(PYTHON) cannot make a virtual environment; get it with 'apt install python3.11-venv'"; exit 2; }

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing into $(VENV) (a few minutes, once)"
	@$(PIP) -e '.[cpu,sim,bench]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@$(PIP) -e '.[cpu,sim,bench,serve,cluster,dev]'
	@touch $@

# Weights are made in an environment of their own: torch and ultralytics are large, and nothing else needs them.
.venv-train/.done: pyproject.toml constraints.txt $(VENV)/bin/python
	@$(PYTHON) -m venv .venv-train
	@.venv-train/bin/python -m pip install --quiet -c constraints.txt -e '.[cpu,sim,bench,train,dev]'
	@touch $@

data: $(VENV)/.test
	$(BIN)/shelfbench dataset

train: .venv-train/.done data
	for name in yolo11n yolo26n embed; do .venv-train/bin/shelfbench train training=$$name || exit 1; done

clean:
	rm -rf $(VENV) .venv-train build *.egg-info
