"""P1 to P8: the adapters keep the contract, by the conformance kit and their sandboxes."""

from dataclasses import replace

import pytest
from odoo.addons.finance_connector_base.core.conversation import Answer
from odoo.addons.finance_connector_base.tests.conformance import examine
from odoo.addons.finance_registry.core.hmrc import Hmrc
from odoo.addons.finance_registry.core.vies import Vies

from sandbox.client import ControlClient
from sandbox.server import SandboxThread

from .bad_adapter import DEFECTS, BadAdapter
from .subjects import (
    API_KEY,
    REFERENCE_OPERATIONS,
    afnor_subject,
    hmrc_subject,
    reference_subject,
    vies_subject,
)

pytestmark = pytest.mark.slow

REGISTRIES = {vies_subject: Vies, hmrc_subject: Hmrc}
PROPERTIES = {f"P{number}" for number in range(1, 9)}


@pytest.fixture(scope="module")
def control():
    with SandboxThread() as server, ControlClient(server.url) as made:
        yield made


def test_p8_the_reference_adapter_keeps_the_contract(control):
    assert [str(problem) for problem in examine(reference_subject(control))] == []


def test_p8_the_afnor_adapter_keeps_the_contract(control):
    assert [str(problem) for problem in examine(afnor_subject(control))] == []


@pytest.mark.parametrize("subject", [vies_subject, hmrc_subject])
def test_p8_the_registries_keep_the_contract(control, subject):
    assert [str(problem) for problem in examine(subject(control))] == []


@pytest.mark.parametrize("subject", [vies_subject, hmrc_subject])
def test_p8_a_registry_that_believes_an_error_page_is_found(control, subject):
    class Believing(REGISTRIES[subject]):
        def query(self, operation, payload, context):
            answer = yield from super().query(operation, payload, context)
            return answer if isinstance(answer, Answer) else Answer("invalid")

    found = examine(subject(control, Believing))
    assert any(problem.property == "P7" for problem in found), [str(item) for item in found]


def test_p8_there_are_defects_enough():
    assert len(DEFECTS) >= 15


@pytest.mark.parametrize("defect", DEFECTS)
def test_p8_each_defect_is_found_and_named(control, defect):
    where, code = DEFECTS[defect]
    problems = examine(bad_subject(control, defect, where))
    found = [problem for problem in problems if problem.code == code]
    assert found, [str(problem) for problem in problems]
    assert all(problem.property in PROPERTIES and problem.text for problem in found)


def bad_subject(control, defect, where):
    """Return the bad adapter, narrowed to where the defect shows."""
    url = f"{control.url}/reference"

    def operation(name):
        found = next(item for item in REFERENCE_OPERATIONS if item.name == name)
        honours = defect == "declares a key the provider does not honour"
        return replace(found, repeat="key") if honours else found

    narrowed = () if where in ("query", "feed") else (operation(where),)
    more = {} if where == "query" else {"queries": {}}
    more |= {} if where == "feed" else {"fill": {}}
    return reference_subject(
        control,
        lambda: BadAdapter(url, API_KEY, account="reference", defect=defect),
        narrowed,
        **more,
    )
