# `make demo` and `make test` set up everything they need in $(VENV).
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed

.PHONY: demo test bench schemas clean

demo: $(INSTALLED)
	$(BIN)/python -m examples.digits

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -n 2 --dist worksteal

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.real_sets

schemas: $(INSTALLED)
	$(BIN)/python -m curate.pipeline.schema schemas/pipeline.schema.json
	$(BIN)/python -m curate.report.schema schemas/report.schema.json

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,test]'
	touch $@

clean:
	rm -rf $(VENV) demo-data curated build *.egg-info .pytest_cache .ruff_cache
