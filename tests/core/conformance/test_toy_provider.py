"""The page that explains how to write a provider is complete and works."""

import importlib.util
import itertools
import re
from pathlib import Path

import pytest
from odoo.addons.finance_connector_base.core.delivery.outcomes import Accepted, Rejected
from odoo.addons.finance_connector_base.core.protocol import Batch, Call, Operation
from odoo.addons.finance_connector_base.tests.conformance import Subject, examine
from odoo.addons.finance_connector_letterbox.core.letterbox import Letterbox

from .subjects import transport

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[3]
ADDON = PROJECT / "tests/addons/finance_connector_letterbox"
PAGE = (PROJECT / "docs/writing-a-provider.md").read_text()
BLOCKS = dict(re.findall(r"```python\n# (\S+\.py)\n(.*?)\n```", PAGE, re.DOTALL))
EMPTY = {"core/__init__.py"}


def _server():
    spec = importlib.util.spec_from_file_location("letterbox", ADDON / "tests/letterbox_server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_every_file_of_the_toy_addon():
    files = {str(path.relative_to(ADDON)) for path in ADDON.rglob("*.py")}
    assert set(BLOCKS) == files - EMPTY


@pytest.mark.parametrize("name", BLOCKS)
def test_what_the_page_shows_is_what_is_tested(name):
    assert (ADDON / name).read_text().rstrip() == BLOCKS[name]


def test_the_toy_built_from_the_page_keeps_the_contract():
    written, server = {}, _server()
    exec(compile(BLOCKS["core/letterbox.py"], "page", "exec"), written)
    with server.LetterboxServer() as box:
        assert _problems(box, written["Letterbox"]) == []


def test_the_kit_names_what_the_page_promises():
    class Careless(Letterbox):
        def interpret(self, step, call, response):
            from odoo.addons.finance_connector_base.core.delivery.outcomes import NotFound

            return NotFound() if response.status == 404 else super().interpret(step, call, response)

    with _server().LetterboxServer() as box:
        problems = _problems(box, Careless)
    assert any("letter lookup: HTTP 404 with an HTML page" in problem for problem in problems)


def test_a_rejection_that_a_poll_brings_is_examined():
    class Forgetful(Letterbox):
        def interpret(self, step, call, response):
            outcome = super().interpret(step, call, response)
            return Accepted(outcome.reference) if isinstance(outcome, Rejected) else outcome

    with _server().LetterboxServer() as box:
        problems = _problems(box, Forgetful)
    assert [problem.split(":")[0] for problem in problems] == ["P4 rejection_lost"]


def test_an_exception_of_the_adapter_is_named_with_its_line():
    class Failing(Letterbox):
        def interpret(self, step, call, response):
            raise KeyError("letter")

    with _server().LetterboxServer() as box:
        problems = _problems(box, Failing)
    line = Failing.interpret.__code__.co_firstlineno + 1
    assert any(f"KeyError in {Path(__file__).name}, line {line}" in text for text in problems)


def _problems(box, protocol):
    numbers = itertools.count(1)

    def letter(operation):
        number = next(numbers)
        return Call(operation, f"letter-{number}", b"Dear %d" % number)

    def fill():
        for number in range(12):
            box.report(f"L-{number}", "delivered")
        return {status["id"] for status in box.statuses}

    def restore():
        box.refused.clear()
        box.omitted.clear()

    subject = Subject(
        protocol=lambda: protocol(box.url, "letterbox-key"),
        transport=transport,
        operations=(Operation("letter", repeat="lookup", batch=Batch(max_items=10)),),
        call=letter,
        effects=lambda call: box.posted.get(call.key, 0),
        reference=lambda call: box.letters.get(call.key, {}).get("letter", ""),
        secrets=("letterbox-key",),
        other=lambda call: Call(call.operation, call.key, b"Somebody else's letter"),
        omit=box.omitted.update,
        reject=lambda call: box.refused.add(call.key),
        fill={"statuses": fill},
        queries={"number": {"number": "12"}},
        restore=restore,
    )
    return [str(problem) for problem in examine(subject)]
