"""What a client of the programming interface, or of the database, cannot do."""

import pytest

from demo.attach import CLIENT_SECRET
from demo.demo_users import LOGINS
from tools.dev.errors import Problem
from tools.dev.rpc import RpcError


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("button_draft", []), ("button_cancel", []), ("unlink", []), ("write", [{"state": "draft"}])],
)
def test_e6_a_filed_invoice_stays_through_rpc(accounting, method, arguments):
    moves = accounting.post(accounting.invoices())
    accounting.until(moves, "filed")
    with pytest.raises(RpcError):
        accounting.call(method, moves, *arguments)
    (read,) = accounting.call("read", moves, ["state", "einvoice_state"])
    assert (read["state"], read["einvoice_state"]) == ("posted", "filed")


def test_e5_a_rejected_invoice_is_corrected_and_filed(accounting):
    accounting.control.verdict("reject", provider="afnor", times=1)
    moves = accounting.post(accounting.invoices())
    accounting.until(moves, "rejected")
    accounting.call("button_draft", moves)
    accounting.post(moves)
    accounting.until(moves, "filed")
    versions = accounting.accountant.call(
        "finance.einvoice.version",
        "search_read",
        [("einvoice_id.move_id", "in", moves)],
        ["outcome"],
        context=accounting.context,
    )
    assert sorted(version["outcome"] for version in versions) == ["filed", "rejected"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM finance_audit.entry",
        "UPDATE finance_audit.entry SET summary = 'nothing happened'",
        "TRUNCATE finance_audit.entry",
    ],
)
def test_a2_the_database_refuses_to_change_the_log(accounting, statement):
    before = accounting.stack.psql("SELECT count(*), max(id) FROM finance_audit.entry")
    assert not before.startswith("0|")
    with pytest.raises(Problem, match="append-only|permission denied"):
        accounting.stack.psql(statement)
    assert accounting.stack.psql("SELECT count(*), max(id) FROM finance_audit.entry") == before


def test_r40_the_secret_is_in_no_column_and_no_log(accounting):
    columns = accounting.stack.psql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND (table_name LIKE 'finance%' OR table_name IN ('ir_config_parameter', 'ir_logging', 'mail_message')) "
        "AND data_type IN ('text', 'character varying', 'jsonb')"
    )
    assert "finance_credential|ciphertext" in columns
    for line in columns.splitlines():
        table, column = line.split("|")
        found = accounting.stack.psql(
            f'SELECT count(*) FROM "{table}" WHERE "{column}"::text LIKE \'%{CLIENT_SECRET}%\''
        )
        assert found == "0", f"{table}.{column}"
    assert CLIENT_SECRET not in accounting.stack.odoo.log.read_text(errors="replace")


@pytest.mark.parametrize("role", [person["login"].partition("@")[0] for person in LOGINS])
def test_r40_no_role_reads_the_secret(accounting, role):
    session = accounting.session(role)
    with pytest.raises(RpcError):
        session.search_read("finance.credential", [], ["ciphertext"])
    for connection in session.search_read("finance.connection", [], []):
        assert CLIENT_SECRET not in str(connection)
    with pytest.raises(RpcError):
        session.call("finance.connection", "_secret", [1], "client_secret")
