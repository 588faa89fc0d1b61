"""Customer invoices and credit notes whose taxes are those of the company's tax engine.

When: after a draft is saved in another state than the one determined, on request, and before
posting. The taxes of the lines are the engine's: taxes chosen by hand are replaced.
"""

from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from ..core.errors import MissingFact, TaxError

#: A write of one of these may change what an engine would answer, or the taxes it put there.
WATCHED = frozenset(
    (
        *("line_ids", "invoice_line_ids", "partner_id", "partner_shipping_id", "company_id"),
        *("invoice_date", "delivery_date", "currency_id", "invoice_currency_rate"),
        *("fiscal_position_id", "move_type", "reversed_entry_id", "invoice_payment_term_id"),
    )
)
INTERNAL = "base.group_user"


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
        groups=INTERNAL,
    )
    finance_tax_determination_id = fields.Many2one(
        "finance.tax.determination",
        "Tax determination",
        readonly=True,
        copy=False,
        groups=INTERNAL,
    )
    finance_tax_determination_ids = fields.One2many(
        "finance.tax.determination",
        "move_id",
        "Tax determinations",
        readonly=True,
        groups=INTERNAL,
    )
    finance_tax_determination_count = fields.Integer(
        "Number of tax determinations",
        compute="_compute_finance_tax_determination_count",
        groups=INTERNAL,
    )
    finance_tax_findings = fields.Json(
        "Tax findings",
        readonly=True,
        copy=False,
        groups=INTERNAL,
        help="Why the tax could not be determined, as codes and arguments.",
    )
    finance_tax_message = fields.Text(
        "Reason without determination", compute="_compute_finance_tax_message", groups=INTERNAL
    )
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
        groups=INTERNAL,
    )
    finance_has_tax_engine = fields.Boolean(
        "Taxed by an engine", compute="_compute_finance_has_tax_engine", groups=INTERNAL
    )

    @api.depends("finance_tax_determination_ids")
    def _compute_finance_tax_determination_count(self):
        for move in self:
            move.finance_tax_determination_count = len(move.finance_tax_determination_ids)

    @api.depends("finance_tax_findings")
    @api.depends_context("lang")
    def _compute_finance_tax_message(self):
        texts = self.env["finance.finding"]
        for move in self:
            move.finance_tax_message = texts._render_tax(move.finance_tax_findings) or False

    @api.depends("company_id.finance_tax_engine", "move_type")
    def _compute_finance_has_tax_engine(self):
        for move in self:
            engine = move.company_id._finance_has_tax_engine()
            move.finance_has_tax_engine = engine and move.is_sale_document()

    @api.depends("invoice_line_ids.extra_tax_data")
    def _compute_tax_totals(self):
        return super()._compute_tax_totals()

    # -- when the tax is determined ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        service = self.env["finance.tax.service"]
        created = service._work().created
        # Usually all of them were determined while Odoo synchronised their lines.
        missed = moves.filtered(lambda move: move.id not in created)._finance_to_determine()
        if missed:
            service._settle(missed)
        return moves

    def write(self, vals):
        if not WATCHED & vals.keys():
            return super().write(vals)
        with self.env["finance.tax.service"]._when_saved(self):
            return super().write(vals)

    @contextmanager
    def _sync_dynamic_lines(self, container):
        service = self.env["finance.tax.service"]
        with service._synchronising() as outermost, super()._sync_dynamic_lines(container):
            yield
        if outermost:
            service._conclude(container["records"])

    @contextmanager
    def _sync_tax_lines(self, container):
        """Put the engine's taxes on the lines just before Odoo makes its tax lines of them."""
        service, amounts = self.env["finance.tax.service"], self.env["finance.tax.amounts"]
        present = container["records"]
        before = amounts._slots(present)
        with super()._sync_tax_lines(container):
            yield
            created = container["records"] - present
            service._work().created.update(created.ids)
            service._work().due.update(created.ids)
            service._answer_due(container["records"])
        amounts._resync(container["records"], before)

    def _finance_needs_pipeline(self):
        return super()._finance_needs_pipeline() or self.finance_has_tax_engine

    @api.model
    def _finance_missing_evidence(self):
        """Add the documents of an engine's companies whose tax was never determined."""
        domain = self.env["finance.posting.watch"]._evidence_domain("tax") & Domain(
            "finance_tax_state", "in", ("none", "failed")
        )
        moves = self.search(domain).filtered(
            lambda move: (
                move._finance_lines()
                and not self.env["finance.tax.service"]._keeps_original_taxes(move)
            )
        )
        return {**super()._finance_missing_evidence(), "evidence.tax": moves}

    def action_finance_determine_tax(self):
        """Determine the tax now; an indeterminate one is an error that names what to correct."""
        self.check_access("write")
        service = self.env["finance.tax.service"]
        for move, errors in service._settle(self._finance_to_determine()).items():
            service._raise(move, errors)

    def action_finance_tax_determinations(self):
        """Open every determination of this document, the newest first."""
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
        """Return the drafts whose tax an engine determines and that have what an answer needs."""
        return self.filtered(
            lambda move: (
                move.state == "draft"
                and move.finance_has_tax_engine
                and move.partner_id
                and move._finance_lines()
            )
        )

    # -- results -------------------------------------------------------------------------------

    def _finance_store_tax(self, values):
        """Store the result of a determination.

        Nothing in Odoo depends on these fields, so what ``account.move`` does on every write
        (synchronising lines, checking locks) is left out.
        """
        if not all(name.startswith("finance_tax_") for name in values):
            raise ValueError("only the result of a determination is stored like this")
        models.BaseModel.write(self, values)

    def _finance_check_totals(self, determination):
        """Refuse a posted document that has not the engine's totals (T1)."""
        try:
            self.env["finance.tax.amounts"]._check(self, determination)
        except TaxError as error:
            self.env["finance.tax.service"]._raise(self, (error,))

    # -- before posting ------------------------------------------------------------------------

    def _finance_check_before_tax(self):
        """Return what Odoo would refuse anyway, document → errors, before an engine is asked (T9).

        :raises AccessError: the user may not post at all
        """
        if not self.env.su and not self.env.user.has_group("account.group_account_invoice"):
            raise AccessError(self.env._("You are not allowed to post invoices."))
        errors = {}
        for move in self.filtered("finance_has_tax_engine"):
            if not move.partner_id:
                errors[move] = (MissingFact("customer", target="document"),)
            elif move.display_inactive_currency_warning:
                currency = move.currency_id.name
                errors[move] = (MissingFact("currency", target="document", currency=currency),)
        return errors

    def _finance_title(self):
        """Return how a document is recognised: by its number, a draft by customer and amount."""
        self.ensure_one()
        if self.name and self.name != "/":
            return self.name
        return self.env._(
            "%(document)s for %(customer)s, %(amount)s",
            document=dict(self._fields["move_type"]._description_selection(self.env))[
                self.move_type
            ],
            customer=self.partner_id.display_name or "–",
            amount=self.currency_id.format(self.amount_total),
        )
