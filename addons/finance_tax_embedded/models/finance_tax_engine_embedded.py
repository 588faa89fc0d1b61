"""The engine that works without an external service: rules, jurisdictions and registrations."""

from datetime import datetime, timezone

from odoo import models
from odoo.exceptions import AccessError
from odoo.tools import ormcache

from ..core import engine
from ..core.facts import RuleBook


class FinanceTaxEngineEmbedded(models.AbstractModel):
    _name = "finance.tax.engine.embedded"
    _inherit = "finance.tax.engine"
    _description = "Embedded tax engine"

    def _determine(self, document):
        company = self.env["res.company"].browse(int(document.company_id))
        self._check_caller(company)
        currency = company.sudo().currency_id
        if currency.name != document.currency:
            currency = currency.search([("name", "=", document.currency)], limit=1)
        return engine.determine(
            document,
            self._rulebook(company.id),
            self._precision(company.sudo(), currency),
            datetime.now(timezone.utc),
        )

    def _check_caller(self, company):
        """Refuse to determine tax for a company the user does not work in: the result shows its rules.

        :raises AccessError: names no rule and no registration
        """
        if not self.env.su and company not in self.env.user.company_ids:
            raise AccessError(self.env._("Tax can only be determined for your own companies."))

    @ormcache("company_id")
    def _rulebook(self, company_id):
        """Return the rule book of one company as immutable facts, cached until any part changes."""
        # A rule book is all of its rules, and the result is cached.
        # pylint: disable=no-search-all
        env = self.sudo().with_context(active_test=True, lang="en_US").env
        shared = [("company_id", "in", (False, company_id))]
        own = [("company_id", "=", company_id)]
        return RuleBook.of(
            [item._fact() for item in env["finance.tax.jurisdiction"].search([])],
            [item._fact() for item in env["finance.tax.rule"].search(shared)],
            [item._fact() for item in env["finance.tax.registration"].search(own)],
        )
