# make venv   the locked install alone, into .venv
# make demo   the page, on the embedded models; prints its address
# make test   the locked install with the test extras, then the whole suite
# make train  both models fine-tuned from the embedded ones on data/, scored, cards written
# make lint   ruff and mypy
# make lock   the lock files anew, from pyproject.toml

PYTHON ?= python3
BIN := .venv/bin
HOST ?= 127.0.0.1
PORT ?= 7860

.PHONY: venv venv-test demo test train lint lock clean

venv: .venv/installed
venv-test: .venv/installed-test

# torch is pinned to one exact version in the lock; see the README for the CPU build on Linux.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hadath needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# AraBERT's own package comes without its Java and emoji pins: it is only the reference that ours is compared with.
.venv/installed-test: .venv/installed requirements-test.lock requirements-arabert.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-arabert.lock
	touch $@

demo: venv
	$(BIN)/python serve.py --host $(HOST) --port $(PORT)

test: venv-test
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: venv-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

train: venv
	$(BIN)/python -m train answers configs/answers-small.yaml
	$(BIN)/python -m train events configs/events-small.yaml
	$(BIN)/python -m train score answers runs/answers data/authored/test.jsonl --train data/authored/train.jsonl --dev data/authored/dev.jsonl --output runs/answers-score
	$(BIN)/python -m train score events runs/events data/authored/test.jsonl --train data/authored/train.jsonl --output runs/events-score
	$(BIN)/python -m train card runs/answers runs/answers-score --output runs/cards/answers.md
	$(BIN)/python -m train card runs/events runs/events-score --output runs/cards/events.md

lock:
	$(PYTHON) -m venv .lock && .lock/bin/python -m pip install --quiet pip-tools
	echo "torch==2.13.0" > .lock/constraints.txt
	.lock/bin/pip-compile -q --strip-extras --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links --no-emit-options -c .lock/constraints.txt --extra train --extra page -o .lock/main.txt pyproject.toml
	.lock/bin/pip-compile -q --strip-extras --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links --no-emit-options -c .lock/main.txt --extra train --extra page --extra test -o .lock/test.txt pyproject.toml
	sed 's/+cpu$$//; s#\.lock/##' .lock/main.txt > requirements.lock
	sed 's/+cpu$$//; s#\.lock/##' .lock/test.txt > requirements-test.lock
	rm -rf .lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
