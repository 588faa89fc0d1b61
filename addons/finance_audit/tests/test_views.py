"""The auditor's screens: they read, and offer nothing that changes."""

from lxml import etree
from odoo.tests import tagged
from odoo.tools import SQL

from .common import AuditCase

BUTTONS = {
    "list": ("create", "edit", "delete", "import", "duplicate"),
    "form": ("create", "edit", "delete", "duplicate"),
}


@tagged("post_install", "-at_install")
class TestViews(AuditCase):
    def arch(self, kind, user=None):
        model = self.entries.with_user(user or self.auditor)
        return etree.fromstring(model.get_view(view_type=kind)["arch"])

    def test_no_view_offers_to_change_anything(self):
        for kind, names in BUTTONS.items():
            arch = self.arch(kind)
            offered = [name for name in names if arch.get(name) not in ("0", "False", "false")]
            self.assertEqual(offered, [], kind)

    def test_the_menu_is_the_auditors(self):
        menus = self.env["ir.ui.menu"]
        audit = self.env.ref("finance_audit.menu_entries").id
        self.assertIn(audit, menus.with_user(self.auditor)._visible_menu_ids())
        self.assertNotIn(audit, menus.with_user(self.outsider)._visible_menu_ids())

    def test_the_app_hides_from_who_has_nothing_in_it(self):
        root = self.env.ref("finance_audit.menu_root")
        self.assertEqual(root.name, "Finance Connect")
        self.assertTrue(root.web_icon_data)
        self.assertNotIn(
            root.id, self.env["ir.ui.menu"].with_user(self.outsider)._visible_menu_ids()
        )

    def test_entries_are_grouped(self):
        for outcome in ("info", "failure", "failure"):
            self.record(action="test.views", company=self.company, outcome=outcome)
        entries = self.entries.with_user(self.auditor)
        domain = [("action", "=", "test.views"), ("created_at", ">=", "today")]
        groups = entries.formatted_read_group(domain, ["outcome", "created_at:day"], ["__count"])
        self.assertEqual({g["outcome"]: g["__count"] for g in groups}, {"info": 1, "failure": 2})

    def test_an_entry_of_a_deleted_user_can_still_be_opened(self):
        user = self._user("leaver_lea", "base.group_user")
        self.patch(self.env.transaction, "default_env", self.env(user=user.id))
        entry = self.record(company=self.company)
        self.patch(self.env.transaction, "default_env", self.env)
        user.unlink()
        self.env.invalidate_all()
        shown = entry.with_user(self.auditor).web_read(
            {"real_user_id": {"fields": {"display_name": {}}}, "user_login": {}}
        )[0]
        self.assertEqual((shown["real_user_id"], shown["user_login"]), (False, "leaver_lea"))
        self.assertIn(f'"real_user_id":{user.id}', entry.canonical_text)

    def test_opening_the_list_does_not_read_the_whole_log(self):
        """The view takes the first page from the index, and the search panel reads no entries."""
        self.env.cr.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        query = self.entries.with_user(self.auditor)._search([], limit=80, order="id desc")
        names = ("id", "recorded_summary", "canonical_text", "real_user_id")
        select = query.select(*(self.entries._field_to_sql(query.table, name) for name in names))
        self.env.cr.execute(SQL("EXPLAIN %s", select))
        plan = "\n".join(line for (line,) in self.env.cr.fetchall())
        self.assertRegex(plan, "Index Scan Backward using entry_pkey")
        self.assertNotIn("Sort", plan)
        arch = etree.fromstring(
            self.entries.with_user(self.auditor).get_view(view_type="search")["arch"]
        )
        panel = arch.findall(".//searchpanel/field")
        self.assertTrue(panel)
        self.assertEqual([f.get("name") for f in panel if f.get("enable_counters")], [])
        self.assertEqual([f.get("name") for f in panel if not f.get("expand")], [])
        self.entries.with_user(self.auditor).fields_get()  # fills the caches
        before = self.env.cr.sql_log_count
        for name in ("outcome", "source"):
            self.entries.with_user(self.auditor).search_panel_select_multi_range(
                name, expand=True, enable_counters=False
            )
        self.assertEqual(self.env.cr.sql_log_count, before)

    def test_an_action_without_a_label_is_readable(self):
        self.assertEqual(self.record(action="letter.sent_again").action_label, "Letter: sent again")
