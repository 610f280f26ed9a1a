# Everything runs in .venv; nothing but Python 3.11 or newer and make is needed to begin with.
PYTHON ?= python3
PORT ?= 8000
SANDBOX_PORT ?= 8100
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint types docs messages matrix clean

help:  ## Say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

demo: $(VENV)/.app  ## Serve the example project on 127.0.0.1:$(PORT); VENDOR=kaleyra sends through a vendor's sandbox
	@$(BIN)/python example_project/manage.py migrate --verbosity 0
ifndef VENDOR
	@echo "Open http://127.0.0.1:$(PORT)/ - stop with Ctrl-C."
	@$(BIN)/python example_project/manage.py runserver 127.0.0.1:$(PORT)
else
	@echo "Open http://127.0.0.1:$(PORT)/ and the sandbox, http://127.0.0.1:$(SANDBOX_PORT)/ - stop with Ctrl-C."
	@export VENDOR=$(VENDOR) SANDBOX_PORT=$(SANDBOX_PORT); \
	$(BIN)/python example_project/manage.py vendorsandbox --port $(SANDBOX_PORT) \
	  --receipts-to 'http://127.0.0.1:$(PORT)/phone/webhooks/{alias}/{secret}/' & sandbox=$$!; \
	trap 'kill $$sandbox 2>/dev/null; wait $$sandbox' EXIT; \
	trap 'exit 130' INT; trap 'exit 143' TERM; \
	$(BIN)/python example_project/manage.py runserver 127.0.0.1:$(PORT)
endif

# Tracing doubles the time of a test. These run without it: they try the whole from outside, and what they
# reach has tests of its own, which must cover every branch by themselves.
OUTSIDE := tests/attacks tests/example tests/html/browser tests/html/test_in_a_browser.py tests/test_docs_pages.py \
  tests/test_docs_site.py

test: $(VENV)/.test  ## Run the whole test suite, with coverage
	$(BIN)/python -m pytest $(OUTSIDE)
	$(BIN)/coverage run -m pytest $(addprefix --ignore=,$(OUTSIDE))
	$(BIN)/coverage report

lint: $(VENV)/.dev  ## Check style and templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --check --lint django_phone_otp example_project

types: $(VENV)/.dev  ## Check types and import contracts
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## Build the documentation into docs/_build
	$(BIN)/sphinx-build -W -n -b html docs docs/_build

messages: $(VENV)/.app  ## Bring the catalogs up to date with the code, and compile them; needs gettext
	cd django_phone_otp && for language in locale/*; do set -- "$$@" -l "$${language#locale/}"; done && \
	  ../$(BIN)/django-admin makemessages --no-location --no-obsolete "$$@" && ../$(BIN)/django-admin compilemessages

matrix: $(VENV)/.dev  ## Run the suite on every Python and Django that is here
	$(BIN)/tox

clean:  ## Remove the virtual environment and what was built
	rm -rf $(VENV) build dist docs/_build .tox .coverage

# pip learned to read dependency groups in 25.1, so it is brought up to date first.
$(VENV)/.app: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.app
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@
