"""Upgrade a database of an earlier release with the present code: nothing is lost, changed or sent again.

The earlier code comes from the history of the checkout. It makes its own sample on a server of its own, with documents in
every state, calls of the platform and a rule that an administrator changed. Then `-u all` runs with the present code, and
what was recorded before is compared with what is there after. `NAMES` and `VALUES` say what a release renamed.
"""

import contextlib
import dataclasses
import importlib
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from demo.companies import COMPANIES, FR
from demo.demo_users import login
from sandbox.client import ControlClient
from sandbox.server import SandboxThread
from tools.dev import build, databases, odoo_run, paths, ports, rpc, run
from tools.dev.processes import Server

pytestmark = pytest.mark.nightly

#: A commit of release 19.0.1.0.0.
EARLIER = "5380787"
#: Addons and their sample in that release.
EARLIER_MODULES = (
    "finance_audit",
    "finance_connector_base",
    "finance_tax_engine",
    "finance_einvoice",
    "finance_einvoice_afnor",
)
EARLIER_SAMPLE = "sample"

#: What releases renamed: table, or table.column → its names since, the latest last.
NAMES: dict[str, tuple[str, ...]] = {
    "finance_callback": ("finance_webhook_event",),
    "finance_connection_gate": ("finance_throttle",),
    "finance_callback.tries": ("attempts", "attempt_count"),
    "finance_exchange.tries": ("failed_attempts", "attempt_count"),
}
#: Values that a release renamed: table.column → former value → what it is called since.
VALUES = {
    "finance_einvoice.state": {"accepted": "filed"},
    "finance_einvoice_version.outcome": {"accepted": "filed"},
}

#: What must be the same after: section → (table, key, columns), by their names in the earlier release.
RECORDED = {
    "invoices": (
        "account_move",
        "id",
        (
            "name",
            "state",
            "amount_tax",
            "amount_total",
            "payment_reference",
            "finance_tax_state",
            "finance_tax_remediation",
            "finance_tax_determination_id",
        ),
    ),
    "lines": ("account_move_line", "id", ("move_id", "balance", "amount_currency", "tax_line_id")),
    "e-invoices": (
        "finance_einvoice",
        "id",
        ("move_id", "regime", "state", "reference", "state_since", "correlation_id"),
    ),
    "versions": (
        "finance_einvoice_version",
        "id",
        ("einvoice_id", "number", "uuid", "sha256", "outcome", "exchange_id"),
    ),
    "exchanges": (
        "finance_exchange",
        "id",
        (
            "connection_id",
            "operation",
            "idempotency_key",
            "correlation_id",
            "payload_sha256",
            "state",
            "reference",
            "send_count",
        ),
    ),
    "attempts": (
        "finance_exchange_attempt",
        "id",
        ("exchange_id", "step", "outcome", "http_status", "started_at", "ended_at"),
    ),
    "webhook events": (
        "finance_callback",
        "id",
        ("connection_id", "received_at", "body_sha256", "dedupe_key", "reference", "exchange_id"),
    ),
    "cases": (
        "finance_case",
        "id",
        ("exchange_id", "kind", "state", "decision", "resolution", "create_date"),
    ),
    "determinations": (
        "finance_tax_determination",
        "id",
        (
            "move_id",
            "version",
            "engine",
            "fingerprint",
            "request_json",
            "answer_json",
            "total_tax",
        ),
    ),
    "rules": ("finance_tax_rule", "id", ("name", "rate", "valid_from", "valid_to", "active")),
    "settings": (
        "res_company",
        "id",
        (
            "finance_tax_engine",
            "finance_tax_fallback",
            "finance_case_user_id",
            "finance_case_hours",
            "finance_einvoice_validation",
        ),
    ),
    "retry policies": (
        "finance_retry_policy",
        "id",
        ("connection_id", "operation", "base_seconds", "ceiling_seconds", "max_attempts"),
    ),
    "throttles": (
        "finance_connection_gate",
        "id",
        ("connection_id", "breaker_state", "breaker_failures", "not_before"),
    ),
    "connections": (
        "finance_connection",
        "id",
        ("name", "company_id", "provider", "environment", "state", "base_url", "sealed_database"),
    ),
    # Their ciphertext is another one since; a test of its own reads them.
    "secrets": ("finance_credential", "id", ("connection_id", "purpose", "uuid")),
    "audit entries": ("finance_audit.entry", "id", ("uid", "leaf_hash", "action", "company_id")),
}
#: The log grows with the upgrade: tests of its own.
GROWING = ("audit entries",)
#: What an upgrade does not install by itself, because nothing that was there depends on it.
NEW_ADDONS = ("finance_registry",)
#: States in which the earlier release leaves e-invoices and exchanges.
STATES = {
    "draft",
    "submitted",
    "unknown",
    "accepted",
    "rejected",
    "failed",
    "remediation",
    "cancelled",
}
EXCHANGE_STATES = {
    "pending",
    "waiting",
    "unknown",
    "held",
    "accepted",
    "rejected",
    "failed",
    "superseded",
    "cancelled",
}
#: What a database of the addons consists of: an upgraded one has exactly what a new one has.
STRUCTURE = {
    "columns": "SELECT table_schema || '.' || table_name || '.' || column_name || ' ' || data_type "
    "FROM information_schema.columns WHERE table_schema IN ('public', 'finance_audit') "
    "AND (table_name ~ 'finance|einvoice' OR column_name ~ 'finance|einvoice|afnor')",
    "relations": "SELECT relkind::text || ' ' || relname FROM pg_class WHERE relname ~ 'finance|einvoice'",
    "constraints": "SELECT conrelid::regclass || ' ' || conname || ' ' || contype::text FROM pg_constraint "
    "WHERE contype IN ('c', 'f', 'p', 'u') AND conname ~ 'finance|einvoice'",
    "triggers": "SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger "
    "WHERE NOT tgisinternal AND tgrelid::regclass::text ~ 'finance'",
    "external ids": "SELECT module || '.' || name || ' ' || model FROM ir_model_data "
    "WHERE module LIKE 'finance\\_%' AND model <> 'finance.tax.rule' "
    # Fields that Odoo's own addons add to every thread; which of ours lists them depends on the order of loading.
    "AND name !~ '__(message_has_sms_error|website_message_ids)$'",
    "models": "SELECT model FROM ir_model WHERE model LIKE 'finance.%'",
    "fields": "SELECT model || '.' || name || ' ' || ttype FROM ir_model_fields "
    "WHERE model LIKE 'finance.%' OR name ~ 'finance|einvoice|afnor'",
    "scheduled actions": "SELECT (a.name->>'en_US') || ' ' || c.cron_name || ' ' || a.code FROM ir_cron c "
    "JOIN ir_act_server a ON a.id = c.ir_actions_server_id",
    "addons": "SELECT name || ' ' || state || ' ' || coalesce(latest_version, '') "
    "FROM ir_module_module WHERE name LIKE 'finance\\_%'",
}
CHANGED_RATE = 7.31
ENDED = "2026-12-31"
CASE_HOURS = 37
PAUSED_UNTIL = "2031-01-01 00:00:00"
WAIT_SECONDS = 180
POLL_SECONDS = 0.5

#: What an administrator of the earlier release changed: a rate, an end date, a deleted rule, settings, a retry policy.
_ADMIN_CHANGES = f"""
admin = env["res.users"].search([("login", "=", {login("admin")["login"]!r})])
rules = env["finance.tax.rule"].search([("rate", "=", 4.0), ("valid_to", "=", False)], limit=3).with_user(admin)
rules[0].rate = {CHANGED_RATE}
rules[1].valid_to = {ENDED!r}
rules[2].unlink()
companies = env["res.company"].search([("finance_tax_engine", "=", "embedded")]).with_user(admin)
companies.finance_case_hours = {CASE_HOURS}
companies.finance_tax_fallback = "native"
companies.finance_einvoice_validation = "warn"
connection = env["finance.connection"].search([("provider", "=", "afnor")]).with_user(admin)
env["finance.retry.policy"].with_user(admin).create(
    {{"connection_id": connection.id, "operation": "submit_invoice", "max_attempts": 7, "base_seconds": 0.5}})
env.cr.commit()
"""
#: Made with the connection paused: an unsent document is withdrawn, another is cancelled, another held, a
#: rejected one posted again, one taxed by Odoo's own rates because its customer's country is missing.
_OPEN_ENDS = f"""
from odoo.fields import Command
person = lambda login: env["res.users"].search([("login", "=", login)])
accountant, operator = person({login("accountant")["login"]!r}), person({login("operator")["login"]!r})
allowed = dict(allowed_company_ids=accountant.company_ids.ids)
moves = env["account.move"].with_user(accountant).with_context(**allowed)
sent = moves.search([("einvoice_state", "=", "accepted"), ("move_type", "=", "out_invoice")], limit=1)
taken_back, cancelled, held, refused = new = moves.concat(*(sent.copy() for _ in range(4)))
new.invoice_date = sent.invoice_date
for move in new:
    move.action_post()
taken_back.button_draft()
cancelled.button_draft()
cancelled.button_cancel()
held.einvoice_id.sudo().exchange_id.with_user(operator).with_context(**allowed).action_hold()
exchange = refused.einvoice_id.sudo().exchange_id
corrected = moves.search([("einvoice_state", "=", "rejected")], limit=1)
corrected.button_draft()
corrected.action_post()
for state in ("sending", "rejected"):
    exchange._transition(state, "Refused by the platform")
refused.einvoice_id.sudo()._exchange_changed(exchange)
nowhere = env["res.partner"].create({{"name": "Customer without a country", "is_company": True}})
domestic = moves.search([("company_id.currency_id.name", "=", "USD"), ("state", "=", "posted")], limit=1)
unclear = domestic.copy({{"partner_id": nowhere.id}})
unclear.invoice_date = domestic.invoice_date
unclear.action_post()
throttled = env["finance.connection"].create({{
    "name": "Second platform", "company_id": sent.company_id.id, "provider": "afnor", "environment": "sandbox"}})
env["finance.connection.gate"].init()
env.cr.execute(
    "UPDATE finance_connection_gate SET not_before = '{PAUSED_UNTIL}', breaker_failures = 3 WHERE connection_id = %s",
    [throttled.id])
env.cr.commit()
env["finance.audit.sealer"]._seal_all()
env.cr.commit()
"""
_SEED = """
import sys
sys.path.insert(0, {folder!r})
from {sample}.seed import seed
from {sample}.attach import attach
seed(env)
attach(env, {sandbox!r})
env.cr.commit()
"""
_VERIFY = """
env["finance.audit.sealer"]._seal_all()
env.cr.commit()
export = env["finance.audit.export"].create(
    {{"company_ids": [(6, 0, env["res.company"].search([]).ids)], "shared": True}})
with open({place!r}, "w+b") as out:
    export._write(out)
env.cr.commit()
"""


#: Both give the secrets by record id, by the code of each release.
_EARLIER_SECRETS = (
    "found = {item.id: item._open() for item in env['finance.credential'].sudo().search([])}"
)
_SECRETS = """
from odoo.addons.finance_connector_base import secret_store
found = {item.id: secret_store.open_secrets(item.connection_id)[item.purpose]
         for item in env["finance.credential"].sudo().search([])}
"""
#: Company, regime and connection: two columns in the earlier release, a route since.
_EARLIER_REGIMES = (
    "SELECT id, finance_einvoice_regime, finance_einvoice_connection_id FROM res_company "
    "WHERE finance_einvoice_regime IS NOT NULL ORDER BY id"
)
_REGIMES = (
    "SELECT company_id, regime, connection_id FROM finance_route WHERE active AND purpose = 'einvoice' "
    "AND result = 'send' AND document_kind IS NULL AND customer_kind IS NULL AND country_id IS NULL "
    "AND format IS NULL ORDER BY company_id"
)


# -- the earlier release -------------------------------------------------------------------------


class EarlierRuntime(odoo_run.Runtime):
    """The same Odoo with the addons of the earlier release."""

    alone = "alone-earlier"
    folder: Path

    def write_config(self, name, overrides=None):
        folders = [*map(str, self.odoo.addons), str(self.folder / "addons")]
        return super().write_config(name, {"addons_path": ",".join(folders), **(overrides or {})})


def _git(*words):
    return subprocess.run(
        ["git", "-C", str(paths.PROJECT), *words], capture_output=True, check=False
    )


def _earlier_checkout():
    """Unpack the earlier release into the cache; None when the history does not reach back."""
    if _git("cat-file", "-e", f"{EARLIER}^{{commit}}").returncode:
        return None

    def unpack(target):
        archive = target / "release.tar"
        done = _git("archive", "--output", str(archive), EARLIER, "addons", EARLIER_SAMPLE)
        assert done.returncode == 0, done.stderr
        with tarfile.open(archive) as content:
            content.extractall(target, filter="data")
        archive.unlink()

    return build.once(paths.cache() / "releases" / EARLIER, "Earlier release", 100, unpack)


@contextlib.contextmanager
def _serving(runtime, database):
    """Run Odoo with its scheduled actions on a database; gives the address."""
    http, gevent = ports.free(2)
    settings = {
        "db_name": database,
        "dbfilter": f"^{database}$",
        "http_interface": ports.HOST,
        "http_port": str(http),
        "gevent_port": str(gevent),
        "workers": "0",
        "max_cron_threads": "2",
    }
    server = Server(
        f"{database}-odoo",
        runtime.command(config=runtime.write_config(database, settings)),
        runtime.environment(),
        f"http://{ports.HOST}:{http}/web/health",
    )
    server.start()
    try:
        yield f"http://{ports.HOST}:{http}"
    finally:
        server.stop()


@dataclasses.dataclass
class Installation:
    """What the sample of a release needs of a running server."""

    url: str
    db: str
    sandbox_url: str

    def rpc(self, user, password):
        return rpc.Rpc(self.url, self.db, user, password)

    def session(self, role):
        person = login(role)
        return self.rpc(person["login"], person["password"])


def _register_webhook(installation, control):
    """Let the platform call the server, as a finance admin of the earlier release sets it up."""
    admin = installation.session("admin")
    companies = admin.search_read("res.company", [("name", "=", COMPANIES[FR]["name"])], ["id"])
    context = {"allowed_company_ids": [companies[0]["id"]]}
    (found,) = admin.search_read("finance.connection", [("provider", "=", "afnor")], ["id"])
    connection = [found["id"]]
    bearer = "agreed-with-the-platform"
    model = "finance.connection"
    admin.call(model, "write", connection, {"callback_secret": bearer}, context=context)
    admin.call(model, "action_renew_callback_token", connection, context=context)
    (read,) = admin.call(model, "read", connection, ["callback_url"], context=context)
    token = read["callback_url"].rpartition("/")[2]
    control.settings(
        "afnor",
        webhook_url=f"{installation.url}/finance/callback/{token}",
        webhook_bearer=bearer,
    )


def _earlier_documents(folder, installation, control):
    """Post the sample of the earlier release by its own code, then one document in each state."""
    sys.path.insert(0, str(folder))
    try:
        story = importlib.import_module(f"{EARLIER_SAMPLE}.story").Story(installation)
        story.tell()
        gallery = importlib.import_module(f"{EARLIER_SAMPLE}.gallery").Gallery(installation, story)
        _register_webhook(installation, control)
        sale = importlib.import_module(f"{EARLIER_SAMPLE}.invoices").SALES[0]
        story.post(sale)
        _until(lambda: _has_webhook_event(installation), "the platform's call about an invoice")
        control.verdict("never", provider="afnor", times=1)
        move = story.post(sale)
        _until(lambda: _is_waiting(installation, move), "an invoice whose verdict is still due")
        gallery.invoices()
    finally:
        sys.path.remove(str(folder))


def _has_webhook_event(installation):
    operator = installation.session("operator")
    found = operator.search_read("finance.callback", [("state", "=", "processed")], ["id"])
    return bool(found)


def _is_waiting(installation, move):
    operator = installation.session("operator")
    return bool(
        operator.search_read(
            "finance.exchange", [("document_id", "=", move), ("state", "=", "waiting")], ["id"]
        )
    )


def _until(fact, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := fact()):
        assert time.monotonic() < deadline, f"waited {WAIT_SECONDS} s for {what}"
        time.sleep(POLL_SECONDS)
    return found


def _shell_json(runtime, database, code):
    """Run code that sets ``found`` in an Odoo shell, and return that."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "found.json"
        write = (
            f"\nimport json, pathlib\npathlib.Path({str(place)!r}).write_text(json.dumps(found))\n"
        )
        databases.shell(runtime, database, code + write)
        return json.loads(place.read_text())


# -- what is compared ----------------------------------------------------------------------------


class Snapshot:
    """The recorded columns of a database, under the names and values of the latest release."""

    def __init__(self, server, database):
        self._server = server
        self._database = database
        self.sections = {
            section: self._rows(table, key, columns)
            for section, (table, key, columns) in RECORDED.items()
        }

    def _query(self, statement):
        return self._server.psql(statement, self._database)

    def _present(self, table, column):
        schema, _, name = table.rpartition(".")
        found = self._query(
            "SELECT 1 FROM information_schema.columns WHERE table_schema = "
            f"'{schema or 'public'}' AND table_name = '{name}' AND column_name = '{column}'"
        )
        return found == "1"

    def _rows(self, table, key, columns):
        tables = (table, *NAMES.get(table, ()))
        (found,) = [name for name in tables if self._present(name, key)]
        chosen = []
        for column in columns:
            names = (column, *NAMES.get(f"{table}.{column}", ()))
            present = [name for name in names if self._present(found, name)]
            assert len(present) == 1, f"{table}.{column} is {present or 'not there'}"
            chosen.append(f"'{column}', {present[0]}")
        text = self._query(
            f"SELECT coalesce(json_object_agg({key}, json_build_object({', '.join(chosen)})), '{{}}')"
            f" FROM {found}"
        )
        rows = json.loads(text)
        for row in rows.values():
            for column, value in row.items():
                if isinstance(value, dict) and "en_US" in value:
                    # A text that has become translatable.
                    value = value["en_US"]  # noqa: PLW2901
                row[column] = VALUES.get(f"{table}.{column}", {}).get(value, value)
        return rows

    def values(self, section, column):
        return [row[column] for row in self.sections[section].values()]


@dataclasses.dataclass
class Upgraded:
    """A database before and after its upgrade, with the platform it sends to."""

    runtime: odoo_run.Runtime
    database: str
    before: Snapshot
    after: Snapshot
    earlier_regimes: str
    earlier_secrets: dict
    held_before: list
    control: object
    output: str

    def structure(self, database=None):
        """Return what a database consists of, by kind."""
        psql = self.runtime.server.psql
        return {
            kind: set(psql(query, database or self.database).splitlines())
            for kind, query in STRUCTURE.items()
        }


def _upgrade(runtime, database, install=()):
    """Run `-u all` with the present code, and install addons that are new; the log of it."""
    words = ["--database", database, "--update", "all", "--stop-after-init", "--no-http"]
    words += ["--init", ",".join(install)] if install else []
    config = runtime.write_config(runtime.alone, databases.ALONE)
    return run.logged(
        f"upgrade-{database}",
        runtime.command(*words, "--log-level=warn", config=config),
        cwd=paths.PROJECT,
        env=runtime.environment(),
    )


@pytest.fixture(scope="module")
def upgraded(runtime):
    folder = _earlier_checkout()
    if folder is None:
        pytest.skip(f"commit {EARLIER} is not in the history of this clone")
    earlier = EarlierRuntime(runtime.odoo, runtime.server)
    earlier.__dict__["folder"] = folder
    database = databases.test_database("upgrade")
    try:
        databases.copy_database(runtime, "base", database)
        databases.install(earlier, database, EARLIER_MODULES)
        with SandboxThread() as sandbox:
            control = ControlClient(sandbox.url)
            seed = _SEED.format(folder=str(folder), sample=EARLIER_SAMPLE, sandbox=sandbox.url)
            databases.shell(earlier, database, seed + _ADMIN_CHANGES)
            with _serving(earlier, database) as url:
                _earlier_documents(folder, Installation(url, database, sandbox.url), control)
            databases.shell(earlier, database, _OPEN_ENDS)
            secrets = _shell_json(earlier, database, _EARLIER_SECRETS)
            regimes = runtime.server.psql(_EARLIER_REGIMES, database)
            before = Snapshot(runtime.server, database)
            held = control.oracle("afnor")
            output = _upgrade(runtime, database, install=NEW_ADDONS)
            after = Snapshot(runtime.server, database)
            yield Upgraded(
                runtime, database, before, after, regimes, secrets, held, control, output
            )
    finally:
        databases.drop(runtime, database)


# -- the tests -----------------------------------------------------------------------------------


def test_the_sample_of_the_earlier_release_has_every_state(upgraded):
    names = VALUES["finance_einvoice.state"]
    before = upgraded.before
    assert set(before.values("e-invoices", "state")) >= {names.get(item, item) for item in STATES}
    assert set(before.values("exchanges", "state")) >= EXCHANGE_STATES
    assert set(before.values("cases", "state")) == {"open", "resolved"}
    assert "fallback" in before.values("invoices", "finance_tax_state")
    assert before.sections["webhook events"]
    assert before.sections["determinations"]
    assert len(before.sections["secrets"]) >= 2


def test_the_sample_of_the_earlier_release_has_settings_of_an_administrator(upgraded):
    before = upgraded.before
    assert CHANGED_RATE in before.values("rules", "rate")
    assert ENDED in before.values("rules", "valid_to")
    assert CASE_HOURS in before.values("settings", "finance_case_hours")
    assert 7 in before.values("retry policies", "max_attempts")
    assert any(before.values("throttles", "not_before"))


def test_the_upgrade_reports_nothing(upgraded):
    wrong = [
        line
        for line in upgraded.output.splitlines()
        if any(f" {level} " in line for level in ("WARNING", "ERROR", "CRITICAL"))
        # Odoo says so of every option of an addon, when it reads the file.
        and "unknown option 'finance_connect_" not in line
    ]
    assert wrong == []


@pytest.mark.parametrize("section", [name for name in RECORDED if name not in GROWING])
def test_every_record_is_kept(upgraded, section):
    """With its values; and none is added: a rule that an administrator deleted does not return."""
    assert upgraded.after.sections[section] == upgraded.before.sections[section]


def test_the_regime_of_each_company_became_a_route_without_conditions(upgraded):
    assert upgraded.earlier_regimes
    psql = upgraded.runtime.server.psql
    assert psql(_REGIMES, upgraded.database) == upgraded.earlier_regimes
    count = psql("SELECT count(*) FROM finance_route WHERE active", upgraded.database)
    assert int(count) == len(upgraded.earlier_regimes.splitlines())


def test_secrets_are_readable_and_bound(upgraded):
    assert len(upgraded.earlier_secrets) >= 2
    assert all(upgraded.earlier_secrets.values())
    found = _shell_json(upgraded.runtime, upgraded.database, _SECRETS)
    assert found == upgraded.earlier_secrets
    former = upgraded.runtime.server.psql(
        "SELECT id FROM finance_credential WHERE ciphertext NOT LIKE 'v2:%'", upgraded.database
    )
    assert former == ""


@pytest.mark.parametrize("kind", STRUCTURE)
def test_an_upgraded_database_is_made_as_a_new_one(upgraded, kind):
    """No column, index, constraint or external id of a retired name, and none is missing."""
    new = databases.test_database("new")
    try:
        databases.copy_database(upgraded.runtime, "suite", new)
        expected = upgraded.structure(new)[kind]
    finally:
        databases.drop(upgraded.runtime, new)
    found = upgraded.structure()[kind]
    assert {"missing": expected - found, "left over": found - expected} == {
        "missing": set(),
        "left over": set(),
    }


def test_a_second_upgrade_changes_nothing(upgraded):
    again = databases.test_database("again")
    structure = upgraded.structure()
    try:
        databases._copy(upgraded.runtime, upgraded.database, again)
        _upgrade(upgraded.runtime, again)
        first = dict(upgraded.after.sections)
        second = dict(Snapshot(upgraded.runtime.server, again).sections)
        before, after = first.pop("audit entries"), second.pop("audit entries")
        assert second == first
        assert {key: after.get(key) for key in before} == before
        # The upgrade itself is recorded, and nothing else.
        added = [entry for key, entry in after.items() if key not in before]
        assert {entry["action"].partition(".")[0] for entry in added} <= {"administration"}
        assert upgraded.structure(again) == structure
    finally:
        databases.drop(upgraded.runtime, again)


def test_the_audit_log_only_grew(upgraded):
    before = upgraded.before.sections["audit entries"]
    after = upgraded.after.sections["audit entries"]
    assert before
    assert {key: after.get(key) for key in before} == before


def test_the_audit_log_verifies(upgraded, tmp_path):
    place = tmp_path / "evidence.zip"
    databases.shell(upgraded.runtime, upgraded.database, _VERIFY.format(place=str(place)))
    verifier = paths.ADDONS / "finance_audit" / "core" / "verify_audit.py"
    done = subprocess.run(
        [sys.executable, "-I", str(verifier), str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_x1_nothing_is_sent_again_and_what_waited_arrives_once(upgraded):
    """The upgraded server runs: the paused document leaves, and no other arrives a second time."""
    control = upgraded.control
    assert control.oracle("afnor") == upgraded.held_before
    control.clear_faults()
    waiting = upgraded.before.values("exchanges", "state").count("pending")
    assert waiting >= 2
    with _serving(upgraded.runtime, upgraded.database) as url:
        admin = Installation(url, upgraded.database, control.url).session("admin")
        (connection,) = upgraded.runtime.server.psql(
            "SELECT DISTINCT connection_id FROM finance_exchange WHERE state = 'pending'",
            upgraded.database,
        ).splitlines()
        admin.call("finance.connection", "action_activate", [int(connection)])
        held = _until(
            lambda: (
                now if len(now := control.oracle("afnor")) > len(upgraded.held_before) else None
            ),
            "the paused document to arrive",
        )
        _until(
            lambda: (
                not upgraded.runtime.server.psql(
                    "SELECT 1 FROM finance_exchange WHERE state IN ('pending', 'sending') LIMIT 1",
                    upgraded.database,
                )
            ),
            "the outbox to be empty",
        )
        held = control.oracle("afnor")
    # A rejected document that was corrected without a change arrives under a key of its own.
    before = {item["reference"]: item for item in upgraded.held_before if item["held"]}
    assert before
    again = [
        (before[item["reference"]], item)
        for item in held
        if item["reference"] in before
        and item["times_received"] != before[item["reference"]]["times_received"]
    ]
    assert again == []
    assert control.summary("afnor")["held_twice"] == []
