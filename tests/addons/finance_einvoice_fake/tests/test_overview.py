"""The overview card of e-invoices: each number is that of the list it opens, for the roles that see it."""

import json

from odoo.addons.finance_connector_base.core import cases
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.tests import new_test_user, tagged

from .fake_case import FakeCase

ACCOUNTANT = "account.group_account_invoice"
AUDITOR = "finance_audit.group_auditor"


@tagged("post_install", "-at_install")
class TestOverview(FakeCase):
    def card(self, groups):
        """The card as a new user of the company with these groups sees it."""
        user = new_test_user(
            self.env,
            login=groups,
            groups=f"base.group_user,{groups}",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        cards = self.env["finance.overview"].with_user(user)
        return cards.search([("code", "=", "einvoices")])

    def prepare(self):
        """Create one e-invoice that waits, one overdue, one rejected and one not delivered."""
        self.posted()
        overdue = self.answer(self.posted(), "sending", "waiting")
        self.env["finance.case"].sudo()._open_for(
            overdue.exchange_id,
            cases.OVERDUE,
            {overdue.exchange_id.id: Finding("text", args={"text": "Late"})},
        )
        self.reject(self.posted())
        self.answer(self.posted(), "sending", "failed", maybe_sent=False)

    def test_figures_are_those_of_the_lists_they_open(self):
        self.prepare()
        for groups in (ACCOUNTANT, AUDITOR, "finance_connector_base.group_operator"):
            with self.subTest(groups=groups):
                card = self.card(groups)
                figures = json.loads(card.content)["figures"]
                values = [figure["value"] for figure in figures]
                self.assertEqual(values, [2, 0, 1, 1, 0, 1])
                for position, value in enumerate(values):
                    action = card.with_context(figure=position).action_open()
                    found = card.env[action["res_model"]].search_count(action["domain"])
                    self.assertEqual(found, value)

    def test_another_company_s_e_invoices_are_not_counted(self):
        self.prepare()
        self.company = self.env["res.company"].create({"name": "Another company"})
        figures = json.loads(self.card(ACCOUNTANT).content)["figures"]
        self.assertEqual(sum(figure["value"] for figure in figures), 0)

    def test_a_user_who_may_not_read_e_invoices_has_no_card(self):
        self.assertFalse(self.card("finance_connector_base.group_admin"))
