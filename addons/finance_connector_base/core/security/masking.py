"""What must not be read in logs, dashboards and support exports: secrets whole, identifying values
in part.
"""

from __future__ import annotations

import logging
import re

#: Header and form names whose values are secrets (RFC 6749, RFC 6750, RFC 7617, common provider
#: headers).
SECRET_NAMES = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api_key",
    "apikey",
    "client_secret",
    "access_token",
    "refresh_token",
    "id_token",
    "password",
    "token",
    "secret",
)

_NAMES = "|".join(re.escape(name) for name in SECRET_NAMES)
_PAIR = re.compile(
    rf"""(?ix) (["']? \b(?:{_NAMES})\b ["']? \s*[:=]\s*) (?:(?:bearer|basic)\s+)? ["']? [^\s"',;&}}]+ ["']?"""
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
#: IBAN (ISO 13616) and VAT numbers (country letters and 8 to 12 characters with at least 7 digits).
_IBAN = re.compile(r"\b([A-Z]{2}\d{2})[A-Z0-9]{7,26}([A-Z0-9]{4})\b")
_VAT = re.compile(r"\b([A-Z]{2})(?=(?:[A-Z0-9]*\d){7})[A-Z0-9]{5,9}([A-Z0-9]{3})\b")
#: SIREN and SIRET: nine or fourteen digits on their own.
_DIGITS = re.compile(r"\b\d{6}(?:\d{5})?(\d{3})\b")
_HIDDEN = "***"


def mask_secrets(text: str) -> str:
    """``text`` without the values of secrets; identifiers stay."""
    text = _PAIR.sub(rf"\1{_HIDDEN}", text)
    return _BEARER.sub(rf"\1 {_HIDDEN}", text)


def mask(text: str) -> str:
    """``text`` without secrets, and with tax and bank identifiers shortened to their ends."""
    text = mask_secrets(text)
    text = _IBAN.sub(rf"\1{_HIDDEN}\2", text)
    text = _VAT.sub(rf"\1{_HIDDEN}\2", text)
    return _DIGITS.sub(rf"{_HIDDEN}\1", text)


class MaskingFilter(logging.Filter):
    """Masks the finished message of each record and its traceback; attached to the suite's own loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), None
        if record.exc_info and record.exc_info[0] is not None:
            # Formatted here, so that no handler formats the exception itself.
            record.exc_text = mask(_FORMATTER.formatException(record.exc_info))
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = mask(record.exc_text)
        if record.stack_info:
            record.stack_info = mask(record.stack_info)
        return True


class StatementFilter(logging.Filter):
    """Masks Odoo's own lines about refused statements, which show the values of the suite's tables."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "bad query" in text and "finance_" in text:
            record.msg, record.args = mask(text), None
        return True


_FORMATTER = logging.Formatter()
