"""The timeline of a document: in the reader's time, safe, and only for employees who may read the document."""

from datetime import timedelta
from unittest.mock import patch

from lxml import html
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import format_time

from ..models import finance_audit_timeline_mixin
from .common import FixtureCase

INJECTION = '<script>alert("x")</script><img src=x onerror=alert(1)>'


@tagged("post_install", "-at_install")
class TestTimeline(FixtureCase):
    def setUp(self):
        super().setUp()
        self.document = self.documents.create({"name": "INV/1", "company_id": self.company.id})

    def record_entry(self, **values):
        return self.record(**{"document": self.document, **values})

    def page(self, document=None):
        return html.fromstring(str((document or self.document).audit_timeline))

    def test_a_document_without_entries_says_so(self):
        self.assertFalse(list(self.page().iter("li")))
        self.assertEqual(self.document.audit_entry_count, 0)

    def test_the_newest_entry_is_on_top(self):
        self.record_entry(summary="Sent.")
        self.record_entry(summary="Accepted.", outcome="success")
        newest, oldest = (item.text_content() for item in self.page().iter("li"))
        self.assertIn("Accepted.", newest)
        self.assertIn("Sent.", oldest)

    def test_a_new_entry_shows_in_a_timeline_already_read(self):
        self.assertEqual(self.document.audit_entry_count, 0)
        self.assertFalse(list(self.page().iter("li")))
        self.record_entry()
        self.assertEqual(self.document.audit_entry_count, 1)
        self.assertEqual(len(list(self.page().iter("li"))), 1)

    def test_a_document_is_its_own_document(self):
        entry = self.record(record=self.document)
        self.assertEqual(entry.document_id, self.document.id)

    def test_outcomes_are_distinguished(self):
        for outcome in ("info", "success", "warning", "failure"):
            self.record_entry(outcome=outcome)
        dots = [dot.get("class").split()[-1] for dot in self.page().iter("i")]
        self.assertEqual(dots, ["bg-danger", "bg-warning", "bg-success", "bg-info"])
        labels = dict(self.entries._fields["outcome"]._description_selection(self.env))
        titles = [dot.get("title") for dot in self.page().iter("i")]
        self.assertEqual(titles[0], labels["failure"])

    def test_details_and_correlation_id_are_folded_away(self):
        self.record_entry(correlation_id="c-42", details={"total_amount": "12.30"})
        fold = next(self.page().iter("details"))
        self.assertIsNone(fold.get("open"))
        for text in ("c-42", "Total amount", "12.30"):
            self.assertIn(text, fold.text_content())

    def test_nothing_recorded_can_inject_html(self):
        self.document.name = INJECTION
        self.record_entry(
            summary=INJECTION, correlation_id=INJECTION, details={INJECTION: INJECTION}
        )
        page = self.page()
        self.assertFalse([*page.iter("script"), *page.iter("img")])
        self.assertEqual(page.text_content().count(INJECTION), 4)
        entry = self.entries.search([("document_id", "=", self.document.id)], limit=1)
        self.assertNotIn("<img", entry.details_html)

    def test_times_are_those_of_the_reader(self):
        entry = self.record_entry()
        for zone, hours in (("UTC", 0), ("Asia/Kolkata", 5.5)):
            reader = self.document.with_context(tz=zone)
            reader.invalidate_recordset(["audit_timeline"])
            shown = next(self.page(reader).iter("time")).text
            local = entry.created_at + timedelta(hours=hours)
            self.assertEqual(shown, format_time(self.env, local.time()))

    def test_readers_of_the_document_may_read_its_timeline(self):
        self.record_entry(summary="Sent.")
        as_outsider = self.document.with_user(self.outsider)
        self.assertIn("Sent.", as_outsider.audit_timeline)
        self.assertEqual(as_outsider.audit_entry_count, 1)
        with self.assertRaises(AccessError):
            as_outsider.action_open_audit_entries()

    def test_without_access_to_the_document_its_timeline_is_empty(self):
        self.record_entry(summary="Sent.")
        model = self.env["ir.model"]._get_id(self.document._name)
        self.env["ir.model.access"].search([("model_id", "=", model)]).unlink()
        hidden = self.document.with_user(self.outsider)
        # Past the framework's own check, as code that reads a computed field does.
        self.assertNotIn("Sent.", hidden._audit_render_timeline())
        with self.env.protecting([hidden._fields["audit_entry_count"]], hidden):
            hidden._compute_audit_entry_count()
        self.assertEqual(hidden.audit_entry_count, 0)

    def test_portal_users_see_none_of_the_audit_fields(self):
        self.record_entry(summary="Sent.")
        portal = new_test_user(self.env, login="audit_portal", groups="base.group_portal")
        model = self.env["ir.model"]._get_id(self.document._name)
        self.env["ir.model.access"].create(
            {
                "name": "portal",
                "model_id": model,
                "group_id": self.env.ref("base.group_portal").id,
                "perm_read": True,
            }
        )
        document = self.document.with_user(portal)
        self.assertEqual(document.name, "INV/1")
        names = {"audit_timeline", "audit_entry_count"}
        self.assertFalse(names & set(document.fields_get()))
        self.assertFalse(names & set(document.read()[0]))
        for name in sorted(names):
            with self.subTest(name), self.assertRaises(AccessError):
                document.read([name])

    def test_auditors_go_on_to_the_log(self):
        self.record_entry()
        action = self.document.with_user(self.auditor).action_open_audit_entries()
        found = self.entries.with_user(self.auditor).search(action["domain"])
        self.assertEqual(found.document_id, self.document.id)

    def test_a_long_timeline_is_cut_and_says_so(self):
        with patch.object(finance_audit_timeline_mixin, "SHOWN", 2):
            for _entry in range(3):
                self.record_entry()
            page = self.page()
        self.assertEqual(len(list(page.iter("li"))), 2)
        self.assertIn("Only the latest 2", page.text_content())

    def test_an_unsaved_document_has_no_timeline(self):
        new = self.documents.new({"name": "draft"})
        self.assertEqual(new.audit_entry_count, 0)
        self.assertFalse(list(html.fromstring(str(new.audit_timeline)).iter("li")))
