"""Who reads evidence: auditors, of their companies."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import AuditCase


@tagged("post_install", "-at_install")
class TestAccess(AuditCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for company in (cls.company, cls.other_company, None):
            cls.entries._record(action="test.access", company=company)
        cls.domain = [("action", "=", "test.access")]

    def test_users_without_the_role_cannot_read(self):
        entries = self.entries.with_user(self.outsider)
        with self.assertRaises(AccessError):
            entries.search(self.domain)
        with self.assertRaises(AccessError):
            self.entries.search(self.domain).with_user(self.outsider).read(["summary"])
        with self.assertRaises(AccessError):
            self.env["finance.audit.protection"].with_user(self.outsider).action_open()

    def test_an_auditor_sees_the_own_companies_and_what_belongs_to_none(self):
        found = self.entries.with_user(self.auditor).search(self.domain)
        self.assertEqual(found.company_id, self.company)
        self.assertEqual(len(found), 2)

    def test_another_companys_entry_cannot_be_read_by_its_number(self):
        hidden = self.entries.search([*self.domain, ("company_id", "=", self.other_company.id)])
        with self.assertRaises(AccessError):
            hidden.with_user(self.auditor).read(["summary"])

    def test_an_administrator_without_the_role_reads_nothing(self):
        admin = self._user("admin_only", "base.group_system")
        with self.assertRaises(AccessError):
            self.entries.with_user(admin).search(self.domain)

    def test_exporting_needs_the_role_and_the_right_to_export(self):
        entry = self.entries.search(self.domain, limit=1, order="id")
        exporter = self.env.ref("base.group_allow_export")
        for user in self.outsider | self.auditor:
            user.group_ids += exporter
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            entry.with_user(self.outsider).export_data(["action"])
        exported = entry.with_user(self.auditor).export_data(["action"])
        self.assertEqual(exported["datas"], [["test.access"]])

    def test_the_document_opens_with_the_readers_own_rights(self):
        entry = self.record(document=self.company).with_user(self.auditor)
        action = entry.action_open_document()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.company", self.company.id))

    def test_a_document_that_is_gone_is_said_to_be_gone(self):
        partner = self.env["res.partner"].create({"name": "Gone tomorrow"})
        entry = self.record(document=partner)
        partner.unlink()
        with self.assertRaisesRegex(UserError, "Gone tomorrow"):
            entry.action_open_document()

    def test_a_user_without_the_role_cannot_ask_where_an_entry_leads(self):
        entry = self.record(document=self.company).with_user(self.outsider)
        with self.assertRaises(AccessError):
            entry.action_open_document()
