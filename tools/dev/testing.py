"""Pytest plugin of the integration and browser tests: a running installation, and a browser to look at it.

Loaded by `tests/pytest.ini`; nothing is started before a test asks for a fixture.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from . import chromium, databases, odoo_run
from .errors import Problem
from .stack import Ports, Stack, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# `make test-all` gives the property-based tests more time; those that name their own number of examples keep it.
settings.register_profile("long", max_examples=1000, deadline=None)
if os.environ.get("FINANCE_FUZZ"):
    settings.load_profile("long")


@pytest.fixture(scope="session")
def runtime() -> Iterator[odoo_run.Runtime]:
    """Odoo and PostgreSQL, for tests that make databases of their own."""
    with odoo_run.ready() as ready:
        databases.drop_abandoned(ready)
        yield ready


@pytest.fixture(scope="session")
def stack(runtime: odoo_run.Runtime) -> Iterator[Stack]:
    """Provide the sample company on a running server, with the sandbox of providers; shared by a whole run."""
    database = databases.test_database("stack")
    try:
        with running(runtime, database, Ports.free()) as started:
            yield started
    finally:
        databases.drop(runtime, database)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Provide a headless Chromium."""
    # Imported here: playwright starts a helper process, which other tests need not wait for.
    from playwright.sync_api import sync_playwright

    try:
        program = chromium.ensure()
    except Problem as problem:
        pytest.skip(str(problem))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(program), args=chromium.QUIET)
        yield started
        started.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """Provide a fresh page without cookies; English, and a window as wide as a laptop's."""
    context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()
