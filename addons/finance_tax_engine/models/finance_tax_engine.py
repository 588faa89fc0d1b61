"""The contract of a tax engine: one document in, one typed answer or one typed error out.

An engine addon extends ``res.company.finance_tax_engine`` with its code and defines the abstract
model ``finance.tax.engine.<code>`` that inherits from this one.
"""

from decimal import Decimal

from odoo import models

from ..core.replay import match_lines
from ..core.rounding import Precision


class FinanceTaxEngine(models.AbstractModel):
    _name = "finance.tax.engine"
    _description = "Tax engine"

    def _of(self, company):
        """Return the engine of ``company``; the company must have one."""
        return self.env[f"finance.tax.engine.{company.finance_tax_engine}"]

    def _determine(self, document):
        """Return the ``contract.TaxAnswer`` for a ``contract.Document``.

        A query: repeatable, recorded nowhere at the engine, with a short timeout. An unknown tax is
        never a zero. It may run while Odoo synchronises the lines of the document: it writes nothing
        to the document and rolls back no flushing savepoint.

        :raises core.errors.TaxError: whatever goes wrong
        """
        raise NotImplementedError

    def _precision(self, company, currency):
        """Return how amounts of ``company`` in ``currency`` are rounded."""
        per_line = company.tax_calculation_rounding_method == "round_per_line"
        return Precision(
            document=_unit(currency),
            company=_unit(company.currency_id),
            method="line" if per_line else "document",
        )

    def _sells_the_same(self, move, other):
        """Return whether two documents have the same lines, as far as an engine sees them."""
        lines, others = move._finance_document().lines, other._finance_document().lines
        return match_lines(lines, others) is not None


def _unit(currency):
    """Return the smallest amount of a currency, exactly."""
    return Decimal(str(currency.rounding)).normalize()
