# The two commands: `make run` does the whole job on demo songs, `make test` runs every check.
#
#   make run            set up, demo songs, the pipeline, a proposed edit; ends by naming the results
#   make run SONGS=all  the same with every demo song
#   make test           lint, tests, and the pipeline on tiny songs and on real recordings
#   make music          real recorded music (CC BY-SA) into data/reference, on Debian and without root
#   make test-s3        DVC against a real S3 server on loopback; installs about 200 packages more

SONGS ?= 10
CORES ?= $(shell nproc)
PYTHON ?= $(shell command -v python3.11 || command -v python3)

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/installed
# Snakemake and DVC start further commands by name, so the environment leads the path.
export PATH := $(BIN):$(PATH)
export PYTHONUNBUFFERED := 1
# Without compiled modules each of a run's hundred processes would compile PyTorch's anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test lint format unit music pipeline-on-music test-s3 lock clean

setup: $(INSTALLED)

# natten is built against the torch that is installed, hence after it and without isolation.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "editorbot needs Python 3.11, found $$($(PYTHON) --version): install it or pass PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	grep -v '^natten==' requirements.lock > $(VENV)/before-natten.txt
	$(BIN)/uv pip install --compile-bytecode --python $(BIN)/python --no-deps -r $(VENV)/before-natten.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation $$(grep '^natten==' requirements.lock)
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --editable .
	mkdir -p data/input data/desired_output data/reference
	touch $@

run: setup
	editorbot demo --songs $(SONGS)
	snakemake --cores $(CORES) all
	editorbot results

test: lint unit pipeline-on-music

lint: setup
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	snakemake --lint

format: setup
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

unit: setup
	pytest --durations=10

music: setup
	bash workflow/scripts/fetch_music.sh data/reference

# The whole pipeline on pairs made from real recordings, in a workspace of its own.
pipeline-on-music: music
	bash workflow/scripts/pipeline_on_music.sh build/music

# Two environments of their own, as one resolver cannot satisfy both.
test-s3: setup
	uv venv --quiet --allow-existing --python $(BIN)/python build/s3/dvc
	uv pip install --quiet --python build/s3/dvc/bin/python --no-deps -r requirements-s3.lock
	uv venv --quiet --allow-existing --python $(BIN)/python build/s3/moto
	uv pip install --quiet --python build/s3/moto/bin/python --no-deps -r requirements-moto.lock
	pytest tests/workflow/s3_remote.py

lock: setup
	uv pip compile --quiet --python-version 3.11 --extra dev --no-annotate --no-header --upgrade pyproject.toml -o requirements.lock

clean:
	rm -rf build results .snakemake
