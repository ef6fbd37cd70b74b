VENV_TEST := .venv-test
PIP := pip -q --disable-pip-version-check
MAKEFLAGS += --no-print-directory

.PHONY: dev

SITE = $(shell $(VENV_TEST)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# The project editable in .venv-test: installed once, then only the C parts are built again.
dev: $(VENV_TEST)/.editable
	@$(VENV_TEST)/bin/cmake --build build/editable >build/dev.log 2>&1 || { cat build/dev.log; exit 1; }
	@$(VENV_TEST)/bin/cmake --install build/editable --prefix $(SITE) >>build/dev.log

$(VENV_TEST)/.editable: pyproject.toml native/CMakeLists.txt
	@$(VENV_TEST)/bin/$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@
