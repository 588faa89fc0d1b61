"""Which calls count as errors, and lengths of time in short words."""

import pytest
from odoo.addons.finance_connector_base.core.delivery import health, outcomes
from odoo.addons.finance_connector_base.core.finding import Finding


def test_what_opens_the_breaker_counts_as_an_error_and_nothing_else_but_lost_calls():
    finding = Finding.of_provider("c", "m")
    every = (
        outcomes.Accepted("r"),
        outcomes.Waiting("r"),
        outcomes.Rejected((finding,)),
        outcomes.Duplicate(),
        outcomes.Transient("x"),
        outcomes.RateLimited("x"),
        outcomes.AuthFailed("x"),
        outcomes.Unknown("x"),
        outcomes.NotFound(),
        outcomes.ContractBroken("x"),
        outcomes.Permanent(finding),
    )
    failures = {outcome.code for outcome in every if outcomes.is_failure(outcome)}
    assert set(outcomes.CALL_ERRORS) == failures | {outcomes.LOST}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (12.4, "12 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (7_300, "2 h"),
        (200_000, "2 d"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_unit(seconds, words):
    assert health.short(seconds) == words


def test_a_share_of_nothing_is_nothing():
    assert health.share(0, 0) == 0.0
    assert health.share(1, 4) == 0.25
