"""What a determination says is rendered in the language of the reader; codes are never shown."""

import json
import re

from odoo.addons.finance_tax_engine.core.errors import AmbiguousRule, NoRule
from odoo.tests import tagged

from .common import DATE, EmbeddedCase

#: Codes of kinds of supply, places, sentences and rules as they are stored.
CODES = re.compile(r"\b(tax|place|eu|us|FT\d{3})\.\w+|\bgoods/|\bVATEX-")


@tagged("post_install", "-at_install")
class TestLanguages(EmbeddedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.env["ir.module.module"].search(
            [("name", "in", ("finance_tax_engine", "finance_tax_embedded"))]
        )._update_translations(["fr_FR"])

    def _readings(self, record, name):
        """Return the field as an English and a French user read it."""
        record.invalidate_recordset()
        return [str(record.with_context(lang=lang)[name]) for lang in ("en_US", "fr_FR")]

    def _assert_two_languages(self, english, french):
        self.assertNotEqual(english, french)
        for text in (english, french):
            self.assertTrue(text)
            self.assertNotRegex(text, CODES)
            self.assertNotIn("%(", text)
            self.assertNotIn("…", text)

    def test_a_determination_is_read_in_the_language_of_the_reader(self):
        for customer in (self.customer, self.german):
            determination = self._invoice([(self.paper,)], customer).finance_tax_determination_id
            for name in ("summary", "explanation", "details_html"):
                with self.subTest(customer=customer.name, field=name):
                    self._assert_two_languages(*self._readings(determination, name))

    def test_the_timeline_has_the_sentence_in_the_language_of_the_reader(self):
        move = self._invoice([(self.paper,)], self.customer)
        entry = self.env["finance.audit.entry"].search(
            [("action", "=", "tax.determined"), ("document_id", "=", move.id)], limit=1
        )
        status = json.loads(entry.canonical_text)["statement"]
        texts = self.env["finance.finding"]
        self._assert_two_languages(
            *(texts.with_context(lang=lang)._render(status)[0] for lang in ("en_US", "fr_FR"))
        )

    def test_reasons_without_an_answer_name_places_categories_and_rules(self):
        errors = (
            NoRule("rule_goods_business", jurisdiction="DE", category="books", date=DATE),
            NoRule("last_known_kinds", kinds="goods/standard\nservices/books"),
            AmbiguousRule("rules", rules="France: standard rate\nFrance: books"),
        )
        texts = self.env["finance.finding"]
        for error in errors:
            with self.subTest(error=error.finding_code):
                finding = error.finding()
                readings = [
                    texts.with_context(lang=lang)._render(finding)[0] for lang in ("en_US", "fr_FR")
                ]
                self._assert_two_languages(*readings)

    def test_the_shipped_rules_are_translated(self):
        rule = self.env.ref("finance_tax_embedded.rule_fr_standard_20250101")
        self._assert_two_languages(*self._readings(rule, "name"))

    def test_taxes_and_legal_notes_have_a_text_in_each_language(self):
        self.env["account.tax"].search([("finance_tax_key", "!=", False)]).write({"active": False})
        tax = self._invoice([(self.paper,)], self.german).invoice_line_ids.tax_ids
        for name in ("name", "invoice_legal_notes"):
            with self.subTest(field=name):
                self._assert_two_languages(*self._readings(tax, name))

    def test_an_explanation_of_an_older_release_is_shown_as_it_was_stored(self):
        determination = self._invoice([(self.paper,)], self.customer).finance_tax_determination_id
        answer = determination._answer()
        old = answer.model_copy(update={"explanation": ("As it was written.",)})
        shown = self.env["finance.finding"].with_context(lang="fr_FR")._tax_explanation(old)
        self.assertEqual(shown, "As it was written.")
