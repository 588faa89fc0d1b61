"""Evidence packages: what is in them verifies with the one file, and each export is recorded."""

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from ..core import sealing, verify_audit
from .test_anchoring import AnchorCase


@tagged("post_install", "-at_install")
class TestExport(AnchorCase):
    def setUp(self):
        super().setUp()
        self.document = self.partner
        for number in range(4):
            self.record(company=self.company, document=self.document, summary=f"Step {number}.")
        self.grow(300)
        self.exports = self.env["finance.audit.export"].with_user(self.auditor)

    def package(self, **values):
        export = self.exports.create({"company_ids": self.company.ids, "shared": False, **values})
        stream = io.BytesIO()
        export._write(stream)
        return stream.getvalue()

    def checked(self, data, *words):
        """Run the verifier as a program on the package; it knows nothing of Odoo."""
        folder = Path(tempfile.mkdtemp(prefix="package-"))
        (folder / "package.zip").write_bytes(data)
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            (folder / "verify.py").write_bytes(package.read("verify_audit.py"))
            self.assertIsNone(package.testzip())
        done = subprocess.run(
            [sys.executable, "-I", "verify.py", "package.zip", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertFalse(done.stderr)
        return done.returncode, done.stdout

    def key(self):
        self.env.cr.execute(
            "SELECT verifier_key FROM finance_audit.signing_key WHERE log_id = %s", [self.log]
        )
        return self.env.cr.fetchone()[0]

    def manifest(self, data):
        return json.loads(zipfile.ZipFile(io.BytesIO(data)).read("manifest.json"))

    def test_a6_a_complete_package_verifies_elsewhere_with_the_key_and_the_folder(self):
        self.target("folder")._anchor_all()
        data = self.package()
        code, text = self.checked(data, "--key", self.key(), "--anchor", str(self.folder))
        self.assertEqual(code, 0, text)
        size = self.manifest(data)["logs"][0]["size"]
        self.assertIn(f"all {size:,} entries are unchanged", text)
        self.assertIn("checkpoints kept outside agree", text)

    def test_f15_a_log_that_is_not_in_the_package_is_missed_by_the_others(self):
        """The folder, the key and every anchor of the other log are gone; the signed list is not."""
        self.record(company=self.other_company)
        self.sealer._seal_once(self.other_company.id)
        self.record(company=self.company)
        self.sealer._seal_once(self.company.id)
        code, text = self.checked(self.package())
        self.assertEqual(code, 0, text)
        self.assertIn(f"the log '{self.other_company.id}': signed checkpoints state", text)

    def test_f15_a_log_removed_from_the_database_is_damage_of_the_others(self):
        self.record(company=self.other_company)
        self.sealer._seal_once(self.other_company.id)
        self.record(company=self.company)
        self.sealer._seal_once(self.company.id)
        verifications = self.env["finance.audit.verification"]
        self.assertFalse(verifications._examine(self.company.id)[0].damage)
        present = [
            number for number in sealing.logs(self.env.cr) if number != self.other_company.id
        ]
        with patch.object(sealing, "logs", return_value=present):
            damage = verifications._examine(self.company.id)[0].damage
        self.assertEqual([line.code for line in damage], ["log.missing"])

    def test_a6_a_document_is_exported_with_its_proofs_only(self):
        data = self.package(
            scope="document", document_model=self.document._name, document_id=self.document.id
        )
        code, text = self.checked(data, "--key", self.key())
        self.assertEqual(code, 0, text)
        self.assertIn("4 entries are unchanged parts of the log", text)
        package = zipfile.ZipFile(io.BytesIO(data))
        lines = package.read(f"company-{self.log}/entries.ndjson").splitlines()
        self.assertEqual(
            [json.loads(line)["summary"] for line in lines], [f"Step {n}." for n in range(4)]
        )
        summary = package.read("summary.html").decode()
        self.assertIn("Step 3.", summary)

    def test_a6_a_period_is_exported_with_its_proofs(self):
        now = fields.Datetime.now()
        data = self.package(
            scope="period", date_from=now - timedelta(hours=1), date_to=now + timedelta(hours=1)
        )
        code, text = self.checked(data)
        self.assertEqual(code, 0, text)
        self.assertGreater(self.manifest(data)["logs"][0]["entries"], 300)
        empty = self.package(
            scope="period", date_from=now - timedelta(days=9), date_to=now - timedelta(days=8)
        )
        self.assertEqual(self.manifest(empty)["logs"][0]["entries"], 0)
        self.assertEqual(self.checked(empty)[0], 0)

    def test_a6_an_entry_changed_in_the_database_is_named_in_the_package(self):
        entry = self.entries.search([("document_id", "=", self.document.id)], order="id", limit=1)
        data = self.package()
        changed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name).replace(b"Step 0.", b"Step 9."))
        code, text = self.checked(changed.getvalue())
        self.assertEqual(code, 1)
        self.assertIn(entry.uid, text)

    def test_a1_every_export_is_recorded_with_who_and_what(self):
        self.patch(self.env.transaction, "default_env", self.env(user=self.auditor.id))
        self.package(
            scope="document", document_model=self.document._name, document_id=self.document.id
        )
        entry = self.entries.search([("action", "=", "audit.exported")], limit=1)
        self.assertEqual((entry.real_user_id, entry.company_id), (self.auditor, self.company))
        details = self.details(entry)
        self.assertEqual(
            (details["scope"], details["number"], details["entries"]),
            ("document", self.document.id, 4),
        )

    def test_users_without_the_role_and_other_companies_are_refused(self):
        with self.assertRaises(AccessError):
            self.env["finance.audit.export"].with_user(self.outsider).create({})
        export = self.exports.create({"company_ids": self.company.ids})
        with self.assertRaises(AccessError):
            export.with_user(self.outsider)._write(io.BytesIO())
        export.sudo().company_ids = self.other_company
        with self.assertRaises(AccessError):
            export._write(io.BytesIO())

    def test_an_incomplete_scope_is_refused(self):
        for scope in ("period", "document"):
            with self.assertRaises(UserError):
                self.exports.create({"scope": scope})

    def test_a8_what_is_not_sealed_yet_is_said_in_the_package(self):
        self.record(company=self.company)
        data = self.package()
        self.assertEqual(self.manifest(data)["logs"][0]["unsealed"], 1)
        self.assertIn("entries not sealed yet: 1", self.checked(data)[1])

    def test_a_document_is_exported_from_its_entry(self):
        entry = self.entries.search([("document_id", "=", self.document.id)], limit=1)
        action = entry.with_user(self.auditor).action_export_evidence()
        export = self.exports.with_context(**action["context"]).create({})
        self.assertEqual((export.scope, export.document_id), ("document", self.document.id))

    def test_the_wizard_seals_before_it_hands_over(self):
        export = self.exports.create({"company_ids": self.company.ids})
        with patch.object(type(self.sealer), "_seal_all") as sealed:
            action = export.action_export()
        sealed.assert_called_once()
        self.assertEqual(action["url"], f"/finance_audit/package/{export.id}")


@tagged("post_install", "-at_install")
class TestDownload(HttpCase, AnchorCase):
    def test_a_package_is_downloaded_by_its_auditor_only(self):
        self.grow()
        export = (
            self.env["finance.audit.export"]
            .with_user(self.auditor)
            .create({"company_ids": self.company.ids})
        )
        url = f"/finance_audit/package/{export.id}"
        self.authenticate("audit_outsider", "audit_outsider")
        self.assertNotEqual(self.url_open(url).status_code, 200)
        self.authenticate("audit_reader", "audit_reader")
        answer = self.url_open(url)
        self.assertEqual(answer.headers["Content-Type"], "application/zip")
        report = verify_audit.verify(self._file(answer.content), verify_audit.Settings())
        self.assertEqual(report.damage, [])

    def _file(self, content):
        path = Path(tempfile.mkdtemp(prefix="download-")) / "package.zip"
        path.write_bytes(content)
        return path
