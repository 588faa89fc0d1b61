"""Customer invoices and credit notes ask the company's tax engine.

When: after a draft is saved in another state than the one determined, by the button, and before
posting. The taxes of the lines are the engine's: taxes chosen by hand are determined again.
"""

from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..core.errors import TaxError

#: A write of one of these may change what an engine would answer, or the taxes it put there.
WATCHED = frozenset(
    (
        *("line_ids", "invoice_line_ids", "partner_id", "partner_shipping_id", "company_id"),
        *("invoice_date", "delivery_date", "currency_id", "invoice_currency_rate"),
        *("fiscal_position_id", "move_type", "reversed_entry_id", "invoice_payment_term_id"),
    )
)


class AccountMove(models.Model):
    _inherit = "account.move"

    finance_tax_state = fields.Selection(
        [
            ("none", "Odoo's own taxes"),
            ("determined", "Determined"),
            ("fallback", "Fallback"),
            ("failed", "Not determined"),
        ],
        "Tax status",
        default="none",
        required=True,
        readonly=True,
        copy=False,
        index=True,
    )
    finance_tax_determination_id = fields.Many2one(
        "finance.tax.determination", "Tax determination", readonly=True, copy=False
    )
    finance_tax_determination_ids = fields.One2many("finance.tax.determination", "move_id")
    finance_tax_determination_count = fields.Integer(
        compute="_compute_finance_tax_determination_count"
    )
    finance_tax_message = fields.Text("Why no determination", readonly=True, copy=False)
    finance_tax_remediation = fields.Selection(
        [
            ("pending", "To be checked"),
            ("resolved", "Resolved"),
            ("different", "Differs from the engine"),
        ],
        "Fallback check",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )
    finance_has_tax_engine = fields.Boolean(compute="_compute_finance_has_tax_engine")

    @api.depends("finance_tax_determination_ids")
    def _compute_finance_tax_determination_count(self):
        for move in self:
            move.finance_tax_determination_count = len(move.finance_tax_determination_ids)

    @api.depends("company_id.finance_tax_engine", "move_type")
    def _compute_finance_has_tax_engine(self):
        for move in self:
            engine = move.company_id._finance_has_tax_engine()
            move.finance_has_tax_engine = engine and move.is_sale_document()

    @api.depends("invoice_line_ids.extra_tax_data")
    def _compute_tax_totals(self):
        return super()._compute_tax_totals()

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        moves._finance_settle_tax()
        return moves

    def write(self, vals):
        result = super().write(vals)
        # A write of the determination is the settling itself.
        if WATCHED & vals.keys() and "finance_tax_determination_id" not in vals:
            self._finance_settle_tax()
        return result

    @contextmanager
    def _sync_tax_lines(self, container):
        amounts = self.env["finance.tax.amounts"]
        before = amounts._slots(container["records"])
        with super()._sync_tax_lines(container):
            yield
        amounts._resync(container["records"], before)

    def _finance_needs_pipeline(self):
        return super()._finance_needs_pipeline() or self.finance_has_tax_engine

    @api.model
    def _finance_missing_evidence(self):
        """Add the documents of an engine's companies that nobody has determined the tax of."""
        domain = self.env["finance.posting.watch"]._evidence_domain("tax") & Domain(
            "finance_tax_state", "in", ("none", "failed")
        )
        moves = self.search(domain).filtered(
            lambda move: (
                move._finance_lines()
                and not self.env["finance.tax.fallback"]._keeps_original_taxes(move)
            )
        )
        return {**super()._finance_missing_evidence(), "evidence.tax": moves}

    def action_finance_determine_tax(self):
        """Ask the engine now, and say what is wrong if it has no answer."""
        self.check_access("write")
        self._finance_to_determine()._finance_require_tax()

    def action_finance_tax_determinations(self):
        """Every answer for this document, the newest first."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "finance_tax_engine.finance_tax_determination_action"
        )
        action["domain"] = [("move_id", "=", self.id)]
        current = self.finance_tax_determination_id
        if current and self.finance_tax_determination_count == 1:
            action |= {"views": [(False, "form")], "res_id": current.id}
        return action

    def _finance_to_determine(self):
        """Drafts whose tax an engine determines and that have what an answer needs."""
        return self.filtered(
            lambda move: (
                move.state == "draft"
                and move.finance_has_tax_engine
                and move.partner_id
                and move._finance_lines()
            )
        )

    def _finance_settle_tax(self):
        """After saving: an unanswerable draft can be saved, and shows why it has no answer."""
        for move in self._finance_to_determine():
            self.env["finance.tax.fallback"]._settle(move.with_company(move.company_id))

    def _finance_require_tax(self):
        """Before posting: no answer by any policy is an error."""
        fallback = self.env["finance.tax.fallback"]
        for move in self:
            if error := fallback._settle(move.with_company(move.company_id)):
                fallback._raise(move, error)

    def _finance_check_totals(self, determination):
        """The posted document still has the engine's totals (T1)."""
        try:
            self.env["finance.tax.amounts"]._check(self, determination)
        except TaxError as error:
            self.env["finance.tax.fallback"]._raise(self, error)

    def _finance_check_before_tax(self):
        """What Odoo would refuse anyway, before anybody is asked (T9)."""
        if not self.env.su and not self.env.user.has_group("account.group_account_invoice"):
            raise AccessError(self.env._("You may not post invoices."))
        for move in self.filtered("finance_has_tax_engine"):
            if not move.partner_id:
                raise UserError(self.env._("Choose a customer before posting."))
            if move.display_inactive_currency_warning:
                raise UserError(self.env._("The currency %s is not active.", move.currency_id.name))
