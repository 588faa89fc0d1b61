"""Who may see the documents: those of one's own companies, by role."""

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import ReferenceCase

ACCOUNTANT = "finance_connector_base.group_accountant"


@tagged("post_install", "-at_install")
class TestReferenceAccess(ReferenceCase):
    def user(self, login, groups, company):
        return new_test_user(
            self.env,
            login,
            groups=f"base.group_user,{groups}" if groups else "base.group_user",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )

    def test_a_user_without_a_role_reads_nothing(self):
        document = self.document("filing")
        employee = self.user("employee", "", self.env.company)
        for record in (document, self.chain):
            with self.subTest(model=record._name), self.assertRaises(AccessError):
                record.with_user(employee).read(["name"])

    def test_another_company_reads_nothing(self):
        document = self.document("filing")
        company = self.env["res.company"].create({"name": "Elsewhere"})
        for login, groups in (("here", self.env.company), ("elsewhere", company)):
            user = self.user(login, "finance_connector_base.group_operator", groups)
            found = [
                record.with_user(user).search([("id", "=", record.id)])
                for record in (document, self.chain)
            ]
            self.assertEqual([bool(record) for record in found], [login == "here"] * 2)

    def test_an_accountant_only_reads(self):
        document = self.document("filing").with_user(
            self.user("accountant", ACCOUNTANT, self.env.company)
        )
        self.assertEqual(document.name, "D-1")
        with self.assertRaises(AccessError):
            document.write({"name": "other"})
