# `make demo` and `make test` set up everything they need in $(VENV).
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed

.PHONY: demo test test-vision bench schemas docs clean

demo: $(INSTALLED)
	$(BIN)/python -m examples.digits

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -n 2 --dist worksteal

# Encoders of timm and open_clip. torchvision wants CUDA libraries and breaks transformers beside a CPU torch: so it gets an
# environment of its own that borrows the rest.
test-vision: $(INSTALLED)
	$(PYTHON) -m venv $(VENV)-vision
	$(BIN)/python -c "import site; print(site.getsitepackages()[0])" > $$($(VENV)-vision/bin/python -c "import site; print(site.getsitepackages()[0])")/borrowed.pth
	$(VENV)-vision/bin/python -m pip install --quiet --no-deps timm open-clip-torch torchvision==0.28.0 wcwidth
	$(VENV)-vision/bin/python -m pytest -n 0 tests/evidence/test_vision_models.py

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.every

schemas: $(INSTALLED)
	$(BIN)/python -m curate.pipeline.schema schemas/pipeline.schema.json
	$(BIN)/python -c "from curate.report.model import write_schema as w; w('schemas/report.schema.json')"

docs: $(INSTALLED)
	$(BIN)/python -m curate.pipeline.reference docs/steps.md

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,test]'
	touch $@

clean:
	rm -rf $(VENV) demo-data curated build *.egg-info .pytest_cache .ruff_cache
