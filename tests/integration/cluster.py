"""A prefork Odoo whose scheduler workers run two dispatcher crons, on the reference provider."""

import contextlib
import os
import signal
import time
from datetime import datetime

from sandbox.client import ControlClient
from sandbox.server import SandboxThread
from tools.dev import databases, odoo_run, ports
from tools.dev.processes import Server

LOOK_SECONDS = 0.1
WAIT_SECONDS = 120

_CONNECT = """
groups = ("group_admin", "group_operator")
for name in groups:
    env.user.group_ids |= env.ref(f"finance_connector_base.{{name}}")
env["finance.connection"].search([]).state = "paused"
connection = env["finance.connection"].create({{
    "name": {name!r}, "provider": "reference", "environment": "sandbox",
    "base_url": {url!r} + "/reference", "reference_api_key": "reference-key",
}})
connection.action_test()
connection.action_activate()
env.cr.commit()
print("connection:", connection.id)
"""
_MANY = """
INSERT INTO finance_exchange (
    connection_id, company_id, operation, idempotency_key, correlation_id, payload, payload_sha256,
    parameters, state, next_step_at, create_date, document_name)
SELECT c.id, c.company_id, '{operation}', key, key, encode(convert_to(body, 'UTF8'), 'base64')::bytea,
       encode(sha256(convert_to(body, 'UTF8')), 'hex'), jsonb_build_object('number', key),
       'pending', clock_timestamp() AT TIME ZONE 'UTC', now(), key
  FROM finance_connection c, generate_series(1, {count}) AS n,
       LATERAL (SELECT '{prefix}-' || n AS key) k,
       LATERAL (SELECT '{{"filler": "", "number": "' || key || '"}}' AS body) b
 WHERE c.id = {connection}
"""
_TRIGGER = """
INSERT INTO ir_cron_trigger (cron_id, call_at)
SELECT res_id, clock_timestamp() AT TIME ZONE 'UTC' FROM ir_model_data
 WHERE module = 'finance_connector_base' AND name IN ({names})
"""


class Cluster:
    """The running installation and what can be asked of it."""

    def __init__(self, runtime, database, sandbox_url, options=None):
        self.runtime = runtime
        self.database = database
        self.control = ControlClient(sandbox_url)
        http, gevent = ports.free(2)
        overrides = {
            "db_name": database,
            "dbfilter": f"^{database}$",
            "http_interface": ports.HOST,
            "http_port": str(http),
            "gevent_port": str(gevent),
            "workers": "1",
            "max_cron_threads": "2",
            **(options or {}),
        }
        config = runtime.write_config(database, overrides)
        self.server = Server(
            f"{database}-odoo",
            runtime.command(config=config),
            runtime.environment(),
            f"http://{ports.HOST}:{http}/web/health",
        )

    def connect(self, name):
        """A fresh, active connection; all others are paused. Its id."""
        code = _CONNECT.format(name=name, url=self.control.url)
        output = databases.shell(self.runtime, self.database, code)
        return int(output.rpartition("connection:")[2])

    def sql(self, statement):
        """Rows by line, columns separated by a bar."""
        return self.runtime.server.psql(statement, self.database).strip()

    def enqueue(self, connection, prefix, count, operation="document"):
        """Many exchanges at once, without documents of their own."""
        self.sql(
            _MANY.format(connection=connection, prefix=prefix, count=count, operation=operation)
        )

    def wake(self):
        """Trigger both crons."""
        names = "'ir_cron_dispatcher', 'ir_cron_dispatcher_2'"
        self.sql(_TRIGGER.format(names=names))
        self.runtime.server.psql(f"NOTIFY cron_trigger, '{self.database}'", "postgres")

    def workers(self):
        """Process ids of the dispatchers that are alive."""
        rows = self.sql(
            "SELECT name FROM finance_dispatcher_worker "
            "WHERE alive_until > clock_timestamp() AT TIME ZONE 'UTC'"
        )
        return {int(name.rpartition("/")[2]) for name in rows.splitlines()}

    def busiest(self):
        """Process id of the dispatcher with most calls on their way, or None."""
        name = self.sql(
            "SELECT w.name FROM finance_exchange e JOIN finance_dispatcher_worker w "
            "ON w.id = e.worker_id WHERE e.state = 'sending' "
            "GROUP BY w.name ORDER BY count(*) DESC LIMIT 1"
        )
        return int(name.rpartition("/")[2]) if name else None

    def states(self, prefix):
        """Number of exchanges by state."""
        rows = self.sql(
            "SELECT state, count(*) FROM finance_exchange "
            f"WHERE idempotency_key LIKE '{prefix}-%' GROUP BY state"
        )
        return {
            state: int(number) for state, number in (row.split("|") for row in rows.splitlines())
        }

    def until(self, fact, what, seconds=WAIT_SECONDS):
        """Look until the fact holds and return it; fails with what was waited for."""
        deadline = time.monotonic() + seconds
        while not (found := fact()):
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            time.sleep(LOOK_SECONDS)
        return found

    def kill(self, process):
        """End one of this cluster's own scheduler workers."""
        assert process in self.workers()
        os.kill(process, signal.SIGKILL)

    def arrivals(self, operation):
        """Times (seconds since the epoch) at which requests arrived, with the status they got."""
        return [
            (datetime.fromisoformat(entry["at"]).timestamp(), entry["status"])
            for entry in self.control.requests(operation=operation, limit=10_000)
        ]


@contextlib.contextmanager
def running(runtime, options=None):
    """A cluster on a fresh copy of the reference database, with options of ``odoo.conf``."""
    database = databases.test_database("cluster")
    testing = odoo_run.testing(runtime)
    try:
        databases.copy_database(runtime, "reference", database)
        with SandboxThread() as sandbox:
            made = Cluster(testing, database, sandbox.url, options)
            made.server.start()
            try:
                yield made
            finally:
                made.server.stop()
    finally:
        databases.drop(runtime, database)
