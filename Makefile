# Every target is a command of `python3 -m tools.dev`; ARGS are handed on, e.g. make test ARGS="odoo -- -k seal".
PYTHON ?= python3
ARGS ?=
COMMANDS = provision bench bench-audit bench-exchange chaos demo journey odoo screenshots shell test test-fast test-all \
	coverage lint i18n i18n-check lock clean-cache

.DEFAULT_GOAL := help
.PHONY: help $(COMMANDS)

help:
	@$(PYTHON) -m tools.dev --help

$(COMMANDS):
	@$(PYTHON) -m tools.dev $@ $(ARGS)
