"""Endpoint for webhooks: verify the raw body, store it, respond; processing follows later.

Responses: 202 (or the 2xx that the provider's documentation requires) stored or already known, 401
not authentic or unknown URL, 400 or 411 without a usable length, 413 over 1 MB, 415 a form (its raw bytes are lost once parsed), 503 the secrets
cannot be decrypted at
the moment (the provider retries). The response leaves after the commit.
"""

import logging

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from ..core.security.masking import MaskingFilter
from ..core.security.webhook import WebhookRefused
from ..models.finance_connection import FORMER_WEBHOOK_ROUTE, WEBHOOK_ROUTE

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

MAX_BODY = 1024 * 1024
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_RETRY_SECONDS = "60"


def _limit(_controller):
    """Return the size limit for the framework's reader, which rejects before our code runs."""
    announced = request.httprequest.content_length or 0
    if announced > MAX_BODY:
        _logger.warning("webhook of %s bytes rejected", announced)
    return MAX_BODY


def _length_refusal(received):
    """Return the status for a body whose length is not known before it is read (RFC 9110 §8.6, §15.5.12), or None.

    Such a body would be read as empty, and an empty body is not what the provider has sent.
    """
    if received.environ.get("HTTP_TRANSFER_ENCODING"):
        return 411
    announced = received.environ.get("CONTENT_LENGTH") or ""
    if not announced:
        return 411
    return None if announced.isascii() and announced.isdigit() else 400


class WebhookController(http.Controller):
    @http.route(
        [f"{WEBHOOK_ROUTE}/<string:token>", f"{FORMER_WEBHOOK_ROUTE}/<string:token>"],
        type="http",
        auth="public",
        methods=["POST"],
        csrf=False,
        save_session=False,
        max_content_length=_limit,
    )
    def receive(self, token, **_parameters):
        """Receive one message of a provider."""
        if request.httprequest.mimetype in _FORMS:
            return self._refuse("a form", 415)
        refused = _length_refusal(request.httprequest)
        if refused:
            return self._refuse("no usable length", refused)
        body = request.httprequest.get_data()
        headers = {name.lower(): value for name, value in request.httprequest.headers.items()}
        connection = request.env["finance.connection"]._by_webhook_token(token)
        try:
            request.env["finance.webhook.event"].sudo()._receive(connection, headers, body)
        except WebhookRefused as refusal:
            # The same status for both: the response does not tell which addresses exist.
            return self._refuse(f"{connection or 'unknown address'}: {refusal}", 401)
        except UserError as error:
            return self._refuse(f"{connection}: {error}", 503, [("Retry-After", _RETRY_SECONDS)])
        return request.make_response("", status=connection._adapter()._webhook_status)

    def _refuse(self, why, status, headers=()):
        _logger.warning("webhook rejected (%s): %s", status, why)
        return request.make_response("", headers=list(headers), status=status)
