"""The address providers call back: verify on the raw bytes, store, answer; the work is done later.

Answers: 202 (or the 2xx the provider's document asks for) stored or received before, 401 not shown to be the provider's, 404 nobody has this address, 413 over 1 MB,
415 a form (its raw bytes are gone once parsed), 503 the secrets cannot be opened at the moment (the provider tries
again). The answer leaves after the commit.
"""

import logging

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from ..core.security.masking import MaskingFilter
from ..core.security.webhook import CallbackRefused
from ..models.finance_connection_callback import ROUTE

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

MAX_BODY = 1024 * 1024
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_RETRY_SECONDS = "60"


def _limit(_controller):
    """The size limit of the framework's reader, which refuses before anything of ours is asked."""
    announced = request.httprequest.content_length or 0
    if announced > MAX_BODY:
        _logger.warning("callback of %s bytes refused", announced)
    return MAX_BODY


class CallbackController(http.Controller):
    @http.route(
        f"{ROUTE}/<string:token>",
        type="http",
        auth="public",
        methods=["POST"],
        csrf=False,
        save_session=False,
        max_content_length=_limit,
    )
    def receive(self, token, **_parameters):
        """Take one message of a provider."""
        if request.httprequest.mimetype in _FORMS:
            return self._refuse("a form", 415)
        body = request.httprequest.get_data()
        headers = {name.lower(): value for name, value in request.httprequest.headers.items()}
        connection = request.env["finance.connection"]._by_callback_token(token)
        try:
            request.env["finance.callback"].sudo()._receive(connection, headers, body)
        except CallbackRefused as refusal:
            return self._refuse(
                f"{connection or 'unknown address'}: {refusal}", 401 if connection else 404
            )
        except UserError as error:
            return self._refuse(f"{connection}: {error}", 503, [("Retry-After", _RETRY_SECONDS)])
        return request.make_response("", status=connection._adapter()._callback_status)

    def _refuse(self, why, status, headers=()):
        _logger.warning("callback refused (%s): %s", status, why)
        return request.make_response("", headers=list(headers), status=status)
