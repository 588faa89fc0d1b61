"""People at their screens, the sandbox's rules of one test, and a picture of the screen when a test fails."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from sandbox.client import ControlClient
from tools.dev.paths import PROJECT

sys.path.insert(0, str(Path(__file__).parent))

from customers import RecordFactory
from pages import PATIENCE, InvoiceForm, WebClient

FAILURES = PROJECT / "screenshots" / "failures"

expect.set_options(timeout=PATIENCE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep what was on the screen when a test failed."""
    report = yield
    page = item.funcargs.get("page") if call.when != "teardown" else None
    if page and report.failed:
        FAILURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=FAILURES / f"{item.name}.png")
    return report


@pytest.fixture(scope="session")
def sessions():
    """Cookies by role: each person logs in once in a run."""
    return {}


@pytest.fixture(scope="session")
def records(stack):
    return RecordFactory(stack)


@pytest.fixture
def accountant(page, stack, sessions):
    return InvoiceForm(page, stack.url, sessions).log_in("accountant")


@pytest.fixture
def person(page, stack, sessions):
    """Anybody: ``person("auditor")`` is the auditor at the screen."""
    return lambda role: WebClient(page, stack.url, sessions).log_in(role)


@pytest.fixture
def control(stack):
    """Provide the sandbox; rules that a test adds are removed afterwards."""
    with ControlClient(stack.sandbox_url) as client:
        yield client


@pytest.fixture
def reject(control):
    """Let the platform reject the next invoice to a buyer, for the given reason."""
    rules = []

    def rule(siren, reason):
        rules.append(
            control.verdict("reject", provider="afnor", buyer=siren, reasons=[reason], times=1)
        )

    yield rule
    for made in rules:
        control.remove_verdict(made)


@pytest.fixture
def lose_answer(control):
    """Let the answer to the next submission that names a SIREN get lost after the platform took it."""
    faults = []

    def fault(siren):
        faults.append(
            control.fault("drop_after", provider="afnor", operation="createFlow", text=siren)
        )

    yield fault
    for made in faults:
        control.remove_fault(made)
