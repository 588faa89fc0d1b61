"""The audit log through what administrators do to a database: a backup restored as a copy, evidence given to a role of
its own, upgrades of both; with Odoo's own commands and the verifier as an auditor runs it.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from tools.dev import databases, paths
from tools.dev.errors import Problem

# Backups, restores and upgrades of whole databases; what they rely on is tested in finance_audit.
pytestmark = pytest.mark.nightly

VERIFIER = paths.ADDONS / "finance_audit" / "core" / "verify_audit.py"
OWNER_ROLE = paths.ADDONS / "finance_audit" / "sql" / "owner_role.sql"

_BEGIN = """
company = env.company
for number in range(3):
    env["finance.audit.entry"]._record(action="test.done", company=company, summary=f"Step {number}")
target = env["finance.audit.anchor.target"].create({"name": "Auditors", "kind": "mail", "emails": "a@example.com"})
env.cr.commit()
env["finance.audit.sealer"]._seal_all()
env.cr.commit()
"""
_GO_ON = """
env["finance.audit.entry"]._record(action="test.done", company=env.company, summary="Later")
env.cr.commit()
env["finance.audit.sealer"]._seal_all()
env.cr.commit()
"""
_STATE = """
import json
env.cr.execute("SELECT size, origin FROM finance_audit.checkpoint WHERE log_id = %s ORDER BY id", [env.company.id])
heads = env.cr.fetchall()
print(json.dumps({
    "heads": heads,
    "entries": env["finance.audit.entry"].search([("company_id", "=", env.company.id)], order="id").mapped("action"),
    "all": env["finance.audit.entry"].search_count([]),
    "active_targets": env["finance.audit.anchor.target"].search_count([]),
    "level": env["finance.audit.protection"]._state().level,
}))
"""
_EXPORT = """
export = env["finance.audit.export"].create({{"company_ids": [(6, 0, env.company.ids)], "shared": False}})
with open({place!r}, "w+b") as out:
    export._write(out)
env.cr.commit()
"""


@dataclass(frozen=True)
class Original:
    """A database and what its log said at first."""

    name: str
    state: dict


@pytest.fixture(scope="module")
def original(runtime):
    """Provide a database with Odoo's accounting, the audit addon and a sealed log."""
    name = databases.test_database("evidence")
    databases.copy_database(runtime, "base", name)
    databases.install(runtime, name, ("finance_audit",))
    yield Original(name, state(runtime, name, _BEGIN))
    databases.drop(runtime, name)


def state(runtime, database, doing=""):
    """Return what the log says of itself, after ``doing`` something."""
    return json.loads(databases.shell(runtime, database, doing + _STATE).splitlines()[-1])


def odoo(runtime, *words):
    """One of Odoo's own commands; the first word after ``db`` follows the configuration."""
    config = runtime.write_config(
        runtime.alone, {**databases.ALONE, "pg_path": str(runtime.server.bin or "")}
    )
    (*program, _config) = runtime.command(config=config)
    place = 1 if words[0] == "db" else 0
    done = subprocess.run(
        [*program, *words[:place], "-c", str(config), *words[place:]],
        env=runtime.environment(),
        cwd=paths.PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_a4_a_backup_restored_as_a_copy_goes_on_under_its_own_name(runtime, original, tmp_path):
    copy = databases.test_database("evidence_copy")
    dump = tmp_path / "backup.zip"
    place = tmp_path / "evidence.zip"
    odoo(runtime, "db", "dump", original.name, str(dump))
    try:
        odoo(runtime, "db", "load", "--neutralize", copy, str(dump))
        doing = _GO_ON + _EXPORT.format(place=str(place))
        before, after = original.state, state(runtime, copy, doing)
        assert after["active_targets"] == 0 < before["active_targets"]
        assert after["level"] == before["level"] == "triggers_privileges"
        assert after["entries"][: len(before["entries"])] == before["entries"]
        assert after["heads"][: len(before["heads"])] == before["heads"]
        assert {origin for _size, origin in after["heads"]} > {
            origin for _size, origin in before["heads"]
        }
        assert "audit.log.copied" in after["entries"]
        verified = verify(place)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert "copy of" in verified.stdout
    finally:
        databases.drop(runtime, copy)


def verify(place):
    """Return the verifier as an auditor runs it: by itself."""
    return subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(place)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def superuser(runtime):
    """Provide the server as an administrator of PostgreSQL sees it."""
    server = replace(runtime.server, user="postgres")
    try:
        server.psql("SELECT 1")
    except Problem:
        pytest.skip("no superuser of PostgreSQL to log in as")
    return server


def give_away(superuser, database, application):
    script = OWNER_ROLE.read_text(encoding="utf-8")
    superuser.psql(f"SET finance_audit.application_role = '{application}'; {script}", database)


def upgrade(runtime, database):
    odoo(
        runtime,
        "--database",
        database,
        "--update",
        "finance_audit",
        "--stop-after-init",
        "--no-http",
    )


def test_a2_evidence_of_a_role_of_its_own_survives_work_and_upgrades(runtime, original, superuser):
    application, database, before = runtime.server.user, original.name, original.state
    give_away(superuser, database, application)
    given = state(runtime, database, _GO_ON)
    assert given["level"] == "owner_role"
    assert given["entries"][: len(before["entries"])] == before["entries"]
    assert given["heads"][-1][0] == len(given["entries"])
    with pytest.raises(Problem, match="must be owner"):
        runtime.server.psql("DROP TABLE finance_audit.entry", database)
    upgrade(runtime, database)
    superuser.psql(f"GRANT finance_audit_owner TO {application}")
    try:
        upgrade(runtime, database)
    finally:
        superuser.psql(f"REVOKE finance_audit_owner FROM {application}")
    give_away(superuser, database, application)
    after = state(runtime, database, _GO_ON)
    assert after["level"] == "owner_role"
    assert after["entries"][: len(given["entries"])] == given["entries"]
    assert "audit.protection.lost" not in after["entries"]
