"""T4: an indeterminate tax is a state, never a zero; every fallback is visible and re-checked."""

import re

from odoo.exceptions import RedirectWarning, UserError
from odoo.tests import tagged

from ..core.errors import EngineUnavailable, MissingFact
from .common import TaxCase
from .fake_engine import FakeEngine


@tagged("post_install", "-at_install")
class TestT4Fallback(TaxCase):
    def _break_the_engine(self):
        FakeEngine.error = EngineUnavailable("text", text="The engine does not answer.")

    def _repair_the_engine(self):
        FakeEngine.error = None

    def test_t4_the_choice_of_engine_and_policy_is_evidence(self):
        self.company.finance_tax_fallback = "native"
        entry = self.env["finance.audit.entry"].search(
            [("record_model", "=", "res.company"), ("record_id", "=", self.company.id)], limit=1
        )
        self.assertIn(
            '"finance_tax_fallback":{"after":"native","before":"block"}', entry.canonical_text
        )
        self.assertEqual(entry.company_id, self.company)

    def test_t4_block_saves_the_draft_and_refuses_to_post(self):
        self._break_the_engine()
        move = self._invoice([(self.paper,)])
        self.assertEqual(move.finance_tax_state, "failed")
        self.assertIn("does not answer", move.finance_tax_message)
        self.assertEqual([item["code"] for item in move.finance_tax_findings], ["FT006.text"])
        with self.assertRaisesRegex(UserError, re.escape(move.finance_tax_message)):
            move.action_post()
        self.assertEqual(move.state, "draft")

    def test_t4_a_customer_without_country_leads_to_the_customer(self):
        FakeEngine.error = MissingFact("text", text="The customer has no country.")
        nowhere = self.env["res.partner"].create({"name": "Nowhere"})
        move = self._invoice([(self.paper,)], nowhere)
        with self.assertRaises(RedirectWarning) as raised:
            move.action_post()
        self.assertEqual(raised.exception.args[1]["res_id"], nowhere.id)

    def test_t4_native_taxes_are_used_visibly_and_resolved(self):
        self.company.finance_tax_fallback = "native"
        self._break_the_engine()
        move = self._invoice([(self.paper,)])
        self.assertEqual(move.finance_tax_state, "fallback")
        self.assertEqual(move.invoice_line_ids.tax_ids, self.native)
        self.assertEqual(move.amount_tax, 20.0)
        self.assertEqual(move.finance_tax_remediation, "pending")
        move.action_post()
        self._repair_the_engine()
        self.env["finance.tax.remediation"]._remediate(move)
        self.assertEqual(move.finance_tax_state, "determined")
        self.assertEqual(move.finance_tax_remediation, "resolved")
        self.assertEqual(move.finance_tax_determination_id.total_tax, 20.0)

    def test_t4_a_difference_to_what_was_posted_goes_to_a_person(self):
        self.company.finance_tax_fallback = "native"
        self._break_the_engine()
        move = self._invoice([(self.novel,)])
        move.action_post()
        self._repair_the_engine()
        self.env["finance.tax.remediation"]._remediate(move)
        self.assertEqual(move.finance_tax_state, "fallback")
        self.assertEqual(move.finance_tax_remediation, "different")
        self.assertIn("14.50", move.activity_ids.note)
        self.assertEqual(move.amount_tax, 20.0)

    def test_t4_a_draft_is_determined_as_soon_as_the_engine_answers(self):
        self.company.finance_tax_fallback = "native"
        self._break_the_engine()
        move = self._invoice([(self.novel,)])
        self._repair_the_engine()
        self.env["finance.tax.remediation"]._remediate(move)
        self.assertEqual((move.finance_tax_state, move.amount_tax), ("determined", 5.5))
        self.assertEqual(move.finance_tax_remediation, "resolved")

    def test_t4_the_engine_that_stays_silent_is_asked_again_later(self):
        self.company.finance_tax_fallback = "native"
        self._break_the_engine()
        move = self._invoice([(self.paper,)])
        move.action_post()
        self.env["finance.tax.remediation"]._remediate(move)
        self.assertEqual(move.finance_tax_remediation, "pending")

    def test_t4_last_known_rates_for_the_same_customer(self):
        self._invoice([(self.novel,)])
        self.company.finance_tax_fallback = "last_known"
        self._break_the_engine()
        move = self._invoice([(self.novel, 2)])
        self.assertEqual((move.finance_tax_state, move.amount_tax), ("fallback", 11.0))
        self.assertEqual(move.finance_tax_determination_id.engine, "last_known")
        move.action_post()
        self._repair_the_engine()
        self.env["finance.tax.remediation"]._remediate(move)
        self.assertEqual(move.finance_tax_state, "determined")
        self.assertEqual(move.finance_tax_determination_id.engine, "fake")

    def test_t4_without_a_last_known_rate_nothing_is_posted(self):
        self.company.finance_tax_fallback = "last_known"
        self._break_the_engine()
        move = self._invoice([(self.novel,)])
        self.assertEqual(move.finance_tax_state, "failed")
        with self.assertRaises(UserError):
            move.action_post()

    def test_t4_a_fallback_never_becomes_zero_by_accident(self):
        self.company.finance_tax_fallback = "native"
        self.company.account_sale_tax_id = False
        self.paper.taxes_id = False
        self._break_the_engine()
        move = self._invoice([(self.paper,)])
        self.assertEqual(move.finance_tax_state, "failed")
        self.assertEqual(
            [finding["code"] for finding in move.finance_tax_findings],
            ["FT006.text", "FT001.native"],
        )

    def test_t4_the_companys_default_tax_stands_in_for_a_product_without(self):
        self.company.finance_tax_fallback = "native"
        self.company.account_sale_tax_id = self.native
        self.paper.taxes_id = False
        self._break_the_engine()
        move = self._invoice([(self.paper,)])
        self.assertEqual((move.finance_tax_state, move.amount_tax), ("fallback", 20.0))

    def test_t4_the_job_asks_for_every_pending_document(self):
        self.company.finance_tax_fallback = "native"
        self._break_the_engine()
        moves = self._invoice([(self.paper,)]) + self._invoice([(self.novel,)])
        self._repair_the_engine()
        self.patch(type(self.env["ir.cron"]), "_commit_progress", lambda *_a, **_k: 1.0)
        self.env["finance.tax.remediation"]._cron_remediate()
        self.assertEqual(moves.mapped("finance_tax_state"), ["determined"] * 2)

    def test_t4_the_evidence_names_the_policy(self):
        self.company.finance_tax_fallback = "native"
        self._break_the_engine()
        move = self._invoice([(self.paper,)])
        entry = self.env["finance.audit.entry"].search(
            [("action", "=", "tax.fallback"), ("document_id", "=", move.id)]
        )
        self.assertEqual(entry.outcome, "warning")
        self.assertIn("FT006", entry.canonical_text)

    def test_a_company_without_engine_keeps_odoos_taxes(self):
        self.company.finance_tax_engine = "none"
        move = self._invoice([(self.paper,)])
        move.action_post()
        self.assertEqual(move.finance_tax_state, "none")
        self.assertEqual(move.invoice_line_ids.tax_ids, self.native)
        self.assertFalse(move.finance_tax_determination_ids)
