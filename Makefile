# Two commands do all the set-up: `make demo` and `make test`. PYTHON names the interpreter (3.11 or newer).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BENCH_VENV ?= .bench-venv
BENCH := $(BENCH_VENV)/bin

.PHONY: demo ingest travel test fast thorough lint types twins check build bench bench-scaling bench-jobs bench-locks bench-audit bench-streams clean

demo: $(VENV)/demo.done
	PYTHONPATH=examples $(BIN)/python -m demo $(ARGS)

ingest: $(VENV)/demo.done
	PYTHONPATH=examples $(BIN)/python -m ingestion $(ARGS)

travel: $(VENV)/demo.done
	$(BIN)/python examples/update_travels.py

test: $(VENV)/dev.done
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

fast: $(VENV)/dev.done
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

thorough: $(VENV)/dev.done
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

lint: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python tools/twins.py --check

twins: $(VENV)/dev.done
	$(BIN)/python tools/twins.py

types: $(VENV)/dev.done
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

build: $(VENV)/dev.done
	$(BIN)/python -m build

check: test lint types

bench: $(BENCH_VENV)/bench.done
	$(BENCH)/python -m benchmarks run $(ARGS)

bench-scaling: $(BENCH_VENV)/bench.done
	$(BENCH)/python -m benchmarks scaling $(ARGS)

bench-jobs: $(BENCH_VENV)/bench.done
	$(BENCH)/python -m benchmarks jobs $(ARGS)

bench-locks: $(BENCH_VENV)/bench.done
	$(BENCH)/python -m benchmarks locks $(ARGS)

bench-audit: $(BENCH_VENV)/bench.done
	$(BENCH)/python -m benchmarks audit $(ARGS)

bench-streams: $(BENCH_VENV)/bench.done
	$(BENCH)/python -m benchmarks streams $(ARGS)

$(VENV)/demo.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[cli,local,moto,parquet]"
	touch $@

$(VENV)/dev.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@ $(VENV)/demo.done

$(BENCH_VENV)/bench.done: benchmarks/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH)/python -m pip install --quiet --requirement benchmarks/requirements.txt --editable ".[audit,local,parquet]"
	touch $@

clean:
	rm -rf $(VENV) $(BENCH_VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
