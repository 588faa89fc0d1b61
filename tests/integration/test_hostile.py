"""F5, F16: a hostile provider beside 1,000 good documents, in a real prefork server.

One connection goes to a provider that gives every kind of bad answer in turn: a byte now and then,
20 MB, bombs, resets, wrong certificates, nothing at all. The good documents must take about the time
they take alone, no process may grow, and no scheduled action may fail.

Rounds with and without it alternate, so that whatever else the machine does concerns both. In each
round with it, its circuit breaker is closed and both connections start at the same moment, which is
when it holds most calls.
"""

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections import Counter

import cluster as clusters
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from sandbox.tls import Authority
from tools.benchmarks.exchange.watch import Memory, cpu
from tools.dev import databases, ports
from tools.dev.paths import PROJECT

pytestmark = pytest.mark.nightly

COUNT = 1000
HOSTILE_COUNT = 1000
ROUNDS = 5
MIN_KINDS = 40
MAX_RATIO = 1.2
MAX_RSS_MB = 400

_HOSTILE = """
connection = env["finance.connection"].create({{
    "name": "Hostile", "provider": "reference", "environment": "sandbox", "base_url": {url!r},
    "reference_api_key": "reference-key",
}})
connection.write({{"state": "paused", "sealed_database": connection._database_uuid()}})
print("hostile:", connection.id)
env.cr.commit()
"""
_TURN_ON = """
UPDATE finance_throttle
   SET breaker_state = 'closed', breaker_failures = 0, breaker_openings = 0, breaker_until = NULL,
       probe_until = NULL, not_before = NULL
 WHERE connection_id = {id};
UPDATE finance_feed
   SET next_at = now() AT TIME ZONE 'UTC', failed_attempts = 0 WHERE connection_id = {id};
UPDATE finance_connection SET state = 'active' WHERE id = {id}
"""
_IN_FLIGHT = """
SELECT count(*) FROM finance_exchange
 WHERE connection_id = {id} AND claim_token IS NOT NULL
"""


class Hostile:
    """The provider, in a process of its own for each round, and the connection to it."""

    def __init__(self, cluster, port, certificate):
        self._cluster = cluster
        self._command = [sys.executable, "-m", "sandbox.hostile", str(port), certificate]
        code = _HOSTILE.format(url=f"https://127.0.0.1:{port}/mixed")
        output = databases.shell(cluster.runtime, cluster.database, code)
        self.connection = int(output.rpartition("hostile:")[2])
        #: How often each kind was given, by round.
        self.given = []
        self.cpu_seconds = []

    @contextlib.contextmanager
    def attacking(self):
        """Run the provider; at the end nothing of it is left in flight."""
        process = subprocess.Popen(
            self._command, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            assert process.stdout.readline() == "ready\n"
            yield
            self.cpu_seconds.append(round(cpu(process.pid), 2))
            self._cluster.sql(
                f"UPDATE finance_connection SET state = 'paused' WHERE id = {self.connection}"
            )
            output, _errors = process.communicate(timeout=30)
            self.given.append(Counter(json.loads(output)))
        finally:
            process.kill()
            process.wait()
        self._cluster.until(
            lambda: self._cluster.sql(_IN_FLIGHT.format(id=self.connection)) == "0",
            "the calls to the hostile provider to end",
        )

    def start(self):
        """Let the connection send, with a closed breaker and many documents of its own."""
        prefix = f"bad{len(self.given)}"
        self._cluster.enqueue(self.connection, prefix, HOSTILE_COUNT, operation="filing")
        self._cluster.sql(_TURN_ON.format(id=self.connection))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("hostile"))
    pair = made.issue("127.0.0.1", ExtendedKeyUsageOID.SERVER_AUTH)
    (made.folder / "both.pem").write_bytes(pair.key + pair.certificate)
    return made


@pytest.fixture(scope="module")
def cluster(runtime, authority):
    options = {"finance_connect_ca_bundle": str(authority.ca)}
    with clusters.running(runtime, options) as made:
        yield made


def deliver(cluster, connection, prefix, count=COUNT):
    """Return the seconds that so many good documents take."""
    cluster.enqueue(connection, prefix, count)
    started = time.monotonic()
    cluster.wake()
    cluster.until(lambda: cluster.states(prefix) == {"accepted": count}, f"{prefix} to be accepted")
    return time.monotonic() - started


@contextlib.contextmanager
def processor_time(cluster, seconds):
    """Append the seconds of processor that the server's processes use while the block runs."""
    before = cpu(cluster.server.pid)
    yield
    seconds.append(round(cpu(cluster.server.pid) - before, 2))


def errors(cluster):
    """Return the lines of the server's log that report an error of Odoo or of a scheduled action."""
    lines = cluster.server.log.read_text(errors="replace").splitlines()
    return [line for line in lines if " ERROR " in line or " CRITICAL " in line]


def failures(cluster):
    return int(cluster.sql("SELECT COALESCE(sum(failure_count), 0) FROM ir_cron"))


def test_f5_f16_a_hostile_provider_costs_the_others_neither_time_nor_memory(
    cluster, authority, record_property
):
    good = cluster.connect("Good")
    hostile = Hostile(cluster, ports.free(1)[0], str(authority.folder / "both.pem"))
    alone, beside, failed, used = [], [], 0, {"alone": [], "beside": []}
    deliver(cluster, good, "warm", 200)
    with Memory(cluster.server.pid) as memory:
        for number in range(ROUNDS):
            # A few first, so that the workers are awake in either case.
            deliver(cluster, good, f"awake{number}", 50)
            with processor_time(cluster, used["alone"]):
                alone.append(deliver(cluster, good, f"alone{number}"))
            with hostile.attacking():
                deliver(cluster, good, f"awake-too{number}", 50)
                hostile.start()
                with processor_time(cluster, used["beside"]):
                    beside.append(deliver(cluster, good, f"beside{number}"))
            failed += failures(cluster)
            print(f"round {number}: {alone[-1]:.2f} s alone, {beside[-1]:.2f} s beside", flush=True)
    ratios = [with_it / without for with_it, without in zip(beside, alone, strict=True)]
    given = sum(hostile.given, Counter())
    figures = {
        "alone_seconds": [round(seconds, 2) for seconds in alone],
        "beside_seconds": [round(seconds, 2) for seconds in beside],
        "ratios": [round(ratio, 2) for ratio in ratios],
        "ratio_of_medians": round(statistics.median(beside) / statistics.median(alone), 2),
        "odoo_cpu_seconds": used,
        "hostile_cpu_seconds": hostile.cpu_seconds,
        "peak_rss_mb": memory.each_mb,
        "kinds": len(given),
        "kinds_per_round": [len(each) for each in hostile.given],
        "answers_per_round": [each.total() for each in hostile.given],
        "cron_failures": failed,
        "log_errors": len(errors(cluster)),
        "states": cluster.states("bad%"),
    }
    for name, value in figures.items():
        print(f"{name}: {value}")
        record_property(name, str(value))
    print("answers:", dict(given.most_common()))
    assert failed == 0
    assert errors(cluster) == []
    assert min(figures["kinds_per_round"]) >= MIN_KINDS
    assert max(memory.each_mb.values()) < MAX_RSS_MB
    assert figures["ratio_of_medians"] <= MAX_RATIO
    assert max(ratios) <= 2 * MAX_RATIO
