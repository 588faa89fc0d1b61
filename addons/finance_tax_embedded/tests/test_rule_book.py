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
        self.assertIn("FT001", raised.exception.args[0])

    def test_t4_ambiguous_rules_are_an_error_and_shown_in_settings(self):
        rule = self.env.ref("finance_tax_embedded.rule_fr_standard_20250101")
        self.assertFalse(rule.problem)
        rival = rule.copy({"name": "Rival", "rate": 19})
        self.assertIn(rule.name, rival.problem)
        move = self._invoice([(self.paper,)])
        self.assertIn("FT002", move.finance_tax_message)
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
        companies = self.env["res.company"].with_context(active_test=False).search([])
        admin = new_test_user(
            self.env,
            "boss",
            groups="finance_connector_base.group_admin",
            company_ids=[(6, 0, companies.ids)],
        )
        rule.with_user(admin).write({"source": "Checked"})
        entry = self.env["finance.audit.entry"].search(
            [("action", "=", "tax.rulebook.changed")], limit=1
        )
        self.assertIn("Source", entry.summary)

    def test_f13_what_all_companies_share_is_changed_by_admins_of_all_companies_only(self):
        own = self._company("Elsewhere", "DE")
        companies = self.env["res.company"].with_context(active_test=False).search([])

        def admin(name, allowed):
            user = new_test_user(
                self.env,
                name,
                groups="finance_connector_base.group_admin",
                company_id=own.id,
                company_ids=[(6, 0, allowed.ids)],
            )
            return self.env(user=user, su=False, context={"allowed_company_ids": allowed.ids})

        hostile, of_all = admin("hostile_taxes", own), admin("admin_of_all", companies)
        shared = {
            "finance.tax.rule": self.env.ref("finance_tax_embedded.rule_fr_standard_20250101"),
            "finance.tax.jurisdiction": self.env.ref("finance_tax_embedded.jurisdiction_fr"),
            "finance.tax.category": self.env.ref("finance_tax_embedded.category_books"),
        }
        for model, record in shared.items():
            values = record.copy_data()[0] | {"name": "Copy", "code": "COPY"}
            values = {name: value for name, value in values.items() if name in record._fields}
            ways = {
                "write": lambda found: found.write({"name": "Changed"}),
                "unlink": lambda found: found.unlink(),
                "create": lambda found, values=values: found.create(values),
            }
            for way, act in ways.items():
                with (
                    self.subTest(model=model, way=way),
                    self.assertRaises(AccessError),
                    self.env.cr.savepoint(),
                ):
                    act(hostile[model].browse(record.id))
            of_all[model].browse(record.id).write({"name": "Changed"})
            self.assertEqual(record.name, "Changed")
        rule = shared["finance.tax.rule"]
        mine = hostile["finance.tax.rule"].create(
            rule.copy_data({"company_id": own.id, "valid_from": "2026-07-01"})[0]
        )
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            mine.company_id = False

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
