"""A7: personal data beside an entry can be erased, and every proof goes on to hold."""

import io
import json
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..core import verify_audit
from .common import FixtureCase
from .test_verification import TamperCase

NAME = "Ana Unbekannt"


@tagged("post_install", "-at_install")
class TestErasure(TamperCase):
    def setUp(self):
        super().setUp()
        self.erasables = self.env["finance.audit.erasable"]
        self.entry = self.record(
            company=self.company, document=self.partner, erasable={"name": NAME, "iban": "DE00"}
        )
        self.grow()

    def shown(self):
        self.entry.invalidate_recordset()
        return str(self.entry.details_html)

    def test_a7_the_entry_holds_a_salted_hash_and_the_part_is_encrypted(self):
        self.assertNotIn(NAME.encode(), self.stored(self.entry)[0])
        self.env.cr.execute("SELECT erasable::text FROM finance_audit.erasable")
        self.assertNotIn(NAME, str(self.env.cr.fetchall()))
        part = self.erasables._parts([self.entry.uid])[self.entry.uid]
        stated = json.loads(self.stored(self.entry)[0])["sensitive_hash"]
        self.assertEqual(stated, "\\x" + part.digest().hex())
        self.assertIn(NAME, self.shown())

    def test_a7_the_same_data_has_another_hash_in_another_entry(self):
        other = self.record(company=self.company, erasable={"name": NAME, "iban": "DE00"})
        hashes = {json.loads(self.stored(e)[0])["sensitive_hash"] for e in (self.entry, other)}
        self.assertEqual(len(hashes), 2)

    def test_a7_erasing_leaves_every_proof_valid(self):
        self.assertEqual(self.erasables._erase([self.entry.uid], "request"), 1)
        self.assertEqual(self.verify().state, "intact")
        self.assertEqual(self.erasables._parts([self.entry.uid]), {})
        self.assertNotIn(NAME, self.shown())
        self.assertEqual(self.entry.erasable_state, "erased")
        recorded = self.entries.search([("action", "=", "audit.erased")], limit=1)
        self.assertEqual(self.details(recorded), {"reason": "request", "entries": [self.entry.uid]})

    def test_a7_a_part_cannot_be_replaced(self):
        with self.refused_by_database():
            self.env.cr.execute("UPDATE finance_audit.erasable SET ciphertext = 'x'")
        with self.refused_by_database():
            self.env.cr.execute("TRUNCATE finance_audit.erasable")

    def test_a7_retention_erases_what_is_older(self):
        self.env.cr.execute(
            "SELECT count(*) FROM finance_audit.erasable WHERE log_id = %s", [self.log]
        )
        count = self.env.cr.fetchone()[0]
        self.assertEqual(self.erasables._erase_older(self.company, 1), 0)
        self.company.finance_audit_retention_days = 1
        with (
            patch.object(type(self.env["ir.cron"]), "_commit_progress"),
            patch.object(type(self.erasables), "_erase_older", autospec=True) as erase,
        ):
            self.erasables._cron_erase()
        self.assertIn((self.company, 1), [call.args[1:] for call in erase.call_args_list])
        self.assertEqual(self.erasables._erase_older(self.company, -1), count)

    def test_a7_only_an_administrator_who_is_an_auditor_erases(self):
        values = {
            "document_model": self.partner._name,
            "document_id": self.partner.id,
            "reason": "r",
        }
        wizard = self.env["finance.audit.erase"]
        with self.assertRaises(AccessError):
            wizard.with_user(self.auditor).create(values).action_erase()
        with self.assertRaises(AccessError):
            wizard.with_user(self.outsider).create(values)
        both = self._user("audit_admin", "finance_audit.group_auditor,base.group_system")
        self.assertEqual(self.erasables._parts([self.entry.uid]).keys(), {self.entry.uid})
        wizard.with_user(both).create(values).action_erase()
        self.assertEqual(self.erasables._parts([self.entry.uid]), {})
        with self.assertRaises(UserError):
            wizard.with_user(both).create(values).action_erase()

    def test_a7_a_package_discloses_parts_only_when_asked(self):
        for asked in (False, True):
            export = (
                self.env["finance.audit.export"]
                .with_user(self.auditor)
                .create({"company_ids": self.company.ids, "shared": False, "with_erasable": asked})
            )
            stream = io.BytesIO()
            export._write(stream)
            path = self.folder / "package.zip"
            path.write_bytes(stream.getvalue())
            package = verify_audit.Package(path)
            rows = list(package.rows(f"company-{self.log}/erasable.ndjson"))
            self.assertEqual(NAME in str(rows), asked)
            report = verify_audit.verify(path, verify_audit.Settings())
            self.assertEqual(report.damage, [])
            self.assertEqual(any("disclosed" in line for line in report.proven), asked)


@tagged("post_install", "-at_install")
class TestTrackedPersonalData(FixtureCase):
    def test_a7_a_tracked_field_can_be_erasable(self):
        with patch.object(type(self.settings), "_audit_erasable", ("name",), create=True):
            setting = self.settings.create({"name": NAME, "rate": 0.5})
        entry = self.entries.search(
            [("record_model", "=", setting._name), ("record_id", "=", setting.id)]
        )
        changes = self.details(entry)["changes"]
        self.assertEqual((changes["name"], changes["rate"]["after"]), ("changed", "0.5"))
        part = self.env["finance.audit.erasable"]._parts([entry.uid])[entry.uid]
        self.assertEqual(json.loads(part.text)["changes"]["name"]["after"], NAME)
