"""Regimes, formats and engines of rules are models that are found by their code; none is named here."""

from odoo import api, models


class FinanceEinvoiceRegistered(models.AbstractModel):
    """Ancestor of what an addon registers by defining a model with a code."""

    _name = "finance.einvoice.registered"
    _description = "Registered by code"

    #: Code of the model in its registry. Stored on e-invoices and settings: retired, never reused.
    _code = ""

    @api.model
    def _title(self) -> str:
        """Return the name users read, in their language."""
        return self._code

    @api.model
    def _registered(self):
        """Return code → model of all registered descendants of this model."""
        names = self.env.registry.descendants([self._name], "_inherit")
        found = (self.env[name] for name in names)
        return {model._code: model for model in found if model._code}

    @api.model
    def _by_code(self, code):
        """Return the model of this code.

        :raises LookupError: the addon that registered it is not installed.
        """
        try:
            return self._registered()[code]
        except KeyError:
            raise LookupError(f"{self._name}: {code!r} is not registered") from None

    @api.model
    def _selection(self):
        """Return code and title of each, as the values of a selection field."""
        return [(code, model._title()) for code, model in sorted(self._registered().items())]
