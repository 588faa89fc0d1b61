"""One route per document (E13): other senders in the database are recognised by their fields.

Odoo's own networks (``core/senders.py`` lists them; beside these EDI formats with a web service and what an addon offers
in *Send*) are refused for a document while our route is active, and a document that left by one of them is not submitted
by us. None of their addons is required.
"""

from odoo import api, models
from odoo.exceptions import UserError

#: Sending methods that carry the document to a reader and to no network.
READERS = frozenset({"email", "manual", "snailmail"})


class OtherRoute(UserError):
    """The document has a route already, and would leave a second time."""

    #: The web client finds its dialog by the exception's name; this names the one of Odoo's own class.
    context = {"exception_class": "odoo.exceptions.UserError"}


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
        if others := self._other_networks(custom_settings):
            moves._finance_refuse_other_route(others)
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
            if others := self._other_networks(data):
                move._finance_refuse_other_route(others)

    @api.model
    def _other_networks(self, data):
        """Return the names of the networks by which a document would be sent with these settings."""
        methods = set(data.get("sending_methods") or ()) - READERS
        titles = dict(
            self.env["res.partner"]
            ._fields["invoice_sending_method"]
            ._description_selection(self.env)
        )
        known = self._get_all_extra_edis()
        return [
            *(titles.get(method, method) for method in sorted(methods)),
            *(
                str(known.get(edi, {}).get("label", edi))
                for edi in sorted(data.get("extra_edis") or ())
            ),
        ]
