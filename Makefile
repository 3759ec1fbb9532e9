# `make run` and `make test` do all set-up on a fresh Debian machine; each stamp in .build/ makes the second time quick.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .build
# Test processes side by side; on a CouchDB that all would share it must be 0.
AT_ONCE ?= $(if $(XUNGE_TEST_COUCHDB_URL),0,2)
# A file at a time, in the order that `tests/conftest.py` gives them.
PYTEST := $(BIN)/python -m pytest -n $(AT_ONCE) --dist loadfile --no-loadscope-reorder

# Python keeps what it has compiled, whatever the environment says: dozens of processes start from the same files.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-faults bench check build setup clean

run: setup build
	XUNGE_DEMO=1 $(BIN)/xunge run

# Browsers go first and by themselves: beside tests that keep the disk busy they have waited more than a minute.
test: setup $(STAMPS)/browser build check
	$(PYTEST) -m "e2e and not long"
	$(PYTEST) -m "not e2e and not long"
	cd pwa && npm test --silent

test-faults: setup build
	$(BIN)/python -m pytest -m faults -s

bench: setup build
	for file in tests/bench/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd pwa && npm run --silent check

setup: $(STAMPS)/python $(STAMPS)/node

build: setup
	@$(BIN)/python -m server.domain.export pwa/generated/domain.json
	@cd pwa && npm run --silent build

# Debian packages: installed when root, named plainly when not.
$(STAMPS)/system: tests/packages.sh
	@mkdir -p $(STAMPS)
	sh tests/packages.sh base
	@touch $@

$(STAMPS)/browser: tests/packages.sh
	@mkdir -p $(STAMPS)
	sh tests/packages.sh browser
	@touch $@

$(STAMPS)/python: $(STAMPS)/system tests/requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/node: $(STAMPS)/system pwa/package-lock.json
	cd pwa && npm ci --silent --no-audit --no-fund
	@touch $@

clean:
	rm -rf $(STAMPS) $(VENV) pwa/node_modules pwa/dist pwa/generated
