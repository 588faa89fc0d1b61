"""Back-off: full jitter within an exponential ceiling."""

import random

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_connector_base.core.delivery.retry import (
    BASE_SECONDS,
    CEILING_SECONDS,
    POLL_CEILING_SECONDS,
    backoff,
    poll_delay,
)
from odoo.addons.finance_connector_base.core.http.wire import parse_retry_after


@given(st.integers(1, 200), st.randoms(use_true_random=False))
def test_x8_backoff_stays_between_a_tenth_and_the_ceiling_of_its_attempt(attempt, rng):
    ceiling = min(CEILING_SECONDS, BASE_SECONDS * 2 ** min(attempt - 1, 20))
    assert ceiling * 0.1 <= backoff(attempt, rng) <= ceiling


def test_x8_delays_of_many_exchanges_are_spread():
    rng = random.Random(7)
    drawn = [backoff(8, rng) for _n in range(200)]
    assert max(drawn) > 4 * min(drawn)


def test_polling_slows_down_and_never_stops():
    delays = [poll_delay(polls, 3.0) for polls in range(100)]
    assert delays[0] == 3.0
    assert delays == sorted(delays)
    assert delays[-1] == 300.0


def test_retry_after_is_read_in_both_forms_of_the_standard():
    assert parse_retry_after("7") == 7.0
    assert parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert parse_retry_after("soon") is None
    assert parse_retry_after("") is None


def test_a_retry_after_is_bounded_whatever_the_provider_sends():
    for value in ("9999999999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"):
        assert parse_retry_after(value) == 3600.0
    for value in ("²", "-5", "1e9", "Fri, 31 Dec 99999999999999999999 23:59:59 GMT", "NaN"):
        assert parse_retry_after(value) is None


def test_a_verdict_that_takes_weeks_is_still_polled_at_the_ceiling():
    assert poll_delay(1_000_000, 5.0) == POLL_CEILING_SECONDS
