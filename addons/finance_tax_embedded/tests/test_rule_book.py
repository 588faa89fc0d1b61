"""Rules decide by jurisdiction, category and date; conflicts and gaps are errors, never a zero."""

from datetime import date

from odoo.exceptions import AccessError, RedirectWarning
from odoo.tests import new_test_user, tagged

from ..hooks import load_rule_book
from .common import EmbeddedCase


@tagged("post_install", "-at_install")
class TestRuleBook(EmbeddedCase):
    def test_t4_a_missing_rule_leads_to_the_rules(self):
        self.env["finance.tax.rule"].search([("jurisdiction_id.code", "=", "FR")]).active = False
        move = self._invoice([(self.paper,)])
        self.assertEqual(move.finance_tax_state, "failed")
        with self.assertRaises(RedirectWarning) as raised:
            move.action_finance_determine_tax()
        action = self.env.ref("finance_tax_embedded.finance_tax_rule_action")
        self.assertEqual(raised.exception.args[1], action.id)
        (finding,) = move.finance_tax_findings
        self.assertTrue(finding["code"].startswith("FT001."))

    def test_t4_ambiguous_rules_are_an_error_and_shown_in_settings(self):
        rule = self.env.ref("finance_tax_embedded.rule_fr_standard_20250101")
        self.assertFalse(rule.problem)
        rival = rule.copy({"name": "Rival", "rate": 19})
        self.assertIn(rule.name, rival.problem)
        move = self._invoice([(self.paper,)])
        self.assertEqual([item["code"] for item in move.finance_tax_findings], ["FT002.rules"])
        settings = self.env["res.config.settings"].create({"company_id": self.company.id})
        self.assertIn("Rival", settings.finance_tax_problem)

    def test_a_rule_applies_from_its_first_day(self):
        rule = self.env.ref("finance_tax_embedded.rule_fr_standard_20250101")
        rule.valid_to = date(2026, 5, 31)
        rule.copy({"rate": 21, "valid_from": "2026-06-01", "valid_to": False})
        self.assertEqual(self._invoice([(self.paper,)]).amount_tax, 20.0)
        later = self._invoice([(self.paper,)], invoice_date="2026-06-01")
        self.assertEqual(later.amount_tax, 21.0)

    def test_only_a_finance_admin_changes_rules(self):
        rule = self.env.ref("finance_tax_embedded.rule_fr_standard_20250101")
        accountant = new_test_user(self.env, "bookkeeper", groups="account.group_account_invoice")
        with self.assertRaises(AccessError):
            rule.with_user(accountant).write({"rate": 1})
        admin = new_test_user(self.env, "boss", groups="finance_connector_base.group_admin")
        self.env["res.company"].create({"name": "Another company"})
        with self.assertRaises(AccessError):
            rule.with_user(admin).write({"source": "Checked"})
        admin.company_ids = self.env["res.company"].with_context(active_test=False).search([])
        rule.with_user(admin).write({"source": "Checked"})
        entry = self.env["finance.audit.entry"].search(
            [("action", "=", "tax.rulebook.changed")], limit=1
        )
        self.assertIn("Source", entry.summary)

    def test_rules_and_registrations_are_seen_only_in_their_company(self):
        other = self._company("Elsewhere", "DE")
        outsider = new_test_user(
            self.env,
            "outsider",
            groups="account.group_account_invoice",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        rule = self.env["finance.tax.rule"].create(
            {
                "name": "Own",
                "jurisdiction_id": self.env.ref("finance_tax_embedded.jurisdiction_fr").id,
                "rate": 19,
                "company_id": self.company.id,
            }
        )
        for record in (rule, self._register("oss", "fr")):
            with self.assertRaises(AccessError):
                record.with_user(outsider).with_context(allowed_company_ids=other.ids).read(
                    ["valid_from"]
                )

    def test_t13_the_shipped_rule_book_is_loaded_once_and_never_overwrites(self):
        shipped = self.env["ir.model.data"].search(
            [("module", "=", "finance_tax_embedded"), ("model", "=", "finance.tax.rule")]
        )
        self.assertTrue(shipped)
        self.assertTrue(all(shipped.mapped("noupdate")))
        rule = self.env.ref("finance_tax_embedded.rule_fr_standard_20250101")
        rule.rate = 33
        self.env.ref("finance_tax_embedded.rule_at_books_20250101").unlink()
        load_rule_book(self.env)
        self.assertEqual(rule.rate, 33)
        self.assertFalse(
            self.env.ref("finance_tax_embedded.rule_at_books_20250101", raise_if_not_found=False)
        )
