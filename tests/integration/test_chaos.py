"""A short run with faults: whatever is killed, cut or crashed, each document is held exactly once.

`make chaos` plays longer ones; docs/chaos.md says what is done and how to read the table.
"""

import pytest

from tools.chaos.checks import held_twice
from tools.chaos.command import perform
from tools.chaos.plan import Plan

EXCHANGES = 250
SEED = 7
#: On a busy machine the rest is delivered in the recovery after it.
FAULT_SECONDS = 40

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def ours():
    """What a short run with the product's dispatcher found."""
    return perform(Plan(SEED, EXCHANGES), fault_seconds=FAULT_SECONDS)


def test_every_invariant_holds(ours):
    assert {item.check.name: item.faults for item in ours if not item.holds} == {}
    assert len(ours) > 10


def test_the_naive_dispatcher_is_found_out():
    """The same faults make one record, one call, one commit send twice: the harness sees what it looks for."""
    findings = perform(Plan(SEED, EXCHANGES, "naive"), fault_seconds=FAULT_SECONDS)
    twice = {item.check.find: item.faults for item in findings}[held_twice]
    assert twice
