"""Renders an invoice for France and holds it against every official rule."""

from lxml import etree
from odoo.addons.finance_einvoice.core.problems import FATAL
from odoo.addons.finance_einvoice.core.validation import validate

from .common import FrenchCompanyCase

_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
NS = {"cac": f"{_UBL}:CommonAggregateComponents-2", "cbc": f"{_UBL}:CommonBasicComponents-2"}


class RenderingCase(FrenchCompanyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.regime = cls.env["finance.einvoice.regime.fr"]

    def conforming(self, move):
        """Post, render and check `move`; return its XML if no official rule is broken fatally."""
        self.assertEqual(self.regime._problems(move), [])
        content = self.regime._render(self.post(move))[1]
        fatal = [
            (item.rule, item.official_text, item.location)
            for item in validate(content, self.regime._rule_sets(move))
            if item.severity == FATAL
        ]
        self.assertEqual(fatal, [])
        return etree.fromstring(content)

    def odoo_breaks(self, move):
        """Rules that Odoo's own BIS 3 document of the posted `move` breaks."""
        content, _errors = self.env["account.edi.xml.ubl_bis3"]._export_invoice(move)
        return {
            item.rule
            for item in validate(content, self.regime._rule_sets(move))
            if item.severity == FATAL
        }

    def texts(self, root, path):
        return [node.text for node in root.iterfind(path, NS)]

    def text(self, root, path):
        (only,) = self.texts(root, path)
        return only

    def attribute(self, root, path, name="schemeID"):
        (node,) = root.iterfind(path, NS)
        return node.get(name), node.text
