"""The e-invoice of an invoice: shown, followed by search and grouping, and obeyed.

What ``write`` refuses is explained in ``finance_einvoice_guard`` (E12) and ``finance_einvoice_route`` (E13).
"""

from odoo import api, fields, models
from odoo.addons.finance_connector_base.core.finding import INFO, Finding
from odoo.addons.finance_connector_base.models.finance_posting import is_suite_write
from odoo.fields import Domain
from odoo.tools import format_list, ormcache

from ..core import guard, lifecycle, senders
from .finance_einvoice_guard import EinvoiceHeld, kept_fields
from .finance_einvoice_route import OtherRoute
from .finance_route import PURPOSE

#: Internal users; customers at the portal see none of it.
_INTERNAL = "base.group_user"
#: States of the e-invoice in which our route is over.
_ROUTE_OVER = frozenset({lifecycle.DRAFT, lifecycle.CANCELLED})


class AccountMove(models.Model):
    _inherit = "account.move"

    einvoice_ids = fields.One2many(
        "finance.einvoice",
        "move_id",
        "E-invoices",
        groups="finance_connector_base.group_accountant,finance_audit.group_auditor",
    )
    # Stored once, when the e-invoice is created: its state is not copied to the invoice, so that the dispatcher and a
    # user who edits the invoice do not wait for each other. Related fields can be searched and grouped through it.
    einvoice_id = fields.Many2one(
        "finance.einvoice",
        "Current e-invoice",
        compute="_compute_einvoice_id",
        store=True,
        compute_sudo=True,
        index="btree_not_null",
        groups=_INTERNAL,
    )
    einvoice_state = fields.Selection(
        related="einvoice_id.state", string="E-invoice", groups=_INTERNAL
    )
    einvoice_note = fields.Char(
        related="einvoice_id.status_note", string="E-invoice status", groups=_INTERNAL
    )
    einvoice_reference = fields.Char(
        related="einvoice_id.reference", string="E-invoice reference", groups=_INTERNAL
    )
    einvoice_reasons = fields.Html(
        related="einvoice_id.reasons_html", string="Reasons of the rejection", groups=_INTERNAL
    )
    einvoice_findings = fields.Html(
        related="einvoice_id.findings_html", string="Findings of the checks", groups=_INTERNAL
    )

    einvoice_route_data = fields.Json(
        "Why it is not submitted (data)", readonly=True, copy=False, groups=_INTERNAL
    )
    einvoice_route_note = fields.Char(
        "E-invoicing route", compute="_compute_einvoice_route_note", groups=_INTERNAL
    )

    @api.depends(
        *("einvoice_ids.version_ids", "einvoice_route_data", "state"),
        *("company_id", "move_type", "commercial_partner_id"),
    )
    @api.depends_context("lang")
    def _compute_einvoice_route_note(self):
        """Say which route was taken, or will be, and why; or why none."""
        for move in self.sudo():
            finding = move._finance_route_finding()
            move.einvoice_route_note = finding and " ".join(
                filter(None, self.env["finance.finding"]._render(finding))
            )

    def _finance_route_finding(self):
        """Return what was stored when the document was posted; of a draft what would be."""
        kept = (self.einvoice_id.version_ids[:1].route or {}).get("finding")
        if self.state == "draft":
            choice = self.env["finance.route"]._einvoice_choice(self)
            return choice and (self._finance_other_route_finding() or choice[2])
        if not kept and self.env["finance.route"]._applies_to(PURPOSE, self.company_id):
            other = self.is_sale_document() and self._finance_other_route_finding()
            if other:
                return other
        kept = kept or self.einvoice_route_data
        return Finding.from_json(kept) if kept else None

    @api.depends("einvoice_ids")
    def _compute_einvoice_id(self):
        """Set the e-invoice that was made last; a document has a second one only if its regime changed."""
        for move in self:
            move.einvoice_id = move.einvoice_ids.sorted("id")[-1:]

    def _compute_show_reset_to_draft_button(self):
        """Hide a button that would be refused; the guard itself is in ``write``."""
        super()._compute_show_reset_to_draft_button()
        for move in self.sudo():
            if move.einvoice_state in lifecycle.HELD | {lifecycle.UNKNOWN}:
                move.show_reset_to_draft_button = False

    def write(self, vals):
        if vals.get("state") in ("draft", "cancel"):
            leaving = self.filtered(lambda move: move.state != vals["state"])
            leaving.sudo().einvoice_ids._release()
        if others := [
            sender.name
            for name, sender in self._finance_senders().items()
            if name in vals and sender.has(vals[name])
        ]:
            self._finance_refuse_other_route(others)
        if not is_suite_write(self, vals):
            self._finance_check_held(self._fields, kept_fields(self, vals) - guard.FREE_OF_MOVE)
        result = super().write(vals)
        if vals.get("state") == "cancel":
            self.sudo().einvoice_ids._cancel(Finding("einvoice.cancelled"))
        return result

    def unlink(self):
        einvoices = self.sudo().einvoice_ids
        einvoices._release()
        einvoices.unlink()
        return super().unlink()

    def action_open_einvoice(self):
        """Open the e-invoice of this document."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "finance.einvoice",
            "res_id": self.einvoice_id.id,
            "views": [(False, "form")],
        }

    # -- evidence required of posted documents -------------------------------------------------------------------

    def _finance_needs_pipeline(self):
        return super()._finance_needs_pipeline() or (
            self.is_sale_document()
            and self.env["finance.route"]._applies_to(PURPOSE, self.company_id)
        )

    @api.model
    def _finance_missing_evidence(self):
        """Add the documents of a regime that have no e-invoice and left by no other route."""
        domain = self.env["finance.posting.watch"]._evidence_domain("einvoice") & Domain(
            "einvoice_ids", "=", False
        )
        domain &= Domain("einvoice_route_data", "=", False)
        pairs = self.env["finance.einvoice"]._for_moves(self.sudo().search(domain))
        missing = self.browse(
            [move.id for move, _regime in pairs if not move._finance_left_by_other_route()]
        )
        return {**super()._finance_missing_evidence(), "evidence.einvoice": missing}

    # -- the guard (E12) -----------------------------------------------------------------------------------------

    def _finance_check_held(self, fields_, names):
        """Refuse a change of these fields while an e-invoice of the documents is on its way or held.

        :raises EinvoiceHeld: names the document, the fields and the way to correct it
        """
        if not names or not self.ids:
            return
        # The stored link spares documents without any e-invoice, which is each new one, a query.
        moves = self.sudo().browse(self.ids).filtered("einvoice_id")
        if not moves:
            return
        held = moves.env["finance.einvoice"].search(
            [("move_id", "in", moves.ids), ("state", "in", tuple(lifecycle.GUARDED))], limit=1
        )
        if held:
            labels = (fields_[name]._description_string(self.env) for name in sorted(names))
            raise EinvoiceHeld(held._refusal_of_change(", ".join(labels)))

    # -- one route per document (E13) ----------------------------------------------------------------------------

    @api.model
    @ormcache()
    def _finance_senders(self):
        """Return field → ``Sender`` of the networks that are installed. Addons with a network of their own extend it."""
        found = {
            name: senders.sender_of(name)
            for name, field in self._fields.items()
            if field.type == "selection"
        }
        return {name: found[name] for name in sorted(found) if found[name]}

    def _finance_left_by_other_route(self):
        """Return the name of the network that this document has left by or is about to, or an empty text."""
        self.ensure_one()
        for name, sender in self._finance_senders().items():
            if sender.has(self.sudo()[name]):
                return sender.name
        if "edi_document_ids" in self._fields:
            for document in self.sudo().edi_document_ids:
                if document.state in ("sent", "to_cancel") and (
                    document.edi_format_id._needs_web_services()
                ):
                    return document.edi_format_id.name
        return ""

    def _finance_other_route_finding(self):
        """Return the ``Finding`` that another network has the document, or None."""
        sender = self._finance_left_by_other_route()
        return Finding("route.left", INFO, {"sender": sender}) if sender else None

    def _finance_route_is_ours(self):
        """Return whether this document leaves, or has left, as an e-invoice of its regime."""
        self.ensure_one()
        einvoices = self.sudo().einvoice_ids
        if einvoices.filtered(lambda item: item.state not in _ROUTE_OVER):
            return True
        if self.state != "draft" or self._finance_left_by_other_route():
            return False
        return bool(self.env["finance.einvoice"]._for_moves(self))

    def _finance_refuse_other_route(self, others):
        """Refuse other senders.

        :param others: their names
        :raises OtherRoute: one of the documents leaves as an e-invoice of its regime
        """
        ours = self.filtered(lambda move: move._finance_route_is_ours())
        if ours:
            raise OtherRoute(ours._finance_refusal_of(others))

    def _finance_route_platforms(self):
        """Return the names of the connections by which these documents leave or have left."""
        return [
            name
            for move in self.sudo()
            for name in (
                move.einvoice_id.exchange_id.connection_id
                or self.env["finance.einvoice"]._route_of(move).connection_id
            ).mapped("name")
        ]

    def _finance_refusal_of(self, others):
        return self.env._(
            "%(documents)s cannot be sent by %(senders)s: the e-invoice is submitted to %(platform)s, and each document "
            "leaves by one route. Send the document by e-mail, or print it.",
            documents=format_list(self.env, self.mapped("display_name")),
            senders=format_list(self.env, others),
            platform=self._finance_platforms_text(),
        )

    def _finance_route_text(self):
        return self.env._(
            "%(documents)s: the e-invoice is submitted to %(platform)s and cannot be sent through a second "
            "network. Send the document by e-mail, or print it.",
            documents=format_list(self.env, self.mapped("display_name")),
            platform=self._finance_platforms_text(),
        )

    def _finance_platforms_text(self):
        names = self._finance_route_platforms() or [self.env._("the platform of its regime")]
        return format_list(self.env, names)
