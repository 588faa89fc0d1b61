"""One document's life in one regime. The invoice's shown status derives from it (E1)."""

import uuid

from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core import lifecycle

ACTIVITY = "finance_einvoice.mail_activity_type_einvoice"

_TONE = {
    lifecycle.ACCEPTED: "success",
    lifecycle.REJECTED: "failure",
    lifecycle.FAILED: "failure",
    lifecycle.UNKNOWN: "warning",
}


class FinanceEinvoice(models.Model):
    _name = "finance.einvoice"
    _description = "E-invoice"
    _inherit = ["finance.exchange.owner.mixin"]
    _rec_name = "move_id"
    _order = "id desc"

    move_id = fields.Many2one(
        "account.move", "Invoice", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="move_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(related="move_id.commercial_partner_id", string="Customer")
    regime = fields.Selection(
        selection=lambda self: self.env["res.company"]._fields["finance_einvoice_regime"].selection,
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        list(lifecycle.LABELS),
        required=True,
        readonly=True,
        default=lifecycle.DRAFT,
        index=True,
    )
    state_since = fields.Datetime(readonly=True, default=fields.Datetime.now)
    status_note = fields.Char("What happens now", readonly=True)
    correlation_id = fields.Char(
        required=True, readonly=True, default=lambda self: str(uuid.uuid4()), copy=False
    )
    version_ids = fields.One2many("finance.einvoice.version", "einvoice_id", readonly=True)
    exchange_id = fields.Many2one("finance.exchange", "Current exchange", readonly=True)
    reference = fields.Char(
        "Authority's reference", readonly=True, index="btree_not_null", copy=False
    )
    accepted_at = fields.Datetime(readonly=True)
    reasons = fields.Json("Reasons (data)", readonly=True)
    reasons_html = fields.Html(
        "Reasons", compute="_compute_reasons_html", sanitize=False, compute_sudo=True
    )

    _unique_move = models.Constraint(
        "UNIQUE(move_id, regime)", "A document has one e-invoice per regime."
    )

    @api.depends("reasons")
    def _compute_reasons_html(self):
        for einvoice in self:
            einvoice.reasons_html = (
                self.env["ir.qweb"]._render(
                    "finance_einvoice.reasons", {"reasons": einvoice.reasons}
                )
                if einvoice.reasons
                else False
            )

    def _transition(self, state, note, **values):
        """The only way a state changes: checked by the table, written, audited, told on the document."""
        self.ensure_one()
        lifecycle.check_transition(self.state, state)
        self.write(
            {
                "state": state,
                "state_since": fields.Datetime.now(),
                "status_note": note,
                **values,
            }
        )
        self._audit(f"einvoice.{state}", note, _TONE.get(state, "info"))

    def _audit(self, action, summary, outcome="info", **details):
        self.env["finance.audit.entry"]._record(
            action=action,
            record=self,
            document=self.move_id,
            company=self.company_id,
            outcome=outcome,
            summary=summary,
            correlation_id=self.correlation_id,
            details={"regime": self.regime, "reference": self.reference or "", **details},
        )

    def _regime_model(self):
        return self.env[f"finance.einvoice.regime.{self.regime}"]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_rendered(self):
        """What was rendered is evidence, and stays with its invoice.

        :raises UserError: names the invoice and says what to do instead.
        """
        for einvoice in self.filtered("version_ids"):
            raise UserError(
                self.env._(
                    "%s was submitted before; what was sent is kept as evidence. Cancel it instead of deleting it.",
                    einvoice.move_id.display_name,
                )
            )

    # -- what the exchange says ---------------------------------------------------------------------------------

    def _exchange_changed(self, exchange):
        """Follow the current exchange; news of a replaced one changes nothing."""
        self.ensure_one()
        if exchange != self.exchange_id:
            return
        state = lifecycle.STATE_OF_EXCHANGE.get(exchange.state)
        values = self._values_from(exchange)
        if state is None or state == self.state:
            self.write(values)
            return
        self._transition(state, self._note(state, exchange), **values)
        self.version_ids.filtered(lambda item: item.exchange_id == exchange).write(
            {"outcome": state, "reasons": values.get("reasons")}
        )
        self._tell_people(state)

    def _values_from(self, exchange):
        values = {"reference": exchange.reference, "reasons": exchange.findings or False}
        if exchange.state == "accepted":
            values["accepted_at"] = exchange.answered_at
        return values

    def _note(self, state, exchange):
        """What the state means for the accountant; the exchange's own entry says how it came about."""
        _ = self.env._
        notes = {
            lifecycle.ACCEPTED: _(
                "The e-invoice is accepted as %s; from now on only a credit note corrects it",
                exchange.reference,
            ),
            lifecycle.REJECTED: _(
                "The e-invoice is rejected: correct the invoice and post it again"
            ),
            lifecycle.UNKNOWN: _(
                "Sent, but the answer was lost. The platform is being asked; there is nothing to do"
            ),
            lifecycle.FAILED: _(
                "Not delivered; an operator has to decide: %s", exchange.status_text or ""
            ),
            lifecycle.DRAFT: _(
                "Not sent: the submission was cancelled. To send it, reset to draft and confirm again"
            ),
            lifecycle.SUBMITTED: _("Submitted; waiting for the verdict"),
        }
        return notes[state]

    def _tell_people(self, state):
        """A line in the chatter; an activity where a person has to do something."""
        move = self.move_id
        move.activity_feedback([ACTIVITY], feedback=self.status_note)
        if state in (lifecycle.ACCEPTED, lifecycle.REJECTED, lifecycle.FAILED):
            move.message_post(body=self.reasons_html or self.status_note)
        if state in (lifecycle.REJECTED, lifecycle.FAILED):
            move.activity_schedule(
                ACTIVITY,
                summary=self.env._("E-invoice: %s", dict(lifecycle.LABELS)[state]),
                note=Markup("<p>%s</p>") % (self.status_note or ""),
                user_id=(move.invoice_user_id or move.create_uid).id,
            )

    def action_open_exchange(self):
        """The current exchange, for those who may read exchanges."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "finance.exchange",
            "res_id": self.exchange_id.id,
            "views": [(False, "form")],
        }
