"""What a case asks of a person, in words, from the same rules that decide what is allowed."""

from odoo import api, fields, models

from ..core import cases
from ..core.delivery import states


class FinanceCase(models.Model):
    _inherit = "finance.case"

    advice = fields.Char("What to do", compute="_compute_advice", compute_sudo=True)

    @api.depends("allowed_decisions", "kind", "exchange_id.state", "exchange_id.claim_token")
    def _compute_advice(self):
        for case in self:
            case.advice = case._words_of_advice() if case.state == "open" else False

    def _words_of_advice(self):
        _, situation = self.env._, self._situation()
        if situation.is_claimed:
            return _("The provider is being asked at this moment. Look again in a few seconds.")
        if self.kind == cases.CONTRADICTION:
            return _(
                "The provider first said one thing and later another. Look at the provider's own screens or call it; "
                "what is recorded here stays. Correct the document if needed, then set the case aside with what you found."
            )
        if situation.state == states.REJECTED:
            return _(
                "Correct the document and submit it again; the case closes by itself. "
                "If it was settled otherwise, set the case aside with a reason."
            )
        if situation.state == states.HELD:
            return _("Nothing is sent until it is released.")
        if self.kind == cases.DAMAGED:
            return _(
                "The stored content was changed behind the suite's back and is never sent. "
                "Tell whoever looks after the database, then cancel and create the document anew."
            )
        if situation.state == states.WAITING:
            return _(
                "The provider has the document, but its answers cannot be read. It is asked on, slowly; "
                "look at the provider's own screens or tell whoever looks after the connection."
            )
        return self._words_of_undelivered(situation)

    def _words_of_undelivered(self, situation):
        _ = self.env._
        if not situation.is_uncertain:
            return _(
                "Nothing reached the provider. Mend what is named above, then try again; or cancel, "
                "and correct the document."
            )
        if cases.RETRY in cases.allowed(situation):
            return _(
                "The provider may have it. Try again asks the provider first. If you know what the provider has: "
                "adopt its reference, or decide with a reason."
            )
        return _(
            "The provider may have it and cannot be asked by this connection. Look at the provider's own screens or "
            "call it: adopt its reference if it is there; send again or cancel, with a reason, if it is not."
        )
