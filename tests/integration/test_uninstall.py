"""Uninstall addons from a database with documents: what stays is readable, what goes leaves no trace."""

import json

import pytest

from demo.demo_users import login
from tools.dev import databases

pytestmark = pytest.mark.nightly

PROVIDER_ADDON = "finance_einvoice_afnor"
#: Two submitted invoices: one that certainly was not sent, one whose verdict the platform still owes.
_SUBMIT = f"""
accountant = env["res.users"].search([("login", "=", {login("accountant")["login"]!r})])
connection = env["finance.connection"].search([("provider", "=", "afnor")])
moves = env["account.move"].with_user(accountant).with_company(connection.company_id)
moves = moves.with_context(allowed_company_ids=connection.company_id.ids)
customer = env["res.partner"].search([("vat", "=", "FR23917283640")])
shelf = env["product.product"].search([("default_code", "=", "SHELF")])
for _number in range(2):
    moves |= moves.create({{
        "move_type": "out_invoice", "partner_id": customer.id, "invoice_date": "2026-10-15",
        "invoice_line_ids": [(0, 0, {{"product_id": shelf.id, "quantity": 1, "price_unit": 240.0}})]}})
moves.action_post()
unsent, sent = moves.einvoice_id.sudo().exchange_id.sorted("id")
sent._transition("sending", "sent", send_count=1, maybe_sent=True)
sent._transition("waiting", "sent", reference="FLOW-1")
sent._notify_documents()
connection.write({{"state": "active"}})
env.cr.commit()
"""
_UNINSTALL = """
env["ir.module.module"].search([("name", "in", {names!r}), ("state", "=", "installed")]).button_immediate_uninstall()
env.cr.commit()
"""
_READ = """
import json
users = env["res.users"].search([("login", "in", {logins!r})])
exchanges = env["finance.exchange"].search([], order="id")
connection = env["finance.connection"].search([])
opened = []
for user in users:
    context = dict(allowed_company_ids=user.company_ids.ids)
    for records in (connection, exchanges, exchanges.case_ids if "case_ids" in exchanges else exchanges.open_case_id,
                    env["account.move"].search([]), env["finance.einvoice"].search([])):
        model = records.with_user(user).with_context(**context)
        if not model.has_access("read"):
            continue
        views = model.get_views([(False, "list"), (False, "form")])
        names = [name for name in views["models"][model._name]["fields"] if name in model._fields]
        model.web_read({{name: {{}} for name in names}})
        opened.append([user.login, model._name])
print("result:" + json.dumps({{
    "exchanges": [[item.state, item.status_code, item.open_case_id.kind or ""] for item in exchanges],
    "einvoices": env["finance.einvoice"].search([], order="id").mapped("state"),
    "connections": connection.mapped("state"),
    "opened": opened,
}}))
"""
#: What belongs to the addons, by the name of what it is: every query returns no row.
_LEFT = {
    "tables and indexes": "SELECT relname FROM pg_class WHERE relname ~ 'finance|einvoice'",
    "columns": "SELECT table_name || '.' || column_name FROM information_schema.columns "
    "WHERE column_name ~ 'finance|^einvoice|afnor'",
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'finance%'",
    "functions": "SELECT proname FROM pg_proc WHERE proname LIKE 'finance%'",
    "models": "SELECT model FROM ir_model WHERE model LIKE 'finance.%'",
    "fields": "SELECT model || '.' || name FROM ir_model_fields WHERE name ~ 'finance|^einvoice|afnor'",
    "external ids": "SELECT module || '.' || name FROM ir_model_data "
    "WHERE module LIKE 'finance%' AND module <> '__export__'",
    "scheduled actions": "SELECT cron_name FROM ir_cron c JOIN ir_act_server a ON a.id = c.ir_actions_server_id "
    "WHERE NOT EXISTS (SELECT 1 FROM ir_model m WHERE m.id = a.model_id)",
    "groups": "SELECT g.id::text FROM res_groups g LEFT JOIN ir_model_data d ON d.model = 'res.groups' "
    "AND d.res_id = g.id WHERE d.id IS NULL",
    "menus": "SELECT u.id::text FROM ir_ui_menu u LEFT JOIN ir_model_data d ON d.model = 'ir.ui.menu' "
    "AND d.res_id = u.id WHERE d.id IS NULL",
    # Odoo keeps its notes of foreign keys of columns on its own tables; the keys are gone with the columns.
    "constraints": "SELECT name FROM ir_model_constraint WHERE name LIKE '%finance%' AND type <> 'f'",
    "relations": "SELECT name FROM ir_model_relation WHERE name LIKE '%finance%'",
    "parameters": "SELECT key FROM ir_config_parameter WHERE key LIKE 'finance%'",
    "attachments": "SELECT res_model FROM ir_attachment WHERE res_model LIKE 'finance.%'",
    "activities": "SELECT res_model FROM mail_activity WHERE res_model LIKE 'finance.%'",
    "addons": "SELECT name FROM ir_module_module WHERE name LIKE 'finance%' AND state <> 'uninstalled'",
}


@pytest.fixture
def database(runtime):
    name = databases.test_database("uninstall")
    try:
        databases.copy_database(runtime, "sample", name)
        databases.shell(runtime, name, _SUBMIT)
        yield name
    finally:
        databases.drop(runtime, name)


def _uninstall(runtime, database, names):
    databases.shell(runtime, database, _UNINSTALL.format(names=list(names)))


def _read(runtime, database):
    logins = [login(role)["login"] for role in ("accountant", "admin", "operator", "auditor")]
    output = databases.shell(runtime, database, _READ.format(logins=logins))
    return json.loads(output.rpartition("result:")[2])


def test_without_its_provider_what_is_open_is_closed_and_everything_readable(runtime, database):
    _uninstall(runtime, database, [PROVIDER_ADDON])
    found = _read(runtime, database)
    missing = "connection.provider_missing"
    assert found["exchanges"] == [["cancelled", missing, ""], ["unknown", missing, "unresolved"]]
    assert found["einvoices"] == ["draft", "unknown"]
    assert found["connections"] == ["paused"]
    readers = {tuple(pair) for pair in found["opened"]}
    for role in ("admin", "operator"):
        assert (login(role)["login"], "finance.connection") in readers
    assert (login("accountant")["login"], "finance.einvoice") in readers


def test_nothing_is_left_of_uninstalled_addons(runtime, database):
    _uninstall(runtime, database, databases.SUITE_MODULES)
    left = {
        kind: names
        for kind, query in _LEFT.items()
        if (names := sorted(runtime.server.psql(query, database).splitlines()))
    }
    assert left == {}
