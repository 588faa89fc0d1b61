"""Who got and lost which role of the suite, whoever gave it and by whatever way."""

from odoo import Command
from odoo.tests import new_test_user, tagged

from .common import AuditCase


@tagged("post_install", "-at_install")
class TestRoles(AuditCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.role = cls.env.ref("finance_audit.group_auditor")
        cls.other = cls.env["res.groups"].create({"name": "Accounting team"})

    def recorded(self, user):
        """(action, role) of every entry about a user, in order."""
        found = self.entries.search(
            [("record_model", "=", "res.users"), ("record_id", "=", user.id)], order="id"
        )
        return [(entry.action, self.details(entry)["role"]["id"]) for entry in found]

    def test_a_role_given_to_a_user_and_taken_is_recorded_once_each(self):
        self.outsider.group_ids = [Command.link(self.role.id)]
        self.outsider.group_ids = [Command.unlink(self.role.id)]
        self.assertEqual(
            self.recorded(self.outsider),
            [("role.granted", self.role.id), ("role.withdrawn", self.role.id)],
        )

    def test_the_entry_names_who_gave_it_and_to_whom(self):
        self.outsider.group_ids = [Command.link(self.role.id)]
        entry = self.entries.search([("record_id", "=", self.outsider.id)], limit=1)
        self.assertEqual(entry.real_user_id, self.env.user)
        self.assertEqual(entry.company_id, self.company)
        self.assertIn(self.outsider.name, entry.summary)
        self.assertEqual(self.details(entry)["user"]["login"], "audit_outsider")

    def test_a_user_created_with_a_role_is_recorded(self):
        user = new_test_user(self.env, login="audit_new", groups="finance_audit.group_auditor")
        self.assertEqual(self.recorded(user), [("role.granted", self.role.id)])

    def test_a_role_that_comes_with_another_group_is_recorded(self):
        self.other.user_ids = [Command.link(self.outsider.id)]
        self.assertEqual(self.recorded(self.outsider), [])
        self.other.implied_ids = [Command.link(self.role.id)]
        self.assertEqual(self.recorded(self.outsider), [("role.granted", self.role.id)])
        self.other.user_ids = [Command.unlink(self.outsider.id)]
        self.assertEqual(self.recorded(self.outsider)[-1], ("role.withdrawn", self.role.id))

    def test_the_form_of_the_role_is_recorded_as_well(self):
        self.role.user_ids = [Command.link(self.outsider.id)]
        self.assertEqual(self.recorded(self.outsider), [("role.granted", self.role.id)])

    def test_an_archived_user_holds_no_role(self):
        self.auditor.active = False
        self.assertEqual(self.recorded(self.auditor)[-1], ("role.withdrawn", self.role.id))
        self.auditor.active = True
        self.assertEqual(self.recorded(self.auditor)[-1], ("role.granted", self.role.id))

    def test_holders_are_read_with_one_query(self):
        self.env.flush_all()
        groups = self.env["res.groups"]
        before = self.env.cr.sql_log_count
        holders = groups._audit_holders()
        self.assertEqual(self.env.cr.sql_log_count - before, 1)
        expected = {(self.role.id, user.id) for user in self.role.all_user_ids}
        self.assertEqual({pair for pair in holders if pair[0] == self.role.id}, expected)

    def test_other_groups_leave_no_entry(self):
        self.outsider.group_ids = [Command.link(self.other.id)]
        self.assertEqual(self.recorded(self.outsider), [])
