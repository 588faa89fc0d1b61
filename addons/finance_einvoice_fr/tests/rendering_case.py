"""Renders an invoice for France and holds it against every official rule."""

from lxml import etree
from odoo.addons.finance_connector_base.core.finding import ERROR

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
        self.assertEqual(self.regime._check(move), [])
        content = self.regime._render(self.post(move))[1]
        errors = [
            (item.code, item.args["text"], item.item)
            for item in self.validated(move, content)
            if item.severity == ERROR
        ]
        self.assertEqual(errors, [])
        return etree.fromstring(content)

    def odoo_breaks(self, move):
        """Rules that Odoo's own BIS 3 document of the posted `move` breaks."""
        content, _errors = self.env["account.edi.xml.ubl_bis3"]._export_invoice(move)
        return {item.code for item in self.validated(move, content) if item.severity == ERROR}

    def validated(self, move, content):
        """Return what the official rules of the regime find in `content`."""
        return self.env["finance.einvoice.rules"]._check(content, self.regime._rule_sets(move))

    def texts(self, root, path):
        return [node.text for node in root.iterfind(path, NS)]

    def text(self, root, path):
        (only,) = self.texts(root, path)
        return only

    def attribute(self, root, path, name="schemeID"):
        (node,) = root.iterfind(path, NS)
        return node.get(name), node.text
