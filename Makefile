# make demo   set up everything and run the main job on the clip in demo/
# make live   set up everything and open the live mode's server on this machine
# make test   set up everything and run the tests
# make lint   ruff, ruff format, mypy
# make bench  the benchmarks that need nothing but the project
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: setup demo live test lint bench clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@sh demo/check_python.sh "$(PYTHON)"
	@echo "== setting up $(VENV): about 700 MB of packages, or 4 GB where PyTorch comes with CUDA =="
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -q -c constraints.txt "setuptools>=77" wheel
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt torch torchvision
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt --no-build-isolation -e ".[dev]"
	@touch $(READY)

demo: $(READY)
	$(BIN)/python demo/run.py

live: $(READY)
	$(BIN)/hearsight models pull
	$(BIN)/hearsight live

test: $(READY)
	$(BIN)/hearsight models pull
	$(BIN)/hearsight models pull faces
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests/bench

bench: $(READY)
	$(BIN)/python tests/bench/bench_channel.py
	$(BIN)/python tests/bench/bench_retrieval.py
	$(BIN)/python tests/bench/bench_ingest.py --minutes 3

clean:
	rm -rf $(VENV) build *.egg-info demo/out
