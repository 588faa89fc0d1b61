"""Why a document was not posted or a field not written; the types by which callers tell the reasons apart."""

from odoo.exceptions import RedirectWarning, UserError


class PostingRefused(RedirectWarning):
    """Documents may not be posted yet; the message names them, the button opens what to correct."""

    #: The web client finds its dialog by the exception's name; this names the one of Odoo's own class.
    context = {"exception_class": "odoo.exceptions.RedirectWarning"}


class PostingInvalid(UserError):
    """A document may not be posted yet, and no screen corrects it."""

    context = {"exception_class": "odoo.exceptions.UserError"}


class PipelineRequired(UserError):
    """The change would post a document, or take it out of control, without the posting pipeline."""

    context = {"exception_class": "odoo.exceptions.UserError"}


class ReservedField(UserError):
    """The field is written by the finance addons alone."""

    context = {"exception_class": "odoo.exceptions.UserError"}


class CredentialError(UserError):
    """A secret cannot be stored or read; the message says what to do and never contains the secret."""

    context = {"exception_class": "odoo.exceptions.UserError"}
