"""One sentence for a person about what a step brought."""

from odoo import api, models

from ..core.delivery.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    Duplicate,
    NotFound,
    Permanent,
    RateLimited,
    Rejected,
    Unknown,
    Waiting,
)


class FinanceExchange(models.Model):
    _inherit = "finance.exchange"

    @api.model
    def _words(self, step, outcome, reference=""):
        """What happened, in the reader's words. ``reference`` is the provider's, where one is known."""
        _ = self.env._
        reference = getattr(outcome, "reference", "") or reference
        if isinstance(outcome, Waiting):
            return self._words_of_waiting(step, reference)
        if isinstance(outcome, Accepted):
            return _("Accepted as %s", reference)
        if isinstance(outcome, Rejected):
            return _("Rejected: %s", "; ".join(item.message for item in outcome.findings))
        if isinstance(outcome, Permanent):
            return _("Impossible: %s", outcome.finding.message)
        return self._words_of_trouble(step, outcome)

    def _words_of_waiting(self, step, reference):
        _ = self.env._
        if step == "lookup":
            return _("The provider already has it as %s; waiting for the verdict", reference)
        if step == "poll":
            return _("No verdict yet for %s", reference)
        return _("Received by the provider as %s; waiting for the verdict", reference)

    def _words_of_trouble(self, step, outcome):
        _ = self.env._
        if isinstance(outcome, Duplicate):
            return _("The provider says it already has this document; asking what it holds")
        if isinstance(outcome, NotFound):
            return _("The provider has no record of it; the same bytes may be sent again")
        if isinstance(outcome, AuthFailed):
            return _("The provider refuses the credentials (%s)", outcome.reason)
        if isinstance(outcome, RateLimited):
            return _("The provider asks for a pause (%s)", outcome.reason)
        if isinstance(outcome, (Unknown, ContractBroken)) and step == "send":
            return _("Sent, but no usable answer came (%s)", outcome.reason)
        return _("The provider could not be used (%s); trying again", outcome.reason)

    @api.model
    def _words_of_case(self, kind):
        """What a person is asked for, added to what happened; empty where that says it all."""
        return {
            "unresolved": self.env._(
                "Whether it arrived is not known and the provider cannot say: a person must decide"
            ),
            "budget": self.env._("All tries are used up: a person must decide"),
            "contract": self.env._(
                "The provider's answers cannot be understood: a person must decide"
            ),
        }.get(kind, "")
