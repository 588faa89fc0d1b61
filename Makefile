# Every target is a command of `python3 -m tools.dev`; ARGS are handed on, e.g. make test ARGS="odoo -- -k seal".
PYTHON ?= python3
ARGS ?=
COMMANDS = provision bench bench-audit bench-exchange chaos demo journey screenshots shell test test-core lint i18n clean-cache

.DEFAULT_GOAL := help
.PHONY: help $(COMMANDS)

help:
	@$(PYTHON) -m tools.dev --help

$(COMMANDS):
	@$(PYTHON) -m tools.dev $@ $(ARGS)
