"""Breaker, bucket and fairness: the arithmetic that all workers share (X9, X11)."""

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_connector_base.core.delivery import throttle as throttles
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    Unknown,
    Waiting,
    is_failure,
)
from odoo.addons.finance_connector_base.core.delivery.throttle import (
    Breaker,
    Bucket,
    SlowStart,
    Throttle,
)

NOW = 1_000_000.0


def after(breaker, *failures, now=NOW):
    for failed in failures:
        breaker = breaker.called(failed, now)
    return breaker


def test_x9_failures_in_a_row_open_the_breaker_and_a_success_starts_the_count_anew():
    assert after(Breaker(threshold=3), True, True).state == throttles.CLOSED
    assert after(Breaker(threshold=3), True, True, False, True, True).state == throttles.CLOSED
    assert after(Breaker(threshold=3), True, True, True).state == throttles.OPEN


def test_x9_an_open_breaker_lets_nothing_through_and_a_half_open_one_lets_one():
    opened = after(Breaker(threshold=1), True)
    assert opened.admits(0, 50) == 0
    half = opened.probed(True, NOW)
    assert half.admits(0, 50) == 1
    assert half.admits(1, 50) == 0
    assert half.called(False, NOW).admits(0, 50) == 50


def test_x9_each_failed_probe_doubles_the_pause_up_to_the_ceiling():
    current = after(Breaker(threshold=1, base_seconds=10), True)
    pauses = []
    for _probe in range(8):
        pauses.append(current.until - NOW)
        current = current.probed(False, NOW)
    assert pauses == [10, 20, 40, 80, 160, 300, 300, 300]


def test_x9_a_failed_trial_opens_again_for_longer_and_success_forgets_all():
    opened = after(Breaker(threshold=2, base_seconds=10), True, True)
    again = opened.probed(True, NOW).called(True, NOW)
    assert (again.state, again.until - NOW) == (throttles.OPEN, 20)
    healed = again.probed(True, NOW).called(False, NOW)
    assert healed == Breaker(threshold=2, base_seconds=10)


def test_x9_late_answers_do_not_close_an_open_breaker():
    opened = after(Breaker(threshold=1), True)
    assert opened.called(False, NOW) == opened
    assert opened.called(True, NOW + 5) == opened


def test_x9_a_provider_that_answers_is_not_away():
    for outcome in (Accepted("1"), Waiting("1"), Rejected(()), RateLimited("r"), NotFound()):
        assert not is_failure(outcome)
    for outcome in (Transient("t"), Unknown("u"), ContractBroken("c"), AuthFailed("a")):
        assert is_failure(outcome)


@given(
    rate=st.floats(0.1, 100),
    burst=st.integers(1, 20),
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=60),
)
def test_x9_a_bucket_never_lets_more_through_than_burst_plus_rate_times_time(rate, burst, gaps):
    bucket, now, passed = Bucket(rate, burst, burst, NOW), NOW, 0
    for gap in gaps:
        now += gap
        bucket = bucket.refilled(now)
        calls = bucket.room()
        bucket, passed = bucket.taken(calls), passed + calls
        assert passed <= burst + rate * (now - NOW) + 1e-6


def test_x9_a_clock_that_runs_backwards_adds_nothing():
    bucket = Bucket(10, 5, 1.0, NOW)
    assert bucket.refilled(NOW - 100) == bucket


def throttle(**values):
    return Throttle(
        1, Breaker(), Bucket(**{"rate": 0, "burst": 1, "tokens": 0, "at": NOW, **values})
    )


def test_x9_a_pause_the_provider_asked_for_holds_to_its_end():
    paused = throttle().paused(NOW + 30).paused(NOW + 5)
    assert paused.admits(9, 0, NOW + 29.999)[0] == 0
    assert paused.admits(9, 0, NOW + 30)[0] == 9


def test_parallel_calls_over_all_workers_are_limited():
    limited = Throttle(1, Breaker(), throttle().bucket, max_parallel=4)
    assert limited.admits(9, 0, NOW)[0] == 4
    assert limited.admits(9, 3, NOW)[0] == 1
    assert limited.admits(9, 6, NOW)[0] == 0


def test_x9_the_rate_is_kept_across_claims():
    limited = throttle(rate=2, burst=3, tokens=3)
    number, filled = limited.admits(9, 0, NOW)
    assert number == 3
    assert filled.taken(3).admits(9, 0, NOW + 0.4)[0] == 0
    assert filled.taken(3).admits(9, 0, NOW + 0.5)[0] == 1


def test_a_throttle_survives_its_way_through_the_database():
    row = (7, "open", 2, 3, 55.0, 5, 10.0, 2.0, 3.0, 1.5, NOW, 44.0, 8)
    stored = Throttle.from_row(row)
    assert stored.as_json() == {
        "connection_id": 7,
        "breaker_state": "open",
        "breaker_failures": 2,
        "breaker_openings": 3,
        "breaker_until": 55.0,
        "bucket_tokens": 1.5,
        "bucket_at": NOW,
        "not_before": 44.0,
    }
    assert stored.max_parallel == 8
    assert stored.reset().as_json()["breaker_state"] == "closed"


demands = st.dictionaries(
    st.tuples(st.integers(1, 5), st.integers(1, 20)), st.integers(0, 60), max_size=12
)


@given(capacity=st.integers(0, 100), wanted=demands)
def test_x11_slots_are_all_used_never_exceeded_and_no_connection_gets_more_than_wanted(
    capacity, wanted
):
    given_slots = throttles.shares(capacity, wanted)
    assert all(given_slots[key] <= wanted[key] for key in wanted)
    assert sum(given_slots.values()) == min(capacity, sum(wanted.values()))


@given(capacity=st.integers(1, 100), wanted=demands)
def test_x11_a_company_that_gets_less_than_it_wants_gets_as_much_as_any_other(capacity, wanted):
    given_slots = throttles.shares(capacity, wanted)
    want, got = {}, {}
    for (company, _connection), number in wanted.items():
        want[company] = want.get(company, 0) + number
    for (company, _connection), number in given_slots.items():
        got[company] = got.get(company, 0) + number
    short = [company for company in want if got[company] < want[company]]
    for company in short:
        assert got[company] >= max(got.values()) - 1


def test_x11_fifty_thousand_of_one_company_leave_room_for_one_of_another():
    assert throttles.shares(10, {("big", 1): 50_000, ("small", 2): 1})["small", 2] == 1


@given(st.integers(2, 200))
def test_x11_one_slow_connection_never_takes_every_slot(slots):
    held = 0
    while more := throttles.ceiling(slots - held, held):
        held += more
    assert held <= slots * 2 / 3
    assert slots - held >= 1


def test_f5_a_worker_starts_few_calls_until_it_has_seen_that_a_provider_works():
    start = SlowStart()
    assert start.room("good", 0) == start.room("bad", 0) == SlowStart.START
    for _round_trip in range(3):
        for _call in range(start.room("good", 0)):
            start.learned("good", failed=False)
        start.learned("bad", failed=True)
    assert start.room("good", 0) == 8 * SlowStart.START
    assert start.room("bad", SlowStart.START - 1) == 1
    assert start.room("bad", 100) == 0
    start.learned("good", failed=True)
    assert start.room("good", 0) == 4 * SlowStart.START
