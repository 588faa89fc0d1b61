"""What a person is told when evidence would be changed."""

from odoo.exceptions import UserError


class EvidenceIsAppendOnly(UserError):
    """Somebody, or some code, tried to create, change, copy or delete an entry through the ORM."""

    #: The web client knows exceptions by name; this tells it to show ours as it shows Odoo's own.
    context = {"exception_class": "odoo.exceptions.UserError"}
