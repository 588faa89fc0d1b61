"""Immutable records: what is evidence is never changed, duplicated or deleted through the ORM."""

from odoo.tests import tagged

from ..exceptions import EvidenceIsAppendOnly
from .common import FixtureCase


@tagged("post_install", "-at_install")
class TestEvidenceMixin(FixtureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.receipt = cls.env["finance.audit.fixture.receipt"].create({"name": "R-1"})
        cls.attempt = cls.env["finance.audit.fixture.attempt"].create({"answer": "yes"})

    def refused(self, change):
        with self.assertRaises(EvidenceIsAppendOnly):
            change()

    def test_only_open_fields_change(self):
        self.receipt.note = "seen"
        self.refused(lambda: self.receipt.write({"name": "R-2"}))
        self.refused(lambda: self.receipt.write({"name": "R-2", "note": "both"}))
        self.receipt.invalidate_recordset()
        self.assertEqual((self.receipt.name, self.receipt.note), ("R-1", "seen"))

    def test_fixed_fields_never_change(self):
        self.attempt.note = "seen"
        self.refused(lambda: self.attempt.write({"answer": "no"}))
        self.refused(lambda: self.attempt.write({"answer": "yes"}))
        self.attempt.invalidate_recordset()
        self.assertEqual((self.attempt.answer, self.attempt.note), ("yes", "seen"))

    def test_nothing_is_deleted_or_duplicated(self):
        for record in (self.receipt, self.attempt, self.attempt.sudo()):
            self.refused(record.unlink)
            self.refused(record.copy)
        self.assertTrue(self.receipt.exists())
        self.assertTrue(self.attempt.exists())

    def test_the_message_names_the_fields(self):
        with self.assertRaisesRegex(EvidenceIsAppendOnly, "Answer"):
            self.attempt.answer = "no"

    def test_no_records_are_no_error(self):
        self.receipt.browse().write({"name": "x"})
        self.receipt.browse().unlink()
