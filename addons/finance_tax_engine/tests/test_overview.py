"""The overview card of taxes, and the figure of documents posted without the checks."""

import json

from odoo.addons.finance_connector_base.core.cases import NO_EVIDENCE
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.tests import new_test_user, tagged

from ..core.errors import EngineUnavailable
from .common import TaxCase
from .fake_engine import FakeEngine

ACCOUNTANT = "account.group_account_invoice"
#: These see the figures without the right to read invoices.
OTHERS = ("finance_connector_base.group_admin", "finance_audit.group_auditor")


@tagged("post_install", "-at_install")
class TestOverview(TaxCase):
    def card(self, code, groups):
        """A card as a new user of the company with these groups sees it."""
        user = new_test_user(
            self.env,
            login=f"{code}-{groups}",
            groups=f"base.group_user,{groups}",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        return self.env["finance.overview"].with_user(user).search([("code", "=", code)])

    def values(self, card):
        return [figure["value"] for figure in json.loads(card.content)["figures"]]

    def prepare(self):
        """Create one draft without a tax and one with a fallback, and one posted difference."""
        self._invoice([(self.paper,)])
        different = self._invoice([(self.paper,)])
        different.action_post()
        different._finance_store_tax({"finance_tax_remediation": "different"})
        FakeEngine.error = EngineUnavailable("text", text="The engine does not answer.")
        self._invoice([(self.novel,)])
        self.company.finance_tax_fallback = "native"
        self._invoice([(self.novel,)])
        return different

    def test_t4_taxes_to_check_are_counted_and_open_their_lists(self):
        self.prepare()
        card = self.card("taxes", ACCOUNTANT)
        self.assertEqual(self.values(card), [1, 1, 1])
        for position in range(3):
            action = card.with_context(figure=position).action_open()
            self.assertEqual(card.env[action["res_model"]].search_count(action["domain"]), 1)

    def test_roles_without_invoices_see_figures_that_open_nothing(self):
        self.prepare()
        for groups in OTHERS:
            with self.subTest(groups=groups):
                card = self.card("taxes", groups)
                self.assertEqual(self.values(card), [1, 1, 1])
                opens = card.env["account.move"].has_access("read")
                self.assertEqual(bool(card.with_context(figure=0).action_open()), opens)

    def test_documents_posted_without_checks_are_counted(self):
        move = self.prepare()
        before = self.values(self.card("documents", OTHERS[0]))
        self.env["finance.posting.watch"]._open_issue(
            NO_EVIDENCE, move, Finding("evidence.tax"), "posting.evidence_missing"
        )
        card = self.card("documents", ACCOUNTANT)
        after = self.values(card)
        self.assertEqual([new - old for old, new in zip(before, after, strict=True)][-1], 1)
        action = card.with_context(figure=len(after) - 1).action_open()
        self.assertEqual(card.env["finance.case"].search(action["domain"]).document_id, move.id)
