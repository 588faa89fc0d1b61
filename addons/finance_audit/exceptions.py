"""The exception for attempts to change evidence."""

from odoo.exceptions import UserError


class EvidenceIsAppendOnly(UserError):
    """A user or a program tried to create, change, duplicate or delete evidence through the ORM."""

    #: The web client identifies exceptions by name; this name makes it show ours like Odoo's own.
    context = {"exception_class": "odoo.exceptions.UserError"}
