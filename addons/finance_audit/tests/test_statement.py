"""What an entry or a verification says is read in the language of the reader."""

import json
import re
from pathlib import Path

from odoo.tests import tagged

from ..core import verify_audit
from ..core.statement import Statement
from .common import AuditCase

_READERS = ("en_US", "fr_FR")


@tagged("post_install", "-at_install")
class TestStatement(AuditCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.env["ir.module.module"].search([("name", "=", "finance_audit")])._update_translations(
            ["fr_FR"], overwrite=True
        )

    def entry(self, **values):
        uid = self.entries._record(action="test.done", **values)
        return self.entries.search([("uid", "=", uid)])

    def read_by_both(self, record, name):
        return [record.with_context(lang=lang)[name] for lang in _READERS]

    def test_two_readers_of_one_entry_read_two_sentences(self):
        for code, args in (
            ("role.granted", {"role": "Auditor", "user": "Ada"}),
            ("package.exported", {"count": 12}),
            ("record.deleted", {"kind": {"model": "res.partner"}, "name": "Ada"}),
        ):
            english, french = self.read_by_both(
                self.entry(statement=Statement(code, args)), "summary"
            )
            self.assertNotEqual(english, french)
            for sentence in (english, french):
                self.assertNotIn(code, sentence)
                self.assertNotIn("%(", sentence)

    def test_code_and_arguments_are_part_of_the_evidence(self):
        entry = self.entry(statement=Statement("package.exported", {"count": 12}))
        stated = json.loads(entry.canonical_text)["statement"]
        self.assertEqual(stated, {"code": "package.exported", "args": {"count": 12}})

    def test_an_entry_without_a_code_has_the_recorded_sentence(self):
        old = self.entry(summary="As it was recorded.")
        unknown = self.entry(statement=Statement("gone.away"), summary="As it was recorded.")
        for entry in (old, unknown):
            self.assertEqual(self.read_by_both(entry, "summary"), ["As it was recorded."] * 2)

    def test_a_verification_is_read_in_two_languages(self):
        found = self.env["finance.audit.verification"]._store(
            0, "manual", "incomplete", [Statement("verification.empty", {"log": "Nordlicht"})]
        )
        english, french = self.read_by_both(found, "answer_text")
        self.assertNotEqual(english, french)
        self.assertIn("Nordlicht", french)

    def test_every_code_of_the_verifier_has_a_sentence(self):
        source = Path(verify_audit.__file__).read_text(encoding="utf-8")
        codes = set(re.findall(r'Damage\(\s*"([a-z_.]+)"', source))
        codes |= {
            f"{kind}.{name}"
            for kind, name in re.findall(r'self\._(proven|unproven)\(\s*"(\w+)"', source)
        }
        self.assertTrue(codes)
        self.assertLessEqual(codes, set(self.env["finance.audit.statement"]._sentences()))
