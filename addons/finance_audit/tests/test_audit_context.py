"""A1: who, from where, for which company."""

from types import SimpleNamespace
from unittest.mock import patch

from odoo import SUPERUSER_ID
from odoo.tests import tagged

from ..models import audit_context
from .common import AuditCase


@tagged("post_install", "-at_install")
class TestAuditContext(AuditCase):
    def began_as(self, user):
        """As at the start of a request of `user`."""
        self.patch(self.env.transaction, "default_env", self.env(user=user.id))

    def test_a1_behind_sudo_the_real_user_is_kept(self):
        self.began_as(self.outsider)
        for model in (
            self.entries.with_user(self.outsider).sudo(),
            self.entries.with_user(SUPERUSER_ID),
        ):
            entry = self.entries.search([("uid", "=", model._record(action="test.done"))])
            self.assertEqual(entry.real_user_id, self.outsider)
            self.assertEqual(entry.user_login, "audit_outsider")
            self.assertEqual(entry.user_id.id, model.env.uid)

    def test_a1_acting_as_another_does_not_hide_who_began(self):
        self.began_as(self.auditor)
        model = self.entries.with_user(self.outsider)
        entry = self.entries.search([("uid", "=", model._record(action="test.done"))])
        self.assertEqual((entry.user_id, entry.real_user_id), (self.outsider, self.auditor))

    def test_the_source_is_derived_from_the_request(self):
        for path, uid, source in (
            ("/web/dataset/call_kw/x/y", 2, "ui"),
            ("/json/2/res.partner/read", 2, "rpc"),
            ("/xmlrpc/2/object", None, "rpc"),
            ("/some/webhook", None, "rpc"),
        ):
            request = SimpleNamespace(
                httprequest=SimpleNamespace(path=path), session=SimpleNamespace(uid=uid)
            )
            with self.subTest(path), patch.object(audit_context.http, "request", request):
                self.assertEqual(self.record().source, source)

    def test_the_source_is_determined_without_a_request(self):
        self.assertEqual(self.record().source, "cli")
        model = self.entries.with_context(cron_id=1)
        entry = self.entries.search([("uid", "=", model._record(action="test.done"))])
        self.assertEqual(entry.source, "cron")
        thread = SimpleNamespace(name="odoo.service.cron.cron0")
        with patch.object(audit_context.threading, "current_thread", lambda: thread):
            self.assertEqual(audit_context.source_of(self.env), "cron")

    def test_the_company_is_the_documents_never_the_active_one(self):
        self.partner.company_id = self.other_company
        entries = self.entries.with_company(self.company)
        uid = entries._record(action="test.done", record=self.env.user, document=self.partner)
        entry = self.entries.search([("uid", "=", uid)])
        self.assertEqual(entry.company_id, self.other_company)

    def test_the_company_falls_back_to_the_record(self):
        self.assertEqual(self.record(record=self.outsider).company_id, self.company)
        self.assertEqual(self.record(record=self.other_company).company_id, self.other_company)

    def test_what_belongs_to_no_company_stays_without_one(self):
        self.partner.company_id = False
        self.assertFalse(self.record(record=self.partner).company_id)
        self.assertFalse(self.record(document=self.partner).company_id)
        self.assertFalse(self.record().company_id)

    def test_a_given_company_wins(self):
        entry = self.record(record=self.outsider, company=self.other_company)
        self.assertEqual(entry.company_id, self.other_company)
