"""From 19.0.1.0: what the migration moves and renames, run on a database that looks as it did then."""

import importlib.util
from pathlib import Path

from odoo.addons.finance_audit.tests.common import unguarded
from odoo.addons.finance_connector_base.models.finance_posting import suite_write
from odoo.tests import tagged

from .sandbox_case import SandboxCase

_ADDONS = Path(__file__).parents[2]
_MOVED = ("view_move_form", "field_account_move__finance_fr_process")


def script(addon, name):
    """Load a migration script as Odoo does."""
    path = _ADDONS / addon / "migrations" / "19.0.2.0.0" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{addon}_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@tagged("post_install", "-at_install")
class TestMigration(SandboxCase):
    def pre(self):
        script("finance_einvoice", "pre-migrate").migrate(self.env.cr, "19.0.1.0.0")

    def post(self):
        script("finance_einvoice_afnor", "post-migrate").migrate(self.env.cr, "19.0.1.0.0")
        self.env.invalidate_all()

    def query(self, statement, *values):
        self.env.cr.execute(statement, values)
        return self.env.cr.fetchall() if self.env.cr.description else None

    def test_french_records_move_and_keep_their_identity(self):
        where = (
            "SELECT name, res_id FROM ir_model_data WHERE module = %s AND name IN %s ORDER BY name"
        )
        before = self.query(where, "finance_einvoice_fr", _MOVED)
        self.assertEqual(len(before), len(_MOVED))
        self.query(
            "UPDATE ir_model_data SET module = 'finance_einvoice_afnor' "
            "WHERE module = 'finance_einvoice_fr' AND name IN %s",
            _MOVED,
        )
        stays = self.query(where, "finance_einvoice_afnor", ("finance_connection_view_form",))
        for _run in range(2):
            self.pre()
            self.assertEqual(self.query(where, "finance_einvoice_fr", _MOVED), before)
            self.assertEqual(self.query(where, "finance_einvoice_afnor", _MOVED), [])
            found = self.query(where, "finance_einvoice_afnor", ("finance_connection_view_form",))
            self.assertEqual(found, stays)

    def test_a_stored_sentence_becomes_code_and_arguments(self):
        einvoice = self.submit().einvoice_id
        self.env.flush_all()
        self.query("ALTER TABLE finance_einvoice ADD COLUMN status_note varchar")
        self.query(
            "UPDATE finance_einvoice SET status_note = 'Was said', status_code = NULL, status_args = NULL"
        )
        for _run in range(2):
            self.pre()
        self.env.invalidate_all()
        self.assertEqual(einvoice.status_code, "einvoice.submitted")
        self.assertEqual(einvoice.status_args["text"], "Was said")
        self.assertEqual(einvoice.status_args["version"], "1")
        self.assertEqual(einvoice.status_args["connection"], self.connection.name)

    def test_the_current_e_invoice_is_filled_without_odoo_computing_it(self):
        move = self.submit()
        einvoice = move.einvoice_id
        self.env.flush_all()
        self.query("UPDATE account_move SET einvoice_id = NULL")
        self.pre()
        self.env.invalidate_all()
        self.assertEqual(move.einvoice_id, einvoice)

    def test_what_a_platform_has_taken_becomes_filed_and_nothing_is_sent_again(self):
        accepted, submitted = self.submit(), self.submit()
        self.deliver(accepted)
        self.connection.action_pause()
        # The state before the release, which had no guards in the database.
        self.env.flush_all()
        unguarded(self.env, "finance_einvoice")
        unguarded(self.env, "finance_einvoice_version")
        einvoice = accepted.einvoice_id.sudo()
        answered, digest = einvoice.filed_at, einvoice.version_ids.sha256
        suite_write(einvoice, {"state": "accepted", "accepted_at": answered, "filed_at": False})
        einvoice.version_ids.outcome = "accepted"
        self.env.flush_all()
        exchanges = self.exchanges(accepted, submitted)
        before = exchanges.read(["state", "send_count", "payload_sha256", "reference"])
        for _run in range(2):
            self.post()
        self.assertEqual((einvoice.state, einvoice.filed_at), ("filed", answered))
        self.assertFalse(einvoice.accepted_at)
        self.assertEqual(
            (einvoice.version_ids.outcome, einvoice.version_ids.sha256), ("filed", digest)
        )
        self.assertEqual(self.actions(accepted).count("einvoice.reclassified"), 1)
        self.assertEqual(submitted.einvoice_state, "submitted")
        self.assertEqual(self.actions(submitted).count("einvoice.reclassified"), 0)
        after = exchanges.read(["state", "send_count", "payload_sha256", "reference"])
        self.assertEqual(after, before)
