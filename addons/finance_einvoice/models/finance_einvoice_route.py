"""One route per document (E13): other senders in the database are recognised by their fields.

Odoo's own networks (Peppol, the French platform, EDI formats with a web service) are refused for a document while our
route is active, and a document that left by one of them is not submitted by us. None of their addons is required.
"""

import re

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_list

from ..core import lifecycle

#: Sending methods that carry the document to a reader and to no network.
READERS = frozenset({"email", "manual", "snailmail"})
#: Fields in which Odoo's networks keep what became of a document.
STATE_FIELD = re.compile(r"(peppol|pdp|l10n_fr_pdp)\w*_state")
#: Values of such a field of a document that has not left and is not about to.
_NOT_SENT = frozenset(
    {False, "ready", "skipped", "error", "canceled", "cancelled", "none", "draft"}
)
#: States of the e-invoice in which our route is over.
_ROUTE_OVER = frozenset({lifecycle.DRAFT, lifecycle.CANCELLED})


class OtherRoute(UserError):
    """The document has a route already, and would leave a second time."""

    #: The web client finds its dialog by the exception's name; this names the one of Odoo's own class.
    context = {"exception_class": "odoo.exceptions.UserError"}


class AccountMove(models.Model):
    _inherit = "account.move"

    def write(self, vals):
        if any(vals[name] not in _NOT_SENT for name in self._finance_route_fields() & vals.keys()):
            self._finance_refuse_other_route()
        return super().write(vals)

    @api.model
    def _finance_route_fields(self):
        """Return the state fields of the networks that are installed."""
        return {
            name
            for name, field in self._fields.items()
            if field.type == "selection" and STATE_FIELD.fullmatch(name)
        }

    def _finance_left_by_other_route(self):
        """Return the name of the network that this document has left by or is about to, or an empty text."""
        self.ensure_one()
        for name in sorted(self._finance_route_fields()):
            if self[name] not in _NOT_SENT:
                return self._fields[name]._description_string(self.env)
        if "edi_document_ids" in self._fields:
            for document in self.sudo().edi_document_ids:
                if document.state in ("sent", "to_cancel") and (
                    document.edi_format_id._needs_web_services()
                ):
                    return document.edi_format_id.name
        return ""

    def _finance_route_is_ours(self):
        """Return whether this document leaves, or has left, as an e-invoice of its regime."""
        self.ensure_one()
        einvoices = self.sudo().einvoice_ids
        if einvoices.filtered(lambda item: item.state not in _ROUTE_OVER):
            return True
        if self.state != "draft" or self._finance_left_by_other_route():
            return False
        return bool(self.env["finance.einvoice"]._for_moves(self))

    def _finance_refuse_other_route(self):
        """Refuse another sender.

        :raises OtherRoute: one of the documents leaves as an e-invoice of its regime
        """
        ours = self.filtered(lambda move: move._finance_route_is_ours())
        if ours:
            raise OtherRoute(ours._finance_route_text())

    def _finance_route_text(self):
        return self.env._(
            "%(documents)s: the e-invoice is submitted to %(platform)s and cannot be sent through a second "
            "network. Send the document by e-mail, or print it.",
            documents=format_list(self.env, self.mapped("display_name")),
            platform=format_list(
                self.env,
                self.company_id._finance_einvoice_company()
                .sudo()
                .finance_einvoice_connection_id.mapped("name")
                or [self.env._("the platform of its regime")],
            ),
        )


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    @api.model
    def _is_applicable_to_move(self, method, move, **move_data):
        if method not in READERS and move._finance_route_is_ours():
            return False
        return super()._is_applicable_to_move(method, move, **move_data)

    @api.model
    def _get_default_sending_settings(self, move, from_cron=False, **custom_settings):
        """Leave other networks out of what is sent, whatever proposed them.

        This method decides last: the networks' own addons extend others, in an order that depends on loading.
        """
        settings = super()._get_default_sending_settings(
            move, from_cron=from_cron, **custom_settings
        )
        if move._finance_route_is_ours():
            settings["sending_methods"] = [
                method for method in settings["sending_methods"] if method in READERS
            ]
            settings["extra_edis"] = {}
        return settings

    @api.model
    def _get_alerts(self, moves, moves_data):
        alerts = super()._get_alerts(moves, moves_data)
        ours = moves.filtered(lambda move: move._finance_route_is_ours())
        if ours:
            for key in [key for key in alerts if "peppol" in key or "pdp" in key]:
                del alerts[key]
            alerts["finance_einvoice_route"] = {
                "level": "info",
                "message": ours._finance_route_text(),
            }
        return alerts

    def _check_sending_data(self, moves, **custom_settings):
        if set(custom_settings.get("sending_methods") or ()) - READERS:
            moves._finance_refuse_other_route()
        return super()._check_sending_data(moves, **custom_settings)

    @api.model
    def _call_web_service_before_invoice_pdf_render(self, invoices_data):
        self._refuse_second_network(invoices_data)
        return super()._call_web_service_before_invoice_pdf_render(invoices_data)

    @api.model
    def _call_web_service_after_invoice_pdf_render(self, invoices_data):
        self._refuse_second_network(invoices_data)
        return super()._call_web_service_after_invoice_pdf_render(invoices_data)

    @api.model
    def _refuse_second_network(self, invoices_data):
        for move, data in invoices_data.items():
            if set(data.get("sending_methods") or ()) - READERS or data.get("extra_edis"):
                move._finance_refuse_other_route()
