"""Refusals of e-invoicing, distinguished by type."""

from odoo.exceptions import RedirectWarning, UserError


class EinvoiceBlocked(RedirectWarning):
    """A document cannot be posted as an e-invoice; the message names what to change, the button opens it."""

    #: The web client finds its dialog by the exception's name; this names the one of Odoo's own class.
    context = {"exception_class": "odoo.exceptions.RedirectWarning"}


class EinvoiceDelivered(UserError):
    """A platform or an authority holds the document: it can only be corrected by the regime's own means."""

    context = {"exception_class": "odoo.exceptions.UserError"}


class EinvoicePending(UserError):
    """The document may have been delivered: its outcome must be known before it can be changed."""

    context = {"exception_class": "odoo.exceptions.UserError"}


class EinvoiceKept(UserError):
    """An e-invoice with versions is evidence and stays with its document."""

    context = {"exception_class": "odoo.exceptions.UserError"}
