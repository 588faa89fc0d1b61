"""F5, F16: a hostile provider beside 1,000 good documents, in a real prefork server.

It answers a byte now and then, with 20 MB, with bombs, not at all, and with pauses that no clock
holds. The good documents must take about the time they take alone, no process may grow, and no
scheduled action may fail.
"""

import time

import cluster as clusters
import pytest

from sandbox.hostile import HostileProvider
from tools.benchmarks.exchange.watch import Memory
from tools.dev import databases

pytestmark = pytest.mark.nightly

COUNT = 1000
HOSTILE_COUNT = 60
KINDS = ("drip_body", "drip_until_close", "silent", "body_20_mb", "gzip_bomb", "retry_inf")
MAX_RATIO = 1.2
MAX_RSS_MB = 400

_HOSTILE = """
for name, url in {urls!r}.items():
    connection = env["finance.connection"].create({{
        "name": name, "provider": "reference", "environment": "sandbox", "base_url": url,
        "reference_api_key": "reference-key",
    }})
    connection.write({{"state": "active", "sealed_database": connection._database_uuid()}})
    print("hostile:", connection.id)
env.cr.commit()
"""


@pytest.fixture(scope="module")
def cluster(runtime):
    with clusters.running(runtime) as made:
        yield made


@pytest.fixture(scope="module")
def provider():
    with HostileProvider() as made:
        yield made


def deliver(cluster, connection, prefix, count=COUNT):
    """Return the seconds that so many good documents take."""
    cluster.enqueue(connection, prefix, count)
    started = time.monotonic()
    cluster.wake()
    cluster.until(lambda: cluster.states(prefix) == {"accepted": count}, f"{prefix} to be accepted")
    return time.monotonic() - started


def failures(cluster):
    return int(cluster.sql("SELECT COALESCE(sum(failure_count), 0) FROM ir_cron"))


def test_f5_f16_a_hostile_provider_costs_the_others_neither_time_nor_memory(
    cluster, provider, record_property
):
    good = cluster.connect("Good")
    deliver(cluster, good, "warm", 200)
    alone = min(deliver(cluster, good, f"alone{number}") for number in range(2))
    urls = {name: provider.urls[name] for name in KINDS}
    output = databases.shell(cluster.runtime, cluster.database, _HOSTILE.format(urls=urls))
    bad = [int(line.split()[1]) for line in output.splitlines() if line.startswith("hostile:")]
    assert len(bad) == len(KINDS)
    with Memory(cluster.server.pid) as memory:
        for number, connection in enumerate(bad):
            cluster.enqueue(connection, f"bad{number}", HOSTILE_COUNT, operation="filing")
        cluster.wake()
        cluster.until(lambda: provider.requests.get("drip_body"), "calls to the hostile provider")
        beside = [deliver(cluster, good, f"beside{number}") for number in range(3)]
    figures = {
        "alone_seconds": round(alone, 2),
        "beside_seconds": [round(seconds, 2) for seconds in beside],
        "largest_rss_mb": round(memory.largest_mb),
        "hostile_requests": dict(provider.requests),
        "cron_failures": failures(cluster),
    }
    print(figures)
    for name, value in figures.items():
        record_property(name, str(value))
    assert figures["cron_failures"] == 0
    assert memory.largest_mb < MAX_RSS_MB
    assert min(beside) <= MAX_RATIO * alone
    assert max(beside) <= 2 * MAX_RATIO * alone
