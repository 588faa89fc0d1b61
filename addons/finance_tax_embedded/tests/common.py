"""The company of the tax engine's tests, with the embedded engine."""

from odoo.addons.finance_tax_engine.tests.common import DATE, TaxCase

__all__ = ["DATE", "EmbeddedCase"]


class EmbeddedCase(TaxCase):
    engine = "embedded"

    @classmethod
    def _product(cls, name, category, **values):
        category = cls.env.ref(f"finance_tax_embedded.category_{category}")
        return super()._product(name, category, finance_tax_category_id=category.id, **values)

    def _register(self, kind, jurisdiction, **values):
        return self.env["finance.tax.registration"].create(
            {
                "company_id": self.company.id,
                "kind": kind,
                "jurisdiction_id": self.env.ref(
                    f"finance_tax_embedded.jurisdiction_{jurisdiction}"
                ).id,
                "valid_from": "2026-01-01",
                **values,
            }
        )
